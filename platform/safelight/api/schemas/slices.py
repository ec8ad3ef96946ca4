"""How each part of the traffic stands, and scoring anew after a change of embedder."""

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from monitors.verdict import Health
from safelight.store.backfills import BackfillState


class StandingInfo(BaseModel):
    """A monitor's newest finding of one slice.

    `unseen` of its `n` generations asked for what the baseline has never seen, and are not judged. `detectable_effect`
    is the smallest change, in standard deviations, that would be found in the window now; null while it is too short.
    """

    model_config = ConfigDict(from_attributes=True)

    monitor: str
    slice: str
    slot: datetime
    version: int
    health: Health
    reason: str
    summary: str
    n: int
    unseen: int
    effect: float | None
    detectable_effect: float | None
    p_value: float | None
    threshold: float | None
    window_seconds: float | None


class NewBackfill(BaseModel):
    """Have a generator's stored images scored anew by the embedder that the workers have now."""

    model_config = ConfigDict(extra="forbid")

    generator: str
    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")


class BackfillInfo(BaseModel):
    """How far it has come: of `total` images that another embedder had scored, `done` are scored anew, and `missing`
    are in the image store no more. `progress` goes from 0 to 1; `embedder_digest` is null until a worker has begun."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    generator: str
    embedder_digest: str | None
    data_from: datetime
    data_to: datetime
    state: BackfillState
    total: int
    done: int
    missing: int
    progress: float
    created_at: datetime
    created_by: str
    finished_at: datetime | None
