"""Asking for a comparison."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class ComparisonRequest(BaseModel):
    """Which versions to compare, the reference first, and over which range of time."""

    model_config = ConfigDict(extra="forbid")

    generator: str
    versions: list[int]
    start: AwareDatetime | None = Field(None, alias="from")
    end: AwareDatetime | None = Field(None, alias="to")
