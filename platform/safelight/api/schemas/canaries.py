"""Canaries, as they stand."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from monitors.verdict import Health
from registry.canary import CanaryPlan
from safelight.store.canaries import KnownCanary


class CanaryAsk(BaseModel):
    """What a person says to a canary."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True)] = ""


class CanaryVerdict(BaseModel):
    """What the sequential tests say, over all steps so far."""

    model_config = ConfigDict(from_attributes=True)

    health: Health
    reason: str
    summary: str
    effect: float | None = Field(description="Change of the mean alignment with the prompt, a cosine")
    p_value: float | None = Field(description="Anytime-valid: of a version that is no worse than the tolerances")
    threshold: float | None = Field(description="The plan's alpha: at or below it the canary is called off")
    n: int
    evidence: dict[str, Any] = Field(
        description="For `alignment` and `spoilt` (unusable images): n, the mean loss and the anytime p-values of both "
        "nulls, `p_worse` (no loss beyond the tolerance) and `p_no_worse` (a loss of the margin or more)"
    )


class Canary(BaseModel):
    """How far a promote has come that takes the traffic step by step."""

    plan: CanaryPlan
    step: int = Field(description="The place in the plan's steps, from 0")
    step_at: datetime | None = Field(description="Since when; null before the first")
    images: int = Field(description="Of the new version, judged since the step began")
    verdict: CanaryVerdict | None
    judged_at: datetime | None
    held_by: str | None = Field(description="Who turned the stop switch on: while it runs, it takes no step by itself")

    @classmethod
    def of(cls, canary: KnownCanary, held_by: str | None) -> Self:
        return cls(
            plan=canary.plan,
            step=canary.step,
            step_at=canary.step_at,
            images=canary.images,
            verdict=CanaryVerdict.model_validate(canary.verdict) if canary.verdict else None,
            judged_at=canary.judged_at,
            held_by=held_by,
        )
