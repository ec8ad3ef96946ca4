"""Baselines, how much they see, and how far those being made have come."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from safelight.api.schemas.access import ShortName
from safelight.api.schemas.releases import GeneratorName
from safelight.store.baseline_jobs import Phase
from safelight.store.job_state import JobState
from safelight.watching.ordering import FEWEST_PROMPTS, MOST_PROMPTS, Source


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid")

    generator: GeneratorName
    version: int = Field(ge=1)
    name: ShortName


class LoggedBaseline(_Order):
    """Make a baseline of what a version served in a range of time; incidents are left out."""

    source: Literal[Source.TRAFFIC, Source.CANARY, Source.SHADOW]
    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")


class ReplayBaseline(_Order):
    """Have a version make the newest requests of production anew, one image at a time, beside what serves."""

    source: Literal[Source.REPLAY]
    prompts: int = Field(1_024, ge=FEWEST_PROMPTS, le=MOST_PROMPTS, description="How many requests are made anew")
    probe_set: str | None = Field(None, description="Take the probes of this set instead: for want of traffic")


NewBaseline = Annotated[LoggedBaseline | ReplayBaseline, Field(discriminator="source")]


class BaselineInfo(BaseModel):
    """A named, immutable reference; the lens itself stays in the store."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    generator: str
    version: int
    name: str
    source: str
    embedder_digest: str
    n: int = Field(description="Generations its lens was fitted on")
    blank: int = Field(description="Images that showed nothing: counted, and left out of the lens")
    data_from: datetime | None
    data_to: datetime | None
    lens_digest: str
    created_at: datetime
    created_by: str


class SightPoint(BaseModel):
    """The smallest effect that a window of `n` generations finds with even odds."""

    n: int
    effect: float


class SightInfo(BaseModel):
    """How much a baseline can see: mean departures of images, given their prompts, in standard deviations."""

    alpha: float = Field(description="The level of one comparison at which it looks")
    points: list[SightPoint]
    floor: float = Field(description="What no window finds, however long: the baseline itself is not surer than that")
    half_needs: int = Field(description="Generations of a baseline that would see half of the floor")


class TopicInfo(BaseModel):
    """One cluster of what people asked for."""

    n: int
    share: float
    words: list[str] = Field(description="What sets its prompts apart; none where prompts were not kept")


class ReadinessInfo(BaseModel):
    """How far the windows that are compared with it have filled: it starts with empty ones."""

    model_config = ConfigDict(from_attributes=True)

    version: int = Field(description="The version that serves, and is held against it")
    n: int = Field(description="Its images that were seen through this baseline, in the longest window")
    needed: int = Field(description="So many at least before a monitor answers; repeated requests count for less")
    expected_at: datetime | None = Field(description="When there will be so many, at the pace of the last hour")


class BaselineDetail(BaselineInfo):
    """A baseline with all that it is about."""

    readiness: ReadinessInfo | None = Field(description="None where nothing that serves is held against it")
    sight: SightInfo | None = Field(description="None for a lens that this release cannot read")
    topics: list[TopicInfo] = Field(description="The largest first")


class BaselineJobInfo(BaseModel):
    """A baseline that is being made, or how that ended."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    generator: str
    version: int
    name: str
    source: str
    data_from: datetime | None
    data_to: datetime | None
    state: JobState
    phase: Phase
    done: int = Field(description="Images made, of `total`; both are 0 where none have to be")
    total: int
    error_code: str | None
    error: str
    baseline_id: UUID | None
    created_at: datetime
    created_by: str
    phase_at: datetime
    finished_at: datetime | None
