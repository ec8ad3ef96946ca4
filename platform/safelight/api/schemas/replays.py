"""Generations made again."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from monitors.replays import Likeness
from safelight.store.generation_replays import KnownReplay, ReplayState


class AskReplay(BaseModel):
    """How a generation is made again."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[int | None, Field(ge=1, le=2**31 - 1, description="Another version; else the one it is of")] = (
        None
    )
    wait_seconds: Annotated[float, Field(ge=0, le=60, description="For the answer; then 202, and look again")] = 20.0


class ReplayTolerance(BaseModel):
    """How far `n` repetitions lay apart on the machines that made both images."""

    model_config = ConfigDict(extra="ignore")

    n: int
    pixel_max: float
    embedding_max: float


class Replay(BaseModel):
    """A generation made again, and how like the original it is.

    Pixel distances are mean absolute differences in levels of 255, embedding distances lengths of differences of unit
    vectors. Without an embedding on both sides there is no distance of embeddings.
    """

    id: UUID
    generation_id: UUID
    generator: str
    version: int
    state: ReplayState
    likeness: Likeness | None = None
    summary: str = ""
    pixel_distance: float | None = None
    embedding_distance: float | None = None
    tolerance: ReplayTolerance | None = None
    devices: Annotated[list[str | None], Field(description="Of the original and of the replay")] = []
    made_id: Annotated[UUID | None, Field(description="The generation that came of it")]
    image_url: str | None = None
    error_code: str | None
    error: str
    ordered_at: datetime
    ordered_by: str
    finished_at: datetime | None

    @classmethod
    def of(cls, known: KnownReplay) -> Self:
        about = {name: getattr(known, name) for name in cls.model_fields if hasattr(known, name)}
        url = f"/api/v1/generations/{known.made_id}/image" if known.made_id else None
        return cls.model_validate(known.result | about | {"image_url": url})
