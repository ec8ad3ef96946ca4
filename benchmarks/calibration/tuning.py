"""The worlds that the detector was tuned on: harmless, each unkind in its own way."""

from __future__ import annotations

import numpy as np

from benchmarks.calibration.painter import Painter, Prompts
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
    from_day,
    people,
    rewritten,
    shifting_parameters,
    usual_parameters,
    zipf,
)
from benchmarks.calibration.traffic import Source as From

_A_MINUTE = 20.0


def worlds(seed: int) -> list[World]:
    """All of them, with a geometry that `seed` gives."""
    return [
        steady(seed),
        repeats(seed),
        seasons(seed),
        campaigns(seed),
        new_topics(seed),
        parameters(seed),
        filters(seed),
        rewriter(seed),
        rush(seed),
        stubborn(seed),
        everything(seed),
        paraphrases(seed),
        odd_favourites(seed),
    ]


def steady(seed: int) -> World:
    """Nothing ever happens, and no prompt comes twice."""
    painter = Painter(seed)
    return World("steady", painter, [From(people(painter, _usual(painter)), always(1))], _flat(), usual_parameters)


def repeats(seed: int) -> World:
    """Half of all requests are for 3,000 prompts by Zipf's law, and three in ten make four images."""
    painter = Painter(seed)
    mix = _usual(painter)
    sources = [From(people(painter, mix), always(1)), From(favourites(painter, mix, 3000, 1.0, seed), always(1))]
    return World("repeats", painter, sources, _flat(11.0), usual_parameters, in_fours=0.3)


def seasons(seed: int) -> World:
    """People ask for other things by day, by night and at the weekend, and for more of them by day."""
    painter = Painter(seed)
    sources = [
        From(people(painter, _other(painter, seed, 1)), daily(1, 0.9, 13)),
        From(people(painter, _other(painter, seed, 2)), daily(1, 0.9, 1)),
        From(people(painter, _other(painter, seed, 3)), daily(0.7, 0.0, 0, weekend=3.0)),
    ]
    return World("seasons", painter, sources, daily(_A_MINUTE, 0.7, 15, weekend=1.4), usual_parameters)


def campaigns(seed: int) -> World:
    """For some hours of a day a few prompts nobody had asked before make up a third of everything; one topic goes
    viral for a day at a time."""
    painter = Painter(seed)
    sources = [
        From(people(painter, _usual(painter)), always(1)),
        From(campaign(painter, 30, 3, 0.0, seed), bursts(0.5, 3, seed)),
        From(people(painter, np.eye(painter.topics)[40]), bursts(0.2, 24, seed + 1, first=3)),
    ]
    return World("campaigns", painter, sources, _flat(), usual_parameters)


def new_topics(seed: int) -> World:
    """Topics that the baseline never saw come up on the second day and grow."""
    painter = Painter(seed, topics=66)
    known = np.concatenate([zipf(60), np.zeros(6)])
    new = np.concatenate([np.zeros(60), np.full(6, 1 / 6)])
    sources = [
        From(people(painter, known), always(1)),
        From(people(painter, new), from_day(1, 0.03)),
        From(people(painter, new), from_day(6, 0.07)),
    ]
    return World("new topics", painter, sources, _flat(), usual_parameters)


def parameters(seed: int) -> World:
    """A client asks for other parameters: known ones in another mix, then some that nobody ever asked for."""
    painter = Painter(seed)
    sources = [From(people(painter, _usual(painter)), always(1))]
    return World("parameters", painter, sources, _flat(), shifting_parameters(4))


def filters(seed: int) -> World:
    """A stricter filter stops serving a fifth of the topics for a third of the time."""
    painter = Painter(seed)
    mix = _usual(painter)
    stopped = np.random.default_rng(seed).random(painter.topics) < 0.2
    sources = [
        From(people(painter, _normalised(np.where(stopped, 0.0, mix))), always(1)),
        From(people(painter, _normalised(np.where(stopped, mix, 0.0))), _most_days(float(mix[stopped].sum()))),
    ]
    return World("filters", painter, sources, _flat(), usual_parameters)


def rewriter(seed: int) -> World:
    """For hours a rewriter pulls every prompt towards one topic. The images fit what the generator was told."""
    painter = Painter(seed)
    asks = people(painter, _usual(painter))
    sources = [From(asks, always(1)), From(rewritten(painter, asks, 7, 0.3), bursts(50.0, 6, seed, first=1))]
    return World("rewriter", painter, sources, _flat(), usual_parameters)


