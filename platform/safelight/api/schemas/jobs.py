"""Images that are made in the background."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from safelight.store.generation_jobs import KnownJob
from safelight.store.job_state import JobState


class JobImage(BaseModel):
    """One image of a job that is done."""

    id: UUID
    url: Annotated[str, Field(description="Of the generation; it says why there is no image where there is none")]


class GenerationJob(BaseModel):
    """A request for images that nobody waits for, and how far it has come."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    generator: str
    state: JobState
    images: Annotated[int, Field(description="How many were asked for")]
    progress: Annotated[float, Field(description="From 0 to 1, over all of them")]
    made: Annotated[list[JobImage], Field(description="In the order of their seeds, once it is done")] = []
    error_code: str | None
    error: str
    created_at: datetime
    created_by: str
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: KnownJob) -> Self:
        found = cls.model_validate(job)
        found.made = [JobImage(id=each, url=f"/api/v1/generations/{each}") for each in job.generation_ids]
        return found
