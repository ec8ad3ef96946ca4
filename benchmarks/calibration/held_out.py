"""Worlds written before any tuning and run once, at the end: another kind of generator, and other habits of people."""

from __future__ import annotations

import numpy as np

from benchmarks.calibration.painter import DIMENSIONS, Painter, Prompts, unit
from benchmarks.calibration.traffic import (
    MINUTES,
    Schedule,
    Weights,
    World,
    always,
    bursts,
    campaign,
    daily,
    favourites,
    people,
    shifting_parameters,
    usual_parameters,
    zipf,
)
from benchmarks.calibration.traffic import Source as From

_OBJECTS, _COLOURS, _SCENES = 24, 10, 8


class Composer(Painter):
    """Prompts are put together from an object, a colour and a scene, with little else; noise has heavy tails, and what
    is read off the pixels comes in coarse steps."""

    def __init__(self, seed: int, misfit: float = 0.25) -> None:
        super().__init__(seed, topics=_OBJECTS, misfit=misfit, heavy=6.0, coarse=True)
        rng = np.random.default_rng((seed, 1))
        self._colour = unit(rng.standard_normal((_COLOURS, DIMENSIONS)))
        self._scene = unit(rng.standard_normal((_SCENES, DIMENSIONS)))

    def prompts(self, topic: np.ndarray[tuple[int], np.dtype[np.intp]], rng: np.random.Generator) -> Prompts:
        free = super().prompts(topic, rng)
        colour = rng.choice(_COLOURS, len(topic), p=zipf(_COLOURS))
        scene = rng.choice(_SCENES, len(topic), p=zipf(_SCENES))
        parts = 0.35 * self._colour[colour] + 0.45 * self._scene[scene]
        return Prompts(unit(free.embedding + parts), free.topic, free.own, free.key)


def worlds(seed: int) -> list[World]:
    """All of them, with a geometry that `seed` gives."""
    return [
        composed(seed),
        bots(seed),
        templates(seed),
        launch(seed),
        two_peaks(seed),
        surges(seed),
        trickle(seed),
        tastes(seed),
        all_at_once(seed),
    ]


def composed(seed: int) -> World:
    """Another kind of prompts and of noise; otherwise nothing happens."""
    painter = Composer(seed)
    return World("composed", painter, [From(people(painter, zipf(_OBJECTS)), always(1))], always(20), usual_parameters)


def bots(seed: int) -> World:
    """A script sends one prompt, four images at a time, three times as often as all people together; others retry."""
    painter = Painter(seed, misfit=0.3)
    mix = zipf(painter.topics)
    sources = [
        From(people(painter, mix), always(1)),
        From(favourites(painter, mix, 200, 0.7, seed), always(0.2)),
        From(campaign(painter, 12, 1, 0.0, seed), bursts(3.0, 0.5, seed, a_day=3)),
    ]
    return World("bots", painter, sources, always(8), usual_parameters, in_fours=0.5)


def templates(seed: int) -> World:
    """Campaigns whose prompts are nearly the same, yet no two of them are equal."""
    painter = Painter(seed, misfit=0.3)
    sources = [
        From(people(painter, zipf(painter.topics)), always(1)),
        From(campaign(painter, 20, 2, 0.1, seed), bursts(0.5, 6, seed)),
        From(campaign(painter, 50, 5, 0.2, seed + 1), bursts(0.5, 2, seed + 1)),
    ]
    return World("templates", painter, sources, always(20), usual_parameters)


def launch(seed: int) -> World:
    """From the third day on another country joins, which asks for other things, and doubles the traffic."""
    painter = Composer(seed)
    rng = np.random.default_rng(seed)
    abroad = rng.dirichlet(np.full(_OBJECTS, 0.5))
    volume = daily(12, 0.5, 14)

    def joined(day: int) -> Weights:
        return volume(day) * (2.0 if day >= 2 else 1.0)

    sources = [
        From(people(painter, zipf(_OBJECTS)), always(1)),
        From(people(painter, abroad), _from_third_day),
    ]
    return World("launch", painter, sources, joined, usual_parameters)


