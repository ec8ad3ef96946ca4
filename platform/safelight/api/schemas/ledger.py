"""The ledger, read and verified."""

from datetime import datetime

from pydantic import BaseModel, Field

from safelight.api.schemas.releases import LedgerLine


class Ledger(BaseModel):
    """A page of the chain, the newest entry first, and whether what it shows holds."""

    items: list[LedgerLine]
    next: int | None = Field(description="`before` of the next page; null on the last one")
    verified: bool = Field(description="Of these entries, and their link to the one before them")
    broken_at: int | None
    broken_because: str | None


class LedgerVerification(BaseModel):
    """Whether the whole chain holds, by itself and against what was noted of it elsewhere."""

    entries: int = Field(description="How many were read: all of them, or as far as it holds")
    head: str | None
    verified: bool
    broken_at: int | None
    broken_because: str | None
    anchors: int = Field(description="Entries of it that the anchor file has noted; 0 where none is set")
    anchored_at: datetime | None = Field(description="When the last of them was noted")


class Live(BaseModel):
    """What served at a moment, since when, and who decided it."""

    generator: str
    at: datetime
    version: int | None
    entry: LedgerLine | None
