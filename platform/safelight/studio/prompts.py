"""Prompts as a small public service gets them: favourites and fresh ones, second tries, retries and odd input.

The stream is pure: one seed, one mix and one sequence of hours give the same requests on every machine. All of them
are legal; what a service must refuse is not traffic but a test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Final

from safelight.studio.scenes import COLOURS, Scene, SceneKind, sample_caption, sample_scene

_TOPICS: Final = {
    "animals": ("cat", "dog", "fish", "butterfly", "duck"),
    "garden": ("tulip", "mushroom", "apple", "butterfly", "star"),
    "festive": ("balloon", "heart", "bell", "crown", "ghost"),
    "town": ("car", "house", "umbrella", "cup", "key", "rocket"),
}
_PEAK_HOUR: Final = {"animals": 12.0, "garden": 9.0, "festive": 20.0, "town": 16.0}
_DAILY_SWING: Final = 0.4
_POPULAR: Final = 200
_ZIPF_EXPONENT: Final = 1.0
_ODD_PROMPTS: Final = (
    "?",
    " ",
    "x",
    "CAT!!!",
    "🐱🎈",
    "ein roter Hund auf blauem Grund",
    "三只猫",
    "asdf qwerty 12345",
    "an astronaut riding a dragon at dusk, highly detailed, 8k",
    "  a   red    car  ",
    "a cat, " * 120 + "a cat",
    "dog\nunder\tan umbrella",
)
_SEEDS: Final = 2**31


@dataclass(frozen=True, slots=True)
class PromptRequest:
    """One request; None leaves a parameter to the version that serves."""

    prompt: str
    seed: int
    n: int = 1
    steps: int | None = None
    guidance: float | None = None


@dataclass(frozen=True, slots=True)
class PromptMix:
    """What is asked for: weights of topics and scene kinds, and the shares of everything that is not a fresh prompt."""

    topics: Mapping[str, float] = field(
        default_factory=lambda: {"animals": 4.0, "garden": 2.0, "festive": 2.0, "town": 3.0}
    )
    kinds: Mapping[SceneKind, float] = field(
        default_factory=lambda: {
            SceneKind.SINGLE: 55.0,
            SceneKind.SIZED: 15.0,
            SceneKind.COUNT: 15.0,
            SceneKind.PAIR: 15.0,
        }
    )
    bare: float = 0.25
    popular: float = 0.30
    second_try: float = 0.06
    retry: float = 0.02
    odd: float = 0.02
    tuned: float = 0.08
    several: float = 0.06


EVERYDAY: Final = PromptMix()
# A harmless change: other things are in fashion, in other arrangements. No alarm may come of it.
FESTIVAL: Final = PromptMix(
    topics={"animals": 1.0, "garden": 4.0, "festive": 6.0, "town": 1.0},
    kinds={SceneKind.SINGLE: 35.0, SceneKind.SIZED: 15.0, SceneKind.COUNT: 30.0, SceneKind.PAIR: 20.0},
    bare=0.10,
)


class Mix(StrEnum):
    """What people ask for: as at the baseline, or a harmless change of fashion."""

    EVERYDAY = "everyday"
    FESTIVAL = "festival"

    @property
    def prompts(self) -> PromptMix:
        return {Mix.EVERYDAY: EVERYDAY, Mix.FESTIVAL: FESTIVAL}[self]


def prompt_stream(
    seed: int, mix: PromptMix = EVERYDAY, hour: Callable[[], float] = lambda: 12.0
) -> Iterator[PromptRequest]:
    """Endless requests; ``hour`` is asked for the time of day, 0 to 24, as each topic is drawn."""
    rng = Random(seed)
    popular = [_fresh_prompt(rng, mix, 12.0) for _ in range(_POPULAR)]
    ranks = [1 / (rank + 1) ** _ZIPF_EXPONENT for rank in range(_POPULAR)]
    last = PromptRequest(popular[0], rng.randrange(_SEEDS))
    while True:
        chance = rng.random()
        if chance < mix.retry:  # a client that lost the answer asks for exactly the same again
            yield last
            continue
        if chance < mix.retry + mix.second_try:  # a person who wants another image of it
            last = replace(last, seed=rng.randrange(_SEEDS))
            yield last
            continue
        if rng.random() < mix.odd:
            prompt = rng.choice(_ODD_PROMPTS)
        elif rng.random() < mix.popular:
            prompt = rng.choices(popular, weights=ranks)[0]
        else:
            prompt = _fresh_prompt(rng, mix, hour())
        last = _with_parameters(rng, mix, PromptRequest(prompt, rng.randrange(_SEEDS)))
        yield last


def topic_weights(mix: PromptMix, hour: float) -> dict[str, float]:
    """The mix's topics at this time of day: each swells around its own hour."""
    return {
        topic: weight * (1 + _DAILY_SWING * math.cos((hour - _PEAK_HOUR[topic]) * math.tau / 24))
        for topic, weight in mix.topics.items()
    }


def _fresh_prompt(rng: Random, mix: PromptMix, hour: float) -> str:
    return sample_caption(rng, _fresh_scene(rng, mix, hour), mix.bare)[1]


def _fresh_scene(rng: Random, mix: PromptMix, hour: float) -> Scene:
    weights = topic_weights(mix, hour)
    topic = rng.choices(list(weights), weights=list(weights.values()))[0]
    kind = rng.choices(list(mix.kinds), weights=list(mix.kinds.values()))[0]
    return sample_scene(rng, [(name, colour) for name in _TOPICS[topic] for colour in (None, *COLOURS)], kind)


def _with_parameters(rng: Random, mix: PromptMix, request: PromptRequest) -> PromptRequest:
    if rng.random() < mix.several:
        return replace(request, n=rng.choice((2, 2, 4)))
    if rng.random() < mix.tuned:
        return rng.choice(
            (
                replace(request, steps=rng.choice((6, 10, 16))),
                replace(request, guidance=rng.choice((2.0, 4.5))),
            )
        )
    return request
