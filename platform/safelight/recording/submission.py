"""What a service may tell us of a generation it made itself, and what it may not."""

import base64
import binascii
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from safelight.errors import Kind, SafelightError
from safelight.ids import first_id_at, made_at
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.scoring.seen import Seen
from safelight.store.fetches import IMAGE_URI

# Two machines' clocks never agree quite.
_CLOCK_SKEW = timedelta(minutes=1)
# A generation may wait this long between the moment its id is made and the moment it is.
_ID_AGE = timedelta(hours=1)
_LONGEST_PROMPT = 20_000
_UUID_VERSION = 7


def _without_nul(text: str) -> str:
    # PostgreSQL refuses it: such a text could be acknowledged but never stored.
    if "\0" in text:
        raise ValueError("text must not contain NUL")
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
Name = Annotated[Text, Field(min_length=1, max_length=100)]
Milliseconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Value = Annotated[Text, Field(max_length=4000)] | bool | Whole | Number | None


class Account(BaseModel):
    """What is told of one generation made elsewhere, without its image."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    id: UUID | None = Field(None, description="A UUIDv7. Sent again under the same id, a generation is taken once")
    created_at: AwareDatetime | None = Field(None, description="When it was made; the time in `id`, or now")
    generator: Name
    version: int = Field(ge=1, le=2**31 - 1)
    outcome: Outcome = Outcome.SERVED
    error_code: Annotated[Text, Field(max_length=64)] | None = None
    arm: Arm = Arm.STABLE
    request_id: UUID | None = Field(None, description="Your own id of the request")
    replica: Name | None = Field(None, description="Which of the machines or processes made it")
    adapter: Name | None = Field(None, description="Which adapter (LoRA) was applied")
    tenant: Name | None = Field(None, description="On whose behalf it was made")
    region: Name | None = Field(None, description="Where it was made")
    end_user: Annotated[Text, Field(min_length=1, max_length=200)] | None = Field(
        None, description="Who asked for it, in your own words for them: what is kept of one person can be forgotten"
    )
    prompt: Annotated[Text, Field(max_length=_LONGEST_PROMPT)]
    final_prompt: Annotated[Text, Field(max_length=_LONGEST_PROMPT)] | None = None
    seed: Whole | None = None
    parameters: dict[Name, Value] = Field(default_factory=dict, max_length=64)
    queue_ms: Milliseconds | None = None
    engine_ms: Milliseconds | None = None
    total_ms: Milliseconds | None = None

    def generation(
        self,
        now: datetime,
        bundle_digest: str,
        api_key_id: UUID | None,
        size: tuple[int, int] | None,
        source: Source = Source.INGEST,
    ) -> Generation:
        """The record of it; `size` is that of its image. Raises `time_invalid`."""
        identifier, created_at = self._identity(now)
        measured: dict[str, Any] = {} if size is None else {"width": size[0], "height": size[1]}
        return Generation(
            id=identifier,
            created_at=created_at,
            generator=self.generator,
            version=self.version,
            bundle_digest=bundle_digest,
            source=source,
            arm=self.arm,
            outcome=self.outcome,
            error_code=self.error_code,
            request_id=self.request_id or identifier,  # a request of its own, for all that is known
            api_key_id=api_key_id,
            replica=self.replica,
            adapter=self.adapter,
            tenant=self.tenant,
            region=self.region,
            end_user=self.end_user,
            prompt=self.prompt,
            final_prompt=self.final_prompt,
            seed=self.seed,
            parameters=measured | self.parameters,
            queue_ms=self.queue_ms,
            engine_ms=self.engine_ms,
            total_ms=self.total_ms,
        )

    def _identity(self, now: datetime) -> tuple[UUID, datetime]:
        """Ids sort by time and place a generation in its partition: id and time have to agree."""
        latest = now + _CLOCK_SKEW
        if self.created_at is not None and self.created_at > latest:
            raise _time_invalid("created_at lies in the future")
        if self.id is None:
            at = self.created_at or now
            return _id_at(at), at
        if self.id.version != _UUID_VERSION:
            raise _time_invalid("id is not a UUIDv7; leave it out, and put your own id into request_id")
        if self.id > first_id_at(latest):
            raise _time_invalid("id lies in the future")
        at = self.created_at or made_at(self.id)
        if abs(at - made_at(self.id)) > _ID_AGE:
            raise _time_invalid("id and created_at are more than an hour apart")
        return self.id, at


class Submission(Account):
    """One generation made elsewhere."""

    image: str | None = Field(None, description="PNG, JPEG or WebP, in base64; of a served generation, and of no other")
    image_uri: Annotated[Text, Field(max_length=2_000)] | None = Field(
        None, description="In place of `image`: where it lies, https:// and public, to be fetched within minutes"
    )
    seen: Seen | None = Field(
        None, description="In place of `image`: what the embedder in use saw of it (see GET /api/v1/ingest/embedder)"
    )

    @model_validator(mode="after")
    def _image_fits_outcome(self) -> "Submission":
        given = [each for each in (self.image, self.image_uri, self.seen) if each is not None]
        if self.outcome is Outcome.SERVED and len(given) != 1:
            raise ValueError("a served generation needs its image, its image_uri or what was seen of it: one of them")
        if self.outcome is not Outcome.SERVED and given:
            # Of one that was filtered least of all: what was kept from people is not kept here.
            raise ValueError(f"a {self.outcome} generation has no image to be kept; leave it out")
        return self

    def generation(
        self,
        now: datetime,
        bundle_digest: str,
        api_key_id: UUID | None,
        size: tuple[int, int] | None,
        source: Source = Source.INGEST,
    ) -> Generation:
        record = super().generation(now, bundle_digest, api_key_id, size, source)
        envelope = {} if self.image_uri is None else {IMAGE_URI: self.image_uri}
        seen = None if self.seen is None else self.seen.model_dump(mode="json")
        return record.model_copy(update={"envelope": envelope, "seen": seen})

    def image_bytes(self) -> bytes | None:
        """Raises `image_unreadable` where the image is not base64."""
        if self.image is None:
            return None
        try:
            return base64.b64decode(self.image, validate=True)
        except (binascii.Error, ValueError) as error:
            raise SafelightError(
                Kind.INVALID, "image_unreadable", "The image is not base64. Encode it with the standard alphabet."
            ) from error


def parse(document: bytes) -> Submission:
    """Raises `invalid_json` or `invalid_submission`, which names the field and never quotes what was in it."""
    try:
        return Submission.model_validate_json(document)
    except ValidationError as error:
        raise refusal(error) from None


def refusal(error: ValidationError) -> SafelightError:
    """The first thing that is wrong, named by its field; nothing of what was in it."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return SafelightError(
            Kind.INVALID, "invalid_json", "This is not one JSON object in UTF-8. See /docs for an example."
        )
    field = ".".join(str(part) for part in first["loc"])
    message = f"{field}: {first['msg']}" if field else first["msg"]
    return SafelightError(Kind.INVALID, "invalid_submission", f"{message}. See /docs for what is allowed.", field=field)


def _id_at(moment: datetime) -> UUID:
    return UUID(int=first_id_at(moment).int | secrets.randbits(12) << 64 | secrets.randbits(62))


def _time_invalid(why: str) -> SafelightError:
    return SafelightError(Kind.INVALID, "time_invalid", f"{why}. Times are UTC, from a clock that is set.")
