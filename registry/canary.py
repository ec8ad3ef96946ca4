"""A canary: a promote that takes the traffic step by step, and what becomes of it. Pure.

A step sends a share of people's requests to the new version, makes a share of the others on it a second time, unseen
by anybody (a shadow), or both. It bakes for its time, and is passed only by a finding that the version is no worse.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from registry.errors import Kind, RegistryError
from registry.ledger import Entry
from registry.parameters import Part
from registry.rules import known_good, serving

_DAY = 86_400
Percent = Annotated[int, Field(ge=0, le=100, strict=True)]
Seconds = Annotated[int, Field(ge=0, le=30 * _DAY, strict=True)]
Share = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


class Sticky(StrEnum):
    """What stays on its side of a canary."""

    USER = "user"
    """The end user that a request names; a request that names none is on its own."""
    KEY = "key"
    """The API key."""
    REQUEST = "request"
    """Nothing: every request is drawn anew."""


class CanaryStep(Part):
    """Shares in percent. `weight` of people's requests go to the new version, `shadow` of the others are made twice."""

    weight: Annotated[int, Field(ge=0, le=99, strict=True)] = 0
    shadow: Percent = 0
    bake_seconds: Seconds = 300
    pause: Annotated[bool, Field(description="After it has baked, wait for a person")] = False

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.weight and not self.shadow:
            raise ValueError("a step needs a weight or a shadow: with neither nothing is learnt about the version")
        return self

    def __str__(self) -> str:
        parts = [f"{self.weight} % of the requests"] if self.weight else []
        parts += [f"shadows of {self.shadow} % of the others"] if self.shadow else []
        return " and ".join(parts)


class CanaryPlan(Part):
    """The steps of a canary and what it takes to pass them.

    `alpha` bounds two probabilities, each over all steps and looks together: that a version no worse than the
    tolerances is called off, and that one worse than the margins is passed. Alignments are cosines.
    """

    steps: Annotated[tuple[CanaryStep, ...], Field(min_length=1, max_length=20)]
    sticky: Sticky = Sticky.USER
    alpha: Annotated[float, Field(gt=0, le=0.2, allow_inf_nan=False)] = 0.05
    alignment_tolerance: Annotated[float, Field(ge=0, lt=0.25, allow_inf_nan=False)] = 0.005
    alignment_margin: Annotated[float, Field(gt=0, lt=0.25, allow_inf_nan=False)] = 0.03
    spoilt_tolerance: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.01
    spoilt_margin: Share = 0.05
    min_images: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 20
    """Of the new version, judged while a step lasts, before that step is passed."""
    give_up_seconds: Annotated[int, Field(ge=1, le=30 * _DAY, strict=True)] = 3_600
    """After the bake time, how long to go on looking before a canary that cannot be judged waits for a person."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        weights = [step.weight for step in self.steps]
        if weights != sorted(weights):
            raise ValueError("a step's weight may not be below that of the step before it")
        if self.alignment_margin <= self.alignment_tolerance or self.spoilt_margin <= self.spoilt_tolerance:
            raise ValueError("a margin must be above its tolerance: else a version is passed and called off at once")
        return self


class CanaryCode(StrEnum):
    NOTHING_TO_COMPARE = "canary_nothing_to_compare"
    NOT_HERE = "canary_not_here"
    NONE_RUNS = "canary_not_running"
    NOT_OVER = "canary_not_over"


class CanaryRefused(RegistryError):
    kind: ClassVar[Kind] = Kind.CONFLICT


class Finding(StrEnum):
    """What the judge says of the new version."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Move(StrEnum):
    WAIT = "wait"
    STEP = "step"
    PAUSE = "pause"
    FINISH = "finish"
    ABORT = "abort"


class Why(StrEnum):
    """The reason for a move, as a step of the release tells it."""

    WORSE = "the new version is worse"
    BAKING = "the step bakes"
    NOT_SHOWN = "it is not shown yet that the new version is no worse"
    NOT_JUDGED = "the judge failed, which is no pass"
    TOO_FEW = "too few of its images were judged in this step"
    GAVE_UP = "it could not be shown in time that the new version is no worse: a person has to look"
    ASKED = "the plan has a person look before it goes on"
    HELD = "a person has to say how it goes on"
    STOPPED = "the stop switch is on, so that nothing goes on by itself"
    PASSED = "it has baked, and the new version is no worse"


@dataclass(frozen=True)
class Standing:
    """Where a canary is: the place of its step, since when, whether it waits for a person, and whether one has said in
    this step that it shall go on: nobody is asked the same thing twice. While all is `stopped` nothing goes on by
    itself."""

    step: int
    since: datetime
    paused: bool
    answered: bool = False
    stopped: bool = False


def check_canary(from_version: int | None, to_version: int, elsewhere: Collection[int]) -> None:
    """Raises CanaryRefused for a promote that cannot be one."""
    if from_version is None:
        raise CanaryRefused(
            CanaryCode.NOTHING_TO_COMPARE,
            "Nothing serves yet, so that there is nothing to compare a canary with. Promote the version without one.",
        )
    abroad = sorted({from_version, to_version}.intersection(elsewhere))
    if abroad:
        raise CanaryRefused(
            CanaryCode.NOT_HERE,
            f"Version {abroad[0]} is served by somebody else's service, which splits its own traffic: no canary of it "
            "can be run here. Promote without one.",
        )


def is_way_back(entries: Sequence[Entry], to: int | None) -> bool:
    """Whether calling the canary off is all that a rollback to ``to`` (None: the last known good) asks for."""
    current = serving(entries)
    return to == current or (to is None and current in known_good(entries))


def is_drawn(salt: str, subject: str, percent: int) -> bool:
    """Whether a subject is among the share. Deterministic; a larger share keeps all that a smaller one had."""
    digest = blake2b(f"{salt}/{subject}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") * 100 < percent << 64


def decide(plan: CanaryPlan, at: Standing, finding: Finding, images: int, now: datetime) -> tuple[Move, Why]:
    """What to do next, given what was found, on so many `images` of the new version judged since the step began.

    What is not known is never a pass, and never a reason to call it off.
    """
    if finding is Finding.DEGRADED:
        return Move.ABORT, Why.WORSE
    if at.paused:
        return Move.WAIT, Why.HELD
    step = plan.steps[at.step]
    baked = at.since + timedelta(seconds=step.bake_seconds)
    if now < baked:
        return Move.WAIT, Why.BAKING
    missing = _missing(plan, finding, images)
    if missing is not None:
        in_vain = now >= baked + timedelta(seconds=plan.give_up_seconds) and not at.answered
        return (Move.PAUSE, Why.GAVE_UP) if in_vain else (Move.WAIT, missing)
    if step.pause and not at.answered:
        return Move.PAUSE, Why.ASKED
    if at.stopped:
        return Move.WAIT, Why.STOPPED
    return (Move.STEP if at.step + 1 < len(plan.steps) else Move.FINISH), Why.PASSED


def _missing(plan: CanaryPlan, finding: Finding, images: int) -> Why | None:
    if finding is Finding.ERROR:
        return Why.NOT_JUDGED
    if finding is not Finding.HEALTHY:
        return Why.NOT_SHOWN
    return Why.TOO_FEW if images < plan.min_images else None
