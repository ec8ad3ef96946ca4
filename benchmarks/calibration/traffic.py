"""Who asks for what, and when: sources of prompts with a weight for each minute, as a crowd that asks for images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibration.painter import Painter, Prompts, Rows
from monitors.sample import Sample

MINUTES = 1440
BASELINE_DAYS = 7
_CHUNK = 2_000  # generations painted at a time: as many as fit into a processor's cache

Weights = NDArray[np.float64]
Schedule = Callable[[int], Weights]  # of a day: a weight for each of its minutes
Asking = Callable[[int, int, np.random.Generator], Prompts]  # n, day: n prompts
Asked = Callable[[int, int, np.random.Generator], Rows]  # n, day: the parameters of n requests


@dataclass(frozen=True)
class Source:
    asks: Asking
    weight: Schedule


@dataclass(frozen=True)
class Stretch:
    """Generations in the order they were made; `minute` is of the day."""

    minute: NDArray[np.intp]
    sample: Sample


@dataclass(frozen=True)
class World:
    """`volume` is in requests a minute; each makes 1 or, with a chance of `in_fours`, 4 images.

    Days before 0 are what baselines are made of. `days` says how many are worth watching: what is dear to simulate is
    watched for less long.
    """

    name: str
    painter: Painter
    sources: Sequence[Source]
    volume: Schedule
    parameters: Asked
    in_fours: float = 0.0
    days: int = 12

    def baseline(self, n: int, rng: np.random.Generator) -> Sample:
        """n generations from the week before, drawn as they were asked for."""
        parts = []
        for day in range(-BASELINE_DAYS, 0):
            wanted = n * (day + BASELINE_DAYS + 1) // BASELINE_DAYS - n * (day + BASELINE_DAYS) // BASELINE_DAYS
            volume = self.volume(day)
            requests = int(np.ceil(wanted / (1.0 + 3.0 * self.in_fours))) + 4
            minute = np.sort(rng.choice(MINUTES, requests, p=volume / volume.sum()))
            prompts, parameters, rows = self._requests(minute, day, rng)
            rows = np.sort(rng.permutation(rows)[:wanted])
            parts.append(self.painter.paint(prompts.take(rows), parameters[rows], rng))
        return Sample.concatenate(parts)

    def day(self, day: int, rng: np.random.Generator) -> Sequence[Stretch]:
        counts = rng.poisson(self.volume(day))
        stretches = []
        for minutes in np.array_split(np.arange(MINUTES), max(1, int(counts.sum()) // _CHUNK)):
            minute = np.repeat(minutes, counts[minutes])
            if len(minute) == 0:
                continue
            prompts, parameters, rows = self._requests(minute, day, rng)
            stretches.append(Stretch(minute[rows], self.painter.paint(prompts.take(rows), parameters[rows], rng)))
        return stretches

    def _requests(
        self, minute: NDArray[np.intp], day: int, rng: np.random.Generator
    ) -> tuple[Prompts, Rows, NDArray[np.intp]]:
        """The prompts and parameters of requests in these minutes, and for each image the request it belongs to."""
        weights = np.stack([source.weight(day)[minute] for source in self.sources])
        cumulated = np.cumsum(weights, axis=0)
        chosen = (rng.random(len(minute)) * cumulated[-1] >= cumulated).sum(axis=0)
        counts = np.bincount(chosen, minlength=len(self.sources))
        asked = Prompts.concatenate(
            [source.asks(int(count), day, rng) for source, count in zip(self.sources, counts, strict=True)]
        )
        place = np.empty(len(minute), np.intp)
        place[np.argsort(chosen, kind="stable")] = np.arange(len(minute))
        copies = np.where(rng.random(len(minute)) < self.in_fours, 4, 1)
        return asked.take(place), self.parameters(len(minute), day, rng), np.repeat(np.arange(len(minute)), copies)


def zipf(count: int, exponent: float = 1.0, offset: float = 4.0) -> Weights:
    shares = 1.0 / (np.arange(count) + 1.0 + offset) ** exponent
    return np.asarray(shares / shares.sum())


def people(painter: Painter, mix: Weights) -> Asking:
    """A new prompt for every request."""

    def asks(n: int, _day: int, rng: np.random.Generator) -> Prompts:
        return painter.prompts(rng.choice(len(mix), n, p=mix), rng)

    return asks


def favourites(painter: Painter, mix: Weights, prompts: int, exponent: float, seed: int) -> Asking:
    """Prompts that are asked for again and again, with Zipf's law for how often."""
    rng = np.random.default_rng(seed)
    known = painter.prompts(rng.choice(len(mix), prompts, p=mix), rng)
    popularity = zipf(prompts, exponent, 1.0)

    def asks(n: int, _day: int, rng: np.random.Generator) -> Prompts:
        return known.take(rng.choice(prompts, n, p=popularity))

    return asks


