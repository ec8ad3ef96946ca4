"""Generations: asking for them and looking at them."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from registry.parameters import Requested
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.store.feedback import FeedbackKind
from safelight.store.generations import StoredGeneration

# No NUL, which databases refuse; and what a pattern is asked about has no lone surrogates, which have no UTF-8.
Tenant = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
EndUser = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]


class Generate(BaseModel):
    """A request for images. What is left out is the version's default; its limits are checked against its manifest."""

    model_config = ConfigDict(extra="forbid", strict=True)

    generator: str
    prompt: str
    negative_prompt: str | None = None
    width: int | None = None
    height: int | None = None
    steps: int | None = None
    guidance: float | None = None
    n: Annotated[int | None, Field(description="How many images; image i is made with seed + i")] = None
    seed: int | None = None
    tenant: Annotated[Tenant | None, Field(description="Whom the images are for, as an opaque id of yours")] = None
    end_user: Annotated[
        EndUser | None, Field(description="Who asked you for them, as an opaque id of yours; can be forgotten by it")
    ] = None
    b64_json: Annotated[bool, Field(description="Send the images along, in base64")] = False

    @property
    def requested(self) -> Requested:
        return Requested(**self.model_dump(exclude={"generator", "tenant", "end_user", "b64_json"}))


class Score(BaseModel):
    """The signals of an image; null where it had no pixels to judge."""

    model_config = ConfigDict(from_attributes=True)

    alignment: float | None
    sharpness: float | None
    contrast: float | None
    brightness: float | None
    blank: bool
    broken: bool
    broken_reason: str | None
    near_duplicate_of: UUID | None
    prompt_truncated: bool


class GiveFeedback(BaseModel):
    """What somebody made of an image."""

    model_config = ConfigDict(extra="forbid")

    kind: FeedbackKind
    rater: Annotated[
        str,
        Field(max_length=100, description="Who, as an opaque id of yours; without one all users of a key are one"),
    ] = ""


class Feedback(BaseModel):
    """How many people made what of one image."""

    up: int = 0
    down: int = 0
    regenerated: int = 0
    downloaded: int = 0


class GenerationSummary(BaseModel):
    """One image made, or one that should have been."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    created_at: datetime
    generator: str
    version: int
    outcome: Outcome
    arm: Arm
    source: Source
    prompt: str
    seed: int | None
    parameters: dict[str, Any]
    replica: str | None
    adapter: str | None
    tenant: str | None
    region: str | None
    total_ms: float | None
    error_code: str | None
    image_url: str | None = None
    thumbnail_url: str | None = None
    score: Score | None = None

    @classmethod
    def of(cls, generation: Generation | StoredGeneration, *, has_image: bool) -> Self:
        """Of a record in the database, or of one that has not arrived there yet."""
        found = cls.model_validate(generation)
        if has_image:
            found.image_url = f"/api/v1/generations/{generation.id}/image"
            found.thumbnail_url = f"/api/v1/generations/{generation.id}/thumbnail"
        return found


class GenerationDetail(GenerationSummary):
    """All that is known of a generation, enough to make it again."""

    bundle_digest: str
    environment_digest: str | None
    environment: dict[str, Any] | None = None
    envelope: dict[str, Any]
    request_id: UUID
    feedback: Feedback = Feedback()
    final_prompt: str | None
    queue_ms: float | None
    engine_ms: float | None


class MadeGeneration(GenerationSummary):
    """A generation that was just made."""

    b64_json: Annotated[str | None, Field(description="The PNG, when it was asked for")] = None
