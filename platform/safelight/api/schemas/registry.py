"""The version registry as it was last held against the ledger."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from registry.reconciling import HELD, Change, EditPolicy, Outcome, Remedy
from safelight.store.guard import Stop
from safelight.store.reconciling import Finding


class RegistryPolicy(BaseModel):
    model_config = ConfigDict(extra="forbid")

    policy: EditPolicy = Field(
        description="put_back: an alias that others moved is put back; adopt: it becomes a release of that version"
    )


class RegistryFinding(BaseModel):
    """Something that was changed in the registry outside Safelight, and what became of it."""

    id: UUID
    generator: str
    change: Change
    version: int = Field(description="That was changed or deleted, or that the alias was taken from")
    found: int | None = Field(description="Where the alias was moved to")
    remedy: Remedy
    detail: str
    release_id: UUID | None = Field(description="The release that it became")
    incident_id: UUID | None
    noticed_at: datetime
    settled_at: datetime | None
    outcome: Outcome | None
    held_by: str | None = Field(description="Who turned the stop switch on that it waits for")

    @classmethod
    def of(cls, finding: Finding, stop: Stop | None) -> "RegistryFinding":
        """`stop` is the stop that lasts."""
        edit, waits = finding.edit, finding.outcome is None and finding.remedy in HELD
        held_by = stop.stopped_by if stop and waits else None
        return cls(change=edit.change, version=edit.version, found=edit.found, held_by=held_by, **vars(finding))


class RegistryState(BaseModel):
    generator: str
    policy: EditPolicy
    looked_at: datetime | None = Field(description="When it was last held against the ledger; null: not yet")
    standing: list[RegistryFinding] = Field(description="What differs still")