def campaign(painter: Painter, topic: int, prompts: int, reworded: float, seed: int) -> Asking:
    """A few prompts that are new each day, in the words of a template or, `reworded`, in a little other words."""

    def asks(n: int, day: int, rng: np.random.Generator) -> Prompts:
        today = np.random.default_rng((seed, day + 1000))
        few = painter.prompts(np.full(prompts, topic), today)
        chosen = few.take(rng.integers(0, prompts, n))
        return painter.reworded(chosen, reworded, rng) if reworded else chosen

    return asks


def rewritten(painter: Painter, asks: Asking, towards: int, amount: float) -> Asking:
    """What reaches the generator through a rewriter at fault."""

    def rewrites(n: int, day: int, rng: np.random.Generator) -> Prompts:
        return painter.pulled(asks(n, day, rng), towards, amount)

    return rewrites


def always(weight: float) -> Schedule:
    return lambda _day: np.full(MINUTES, weight)


def daily(mean: float, swing: float, peak_hour: float, weekend: float = 1.0) -> Schedule:
    """A day's wave around `mean`; `weekend` scales days 5 and 6 of each week."""
    hour = np.arange(MINUTES) / 60.0
    wave = mean * (1.0 + swing * np.cos(2.0 * np.pi * (hour - peak_hour) / 24.0))
    return lambda day: wave * (weekend if day % 7 >= 5 else 1.0)


def from_day(first: int, weight: float) -> Schedule:
    return lambda day: np.full(MINUTES, weight if day >= first else 0.0)


def bursts(weight: float, hours: float, seed: int, first: int = 0, a_day: int = 1) -> Schedule:
    """Some hours of each day from `first` on, at other times each day."""

    def schedule(day: int) -> Weights:
        minutes = np.zeros(MINUTES)
        if day >= first:
            for start in np.random.default_rng((seed, day + 1000)).integers(0, MINUTES, a_day):
                minutes[int(start) : int(start + 60 * hours)] = weight
        return minutes

    return schedule


def usual_parameters(n: int, _day: int, rng: np.random.Generator) -> Rows:
    """Mostly one of two numbers of steps, and a guidance of people's taste."""
    return _parameters(n, rng, steps=(20.0, 30.0), shares=(0.7, 0.3), guidance=(3.0, 7.0))


def shifting_parameters(day_of_change: int) -> Asked:
    """A client changes what it asks for: within what was known at first, then beyond."""

    def parameters(n: int, day: int, rng: np.random.Generator) -> Rows:
        if day < day_of_change:
            return usual_parameters(n, day, rng)
        if day < 2 * day_of_change:
            return _parameters(n, rng, steps=(20.0, 30.0), shares=(0.2, 0.8), guidance=(5.0, 7.0))
        return _parameters(n, rng, steps=(4.0, 20.0, 30.0), shares=(0.04, 0.46, 0.5), guidance=(3.0, 7.0))

    return parameters


def _parameters(
    n: int,
    rng: np.random.Generator,
    *,
    steps: tuple[float, ...],
    shares: tuple[float, ...],
    guidance: tuple[float, float],
) -> Rows:
    columns = [np.log(rng.choice(steps, n, p=shares)), rng.uniform(*guidance, n)]
    return np.stack(columns, axis=1).astype(np.float32)
