"""What gates say, and who answers for what they did not pass."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from registry.gates.result import Gate, Outcome, Reason


class GateInfo(BaseModel):
    """What one gate says of a version."""

    model_config = ConfigDict(from_attributes=True)

    gate: Gate
    outcome: Outcome
    reason: Reason
    summary: str
    required: bool = Field(description="Whether a promote depends on it")
    overridden: bool = Field(False, description="The promote went on without it")
    figures: dict[str, Any] = Field(description="What the answer rests on")


class OverrideInfo(BaseModel):
    """Who answers for a release that did not pass its gates, and why."""

    model_config = ConfigDict(from_attributes=True)

    by: str
    reason: str
    at: datetime