def two_peaks(seed: int) -> World:
    """Lunch and evening, each with prompts of its own, and weekends unlike either."""
    painter = Composer(seed, misfit=0.1)
    rng = np.random.default_rng(seed)
    lunch, evening, weekend = (rng.dirichlet(3.0 * zipf(_OBJECTS) * _OBJECTS) for _ in range(3))
    sources = [
        From(people(painter, lunch), _peak(12.5)),
        From(people(painter, evening), _peak(20.5)),
        From(people(painter, weekend), daily(0.02, 0.0, 0, weekend=50.0)),
        From(people(painter, zipf(_OBJECTS)), always(0.1)),
    ]

    def volume(day: int) -> Weights:
        return 5.0 + 40.0 * (_peak(12.5)(day) + _peak(20.5)(day))

    return World("two peaks", painter, sources, volume, usual_parameters)


def surges(seed: int) -> World:
    """A television show: for half an hour two hundred times the traffic, about a handful of topics."""
    painter = Composer(seed)
    show = np.zeros(_OBJECTS)
    show[[2, 9, 15]] = 1 / 3
    surge = bursts(200.0, 0.5, seed, a_day=1)

    def volume(day: int) -> Weights:
        return 10.0 * (1.0 + surge(day))

    sources = [
        From(people(painter, zipf(_OBJECTS)), always(1)),
        From(people(painter, show), bursts(2.0, 0.5, seed, a_day=1)),
    ]
    return World("surges", painter, sources, volume, usual_parameters, in_fours=0.1, days=8)


def trickle(seed: int) -> World:
    """Two requests a minute, most of them for four images."""
    painter = Composer(seed)
    mix = zipf(_OBJECTS)
    sources = [From(people(painter, mix), always(1)), From(favourites(painter, mix, 100, 1.0, seed), always(0.3))]
    return World("trickle", painter, sources, daily(2, 0.8, 19), usual_parameters, in_fours=0.7, days=24)


def tastes(seed: int) -> World:
    """What people like changes a little every day, and some of it was never asked for before."""
    painter = Painter(seed, topics=72)
    start = np.concatenate([zipf(60), np.zeros(12)])
    goal = np.random.default_rng(seed).dirichlet(np.ones(72))

    def asks(n: int, day: int, rng: np.random.Generator) -> Prompts:
        along = float(np.clip(day / 24.0, 0.0, 0.5))
        return painter.prompts(rng.choice(72, n, p=(1.0 - along) * start + along * goal), rng)

    return World("tastes", painter, [From(asks, always(1))], daily(20, 0.6, 20, weekend=0.7), usual_parameters)


def all_at_once(seed: int) -> World:
    """Peaks, favourites, templates, bots and a client that changes its parameters."""
    painter = Composer(seed, misfit=0.5)
    mix = zipf(_OBJECTS)
    sources = [
        From(people(painter, mix), _peak(12.5)),
        From(people(painter, np.random.default_rng(seed).dirichlet(np.ones(_OBJECTS))), _peak(20.5)),
        From(favourites(painter, mix, 1000, 1.0, seed), always(0.2)),
        From(campaign(painter, 5, 4, 0.1, seed), bursts(0.3, 4, seed)),
        From(campaign(painter, 11, 1, 0.0, seed + 1), bursts(1.0, 0.5, seed + 1, a_day=2)),
    ]

    def volume(day: int) -> Weights:
        return 3.0 + 25.0 * (_peak(12.5)(day) + _peak(20.5)(day))

    return World("all at once", painter, sources, volume, shifting_parameters(5), in_fours=0.3)


def _peak(hour: float) -> Schedule:
    away = np.arange(MINUTES) / 60.0 - hour
    wave: Weights = np.exp(-0.5 * (away / 1.5) ** 2) + 0.02
    return lambda _day: wave


def _from_third_day(day: int) -> Weights:
    return np.full(MINUTES, 1.0 if day >= 2 else 0.0)