def rush(seed: int) -> World:
    """So much traffic, by day and by night, that a few minutes hold more than the baseline."""
    painter = Painter(seed)
    sources = [
        From(people(painter, _other(painter, seed, 1)), daily(1, 0.9, 13)),
        From(people(painter, _other(painter, seed, 2)), daily(1, 0.9, 1)),
    ]
    return World("rush", painter, sources, daily(1000.0, 0.7, 15), usual_parameters, days=1)


def stubborn(seed: int) -> World:
    """Each prompt has a look of its own that no model of prompts can know, and favourites come again and again."""
    painter = Painter(seed, misfit=0.8)
    mix = _usual(painter)
    sources = [
        From(people(painter, mix), always(1)),
        From(favourites(painter, mix, 500, 1.1, seed), daily(1, 0.5, 12)),
        From(campaign(painter, 30, 3, 0.0, seed), bursts(0.5, 3, seed)),
    ]
    return World("stubborn", painter, sources, _flat(11.0), usual_parameters, in_fours=0.3)


def everything(seed: int) -> World:
    """All of the above at once."""
    painter = Painter(seed, topics=63, misfit=0.3)
    new = np.concatenate([np.zeros(60), np.full(3, 1 / 3)])
    day, night = (_padded(_tilted(zipf(60), seed, i), 3) for i in (1, 2))
    sources = [
        From(people(painter, day), daily(1, 0.9, 13)),
        From(people(painter, night), daily(1, 0.9, 1)),
        From(favourites(painter, day, 2000, 1.0, seed), daily(1, 0.3, 18, weekend=1.5)),
        From(campaign(painter, 30, 3, 0.0, seed), bursts(1.0, 3, seed)),
        From(people(painter, new), from_day(4, 0.1)),
    ]
    volume = daily(11.0, 0.7, 15, weekend=1.4)
    return World("everything", painter, sources, volume, shifting_parameters(4), in_fours=0.3)


def paraphrases(seed: int) -> World:
    """A few dozen prompts nobody had asked before, in other words each time, are a third of everything twice a day.

    Added when held-out templates had raised alarms that no tuning world did.
    """
    painter = Painter(seed, misfit=0.4)
    rng = np.random.default_rng(seed)
    mix, popularity = _usual(painter), zipf(40, 1.0, 1.0)
    known = painter.prompts(rng.choice(painter.topics, 40, p=mix), rng)

    def asks(n: int, _day: int, rng: np.random.Generator) -> Prompts:
        return painter.reworded(known.take(rng.choice(40, n, p=popularity)), 0.15, rng)

    sources = [From(people(painter, mix), always(1)), From(asks, bursts(0.6, 5, seed, first=1, a_day=2))]
    return World("paraphrases", painter, sources, _flat(), usual_parameters)


def odd_favourites(seed: int) -> World:
    """Three in ten requests are for 200 prompts by Zipf's law, other ones each day, and what a prompt's images share is
    now and then wild.

    Added when the studio's festival had raised an alarm that no tuning world did.
    """
    painter = Painter(seed, misfit=1.0, odd=5.0)
    mix = _usual(painter)

    def asks(n: int, day: int, rng: np.random.Generator) -> Prompts:
        return favourites(painter, mix, 200, 1.0, 1000 * seed + day + 100)(n, day, rng)

    sources = [From(people(painter, mix), always(0.7)), From(asks, always(0.3))]
    return World("odd favourites", painter, sources, _flat(), usual_parameters)


def heavy_tails(seed: int) -> World:
    """Nothing happens, but now and then noise is wild and pixels are read in coarse steps: for the far tail."""
    painter = Painter(seed, heavy=5.0, coarse=True)
    return World("heavy tails", painter, [From(people(painter, _usual(painter)), always(1))], _flat(), usual_parameters)


def _flat(a_minute: float = _A_MINUTE) -> Schedule:
    return always(a_minute)


def _usual(painter: Painter) -> Weights:
    return zipf(painter.topics)


def _other(painter: Painter, seed: int, which: int) -> Weights:
    return _tilted(_usual(painter), seed, which)


def _tilted(mix: Weights, seed: int, which: int) -> Weights:
    rng = np.random.default_rng((seed, which))
    return _normalised(mix * np.exp(0.7 * rng.standard_normal(len(mix))))


def _padded(mix: Weights, zeros: int) -> Weights:
    return np.concatenate([mix, np.zeros(zeros)])


def _normalised(weights: Weights) -> Weights:
    return np.asarray(weights / weights.sum())


def _most_days(weight: float) -> Schedule:
    def schedule(day: int) -> Weights:
        return np.full(MINUTES, 0.0 if day >= 0 and day % 3 == 2 else weight / (1.0 - weight))

    return schedule
