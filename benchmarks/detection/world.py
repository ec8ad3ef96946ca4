"""A world of prompts and images in which every regression can be made at will, and every harmless change too.

Embeddings are unit vectors of 512 dimensions. Prompts fall into topics of Zipf's distribution; images follow their
prompts not quite linearly, with a noise that differs between topics. A scenario says what people ask for and what the
generator does wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from monitors.sample import ALIGNMENT, Direction, Sample, Scalar, Schema

Rows = NDArray[np.float32]

DIMENSIONS = 512
TOPICS = 100
REPLICAS = 64
BAD_REPLICA = 0
SCHEMA = Schema((), (Scalar(ALIGNMENT, Direction.LOW),))
_TEMPLATES = 5
_VIRAL_TOPIC, _VIRAL_SHARE = 40, 0.15
_SPREAD = 0.36


class Asked(Enum):
    """What people ask for."""

    USUAL = auto()
    OTHER = auto()
    """Another mix of the same topics."""
    VIRAL = auto()
    """One rare topic makes up a seventh of all prompts."""
    SEASON = auto()
    """Two mixes that take turns within a day."""


Fault = Callable[["World", Rows, NDArray[np.intp], np.random.Generator], Rows]
"""What becomes of the images [n, d], made on the replicas [n]."""


@dataclass(frozen=True)
class Scenario:
    name: str
    asked: Asked = Asked.USUAL
    fault: Fault | None = None
    spread: float = 1.0
    """Of the images around what their prompts ask for."""


@dataclass(frozen=True, eq=False)
class Recording:
    """Generations in the order they came in, with the replica that made each."""

    name: str
    sample: Sample
    replica: NDArray[np.intp]


def unit(rows: NDArray[np.floating]) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True), dtype=np.float32)


class World:
    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)

        def directions(*shape: int) -> Rows:
            return unit(rng.standard_normal((*shape, DIMENSIONS), dtype=np.float32))

        def rotation() -> Rows:
            return np.linalg.qr(rng.standard_normal((DIMENSIONS, DIMENSIONS)))[0].astype(np.float32)

        spectrum = np.arange(1, DIMENSIONS + 1, dtype=np.float32) ** -0.5
        spectrum /= np.linalg.norm(spectrum)
        self.usual_prompt, self.usual_image, grey = 0.9 * directions(), 0.75 * directions(), directions()
        self.topic = directions(TOPICS)
        self.loudness = rng.uniform(0.7, 1.3, TOPICS).astype(np.float32)
        self.follow = (0.5 * np.eye(DIMENSIONS) + 0.5 * rotation()).astype(np.float32)
        self.prompt_noise = spectrum[:, None] * rotation()
        self.image_noise = spectrum[:, None] * rotation()
        self.bend = 2.0 * rng.standard_normal((DIMENSIONS, 64), dtype=np.float32)
        self.bent = directions(64) / 8.0
        self.blank = 0.35 * unit(self.usual_image) + 0.9 * grey
        self.style = unit(rng.standard_normal(DIMENSIONS, dtype=np.float32) @ self.image_noise)
        zipf = 1.0 / (np.arange(TOPICS) + 5.0)
        self.mix = zipf / zipf.sum()
        self.other_mix, self.day_mix, self.night_mix = (self._moved(rng, by) for by in (1.0, 0.5, 0.5))
        self.viral_mix = (1.0 - _VIRAL_SHARE) * self.mix
        self.viral_mix[_VIRAL_TOPIC] += _VIRAL_SHARE
        usual = rng.choice(TOPICS, _TEMPLATES, p=self.mix)
        self.templates = self._images(usual, self._prompts(usual, rng), 1.0, rng)

    def record(self, scenario: Scenario, n: int, seed: int, *, per_day: int) -> Recording:
        """n generations, `per_day` of which make a day; the same seed gives the same."""
        rng = np.random.default_rng(seed)
        topic = self._topics(scenario.asked, n, per_day, rng)
        prompts = self._prompts(topic, rng)
        images = self._images(topic, prompts, scenario.spread, rng)
        replica = rng.integers(0, REPLICAS, n)
        if scenario.fault is not None:
            images = scenario.fault(self, images, replica, rng)
        alignment = (prompts * images).sum(axis=1, keepdims=True)
        keys = rng.integers(0, 2**63, n, dtype=np.uint64)
        parameters = np.empty((n, 0), np.float32)
        return Recording(scenario.name, Sample(SCHEMA, prompts, images, parameters, alignment, keys), replica)

    def _moved(self, rng: np.random.Generator, by: float) -> NDArray[np.float64]:
        mix = self.mix * np.exp(by * rng.standard_normal(TOPICS))
        return np.asarray(mix / mix.sum())

    def _topics(self, asked: Asked, n: int, per_day: int, rng: np.random.Generator) -> NDArray[np.intp]:
        match asked:
            case Asked.SEASON:
                by_day = rng.random(n) < 0.5 + 0.5 * np.sin(2 * np.pi * np.arange(n) / per_day)
                day, night = (rng.choice(TOPICS, n, p=mix) for mix in (self.day_mix, self.night_mix))
                return np.where(by_day, day, night)
            case Asked.OTHER:
                mix = self.other_mix
            case Asked.VIRAL:
                mix = self.viral_mix
            case Asked.USUAL:
                mix = self.mix
        return rng.choice(TOPICS, n, p=mix)

    def _prompts(self, topic: NDArray[np.intp], rng: np.random.Generator) -> Rows:
        noise = rng.standard_normal((len(topic), DIMENSIONS), dtype=np.float32) @ self.prompt_noise
        return unit(self.usual_prompt + 0.6 * self.topic[topic] + 0.45 * noise)

    def _images(self, topic: NDArray[np.intp], prompts: Rows, spread: float, rng: np.random.Generator) -> Rows:
        asked = prompts - 0.8 * self.usual_prompt
        meant = self.usual_image + 0.55 * asked @ self.follow + 0.7 * np.tanh(asked @ self.bend) @ self.bent
        noise = rng.standard_normal((len(topic), DIMENSIONS), dtype=np.float32) @ self.image_noise
        return unit(meant + spread * _SPREAD * self.loudness[topic][:, None] * noise)


def shifted(amount: float) -> Fault:
    """All images move in one direction that the noise knows."""
    return lambda world, images, _replica, _rng: unit(images + np.float32(amount) * world.style)


def collapsed(share: float) -> Fault:
    """A share of the prompts gets one of five images, with little variation."""

    def fault(world: World, images: Rows, _replica: NDArray[np.intp], rng: np.random.Generator) -> Rows:
        hit = rng.random(len(images)) < share
        which = rng.integers(0, _TEMPLATES, hit.sum())
        noise = rng.standard_normal((len(which), DIMENSIONS), dtype=np.float32) @ world.image_noise
        return _replaced(images, hit, world.templates[which] + 0.05 * noise)

    return fault


def broken(share: float) -> Fault:
    """A share of the prompts gets grey noise."""

    def fault(world: World, images: Rows, _replica: NDArray[np.intp], rng: np.random.Generator) -> Rows:
        hit = rng.random(len(images)) < share
        noise = rng.standard_normal((int(hit.sum()), DIMENSIONS), dtype=np.float32)
        return _replaced(images, hit, world.blank + 0.05 / np.sqrt(DIMENSIONS) * noise)

    return fault


def shuffled(share: float) -> Fault:
    """The right images, given to the wrong prompts: no distribution of images or of prompts changes."""

    def fault(_world: World, images: Rows, _replica: NDArray[np.intp], rng: np.random.Generator) -> Rows:
        hit = np.flatnonzero(rng.random(len(images)) < share)
        return _replaced(images, hit, images[np.roll(hit, 1)])

    return fault


def shifted_on_one_replica(amount: float) -> Fault:
    """One of 64 replicas moves its images, as with an adapter that did not load."""

    def fault(world: World, images: Rows, replica: NDArray[np.intp], _rng: np.random.Generator) -> Rows:
        hit = replica == BAD_REPLICA
        return _replaced(images, hit, images[hit] + np.float32(amount) * world.style)

    return fault


def _replaced(images: Rows, hit: NDArray[np.bool_] | NDArray[np.intp], by: NDArray[np.floating]) -> Rows:
    changed = images.copy()
    changed[hit] = unit(by)
    return changed


HEALTHY = Scenario("healthy")

ONE_BAD_REPLICA = Scenario("one replica of 64 shifted by .3", fault=shifted_on_one_replica(0.3))

REGRESSIONS = (
    Scenario("all images shifted by .02", fault=shifted(0.02)),
    Scenario("all images shifted by .04", fault=shifted(0.04)),
    Scenario("2 % collapsed", fault=collapsed(0.02)),
    Scenario("5 % collapsed", fault=collapsed(0.05)),
    Scenario("1 % broken", fault=broken(0.01)),
    Scenario("2 % broken", fault=broken(0.02)),
    Scenario("2 % given to the wrong prompt", fault=shuffled(0.02)),
    Scenario("5 % given to the wrong prompt", fault=shuffled(0.05)),
    Scenario("diversity down by 10 %", spread=0.9),
    Scenario("another prompt mix and 2 % broken", asked=Asked.OTHER, fault=broken(0.02)),
    ONE_BAD_REPLICA,
)

HARMLESS = (
    Scenario("another prompt mix", asked=Asked.OTHER),
    Scenario("a viral topic", asked=Asked.VIRAL),
    Scenario("daily season", asked=Asked.SEASON),
)
