"""Drills: ordered as rows, carried out by an engine host, looked at by the guard."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session, aliased

from safelight.errors import not_found
from safelight.ids import new_id
from safelight.store.tables.guard import DrillRow
from safelight.store.tables.releases import VersionRow


class DrillState(StrEnum):
    ORDERED = "ordered"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"
    """It could not be carried out, which says nothing about the version."""


class DrillReason(StrEnum):
    """Why a drill did not pass."""

    CORRUPT = "corrupt"
    """What the registry gave is not what was registered."""
    DOES_NOT_LOAD = "does_not_load"
    GOLDEN_FAILED = "golden_failed"
    NO_ROOM = "no_room"
    INTERRUPTED = "interrupted"
    """The engine or its host went away in the middle, or the store did not answer."""


SILENT = timedelta(minutes=1)
OPEN = (DrillState.ORDERED, DrillState.RUNNING)
TOLD = (DrillState.PASSED, DrillState.FAILED)
"""States that say something about the version."""


@dataclass(frozen=True)
class Took:
    """Seconds for each part of loading a version afresh; None for what was not come to."""

    fetch: float | None = None
    load: float | None = None
    check: float | None = None


@dataclass(frozen=True, kw_only=True)
class KnownDrill:
    id: UUID
    generator: str
    version: int
    night: datetime | None
    state: DrillState
    reason: DrillReason | None
    detail: str
    host: str | None
    ordered_at: datetime
    ordered_by: str
    expires_at: datetime
    heard_at: datetime | None
    finished_at: datetime | None
    fetch_seconds: float | None
    load_seconds: float | None
    check_seconds: float | None
    size_bytes: int | None

    @property
    def seconds(self) -> float | None:
        """From nothing to an engine that may serve, checked."""
        parts = (self.fetch_seconds, self.load_seconds, self.check_seconds)
        return sum(part or 0.0 for part in parts) if self.state is DrillState.PASSED else None


def order(
    session: Session,
    generator: str,
    version: int,
    actor: str,
    now: datetime,
    expires_at: datetime,
    night: datetime | None = None,
) -> KnownDrill:
    """A second one of the same night violates uniqueness."""
    row = DrillRow(
        id=new_id(),
        generator=generator,
        version=version,
        night=night,
        state=DrillState.ORDERED.value,
        detail="",
        ordered_at=now,
        ordered_by=actor,
        expires_at=expires_at,
    )
    session.add(row)
    session.flush()
    return _known(row)


def require(session: Session, drill_id: UUID) -> KnownDrill:
    """Raises `drill_not_found`."""
    return _known(_row(session, drill_id))


def of_night(session: Session, generator: str, night: datetime) -> bool:
    query = select(DrillRow.id).where(DrillRow.generator == generator, DrillRow.night == night)
    return session.scalar(query) is not None


def in_hand(session: Session, generator: str | None = None) -> list[KnownDrill]:
    """Those that are not over, the oldest first."""
    query = select(DrillRow).where(DrillRow.state.in_([state.value for state in OPEN])).order_by(DrillRow.id)
    if generator is not None:
        query = query.where(DrillRow.generator == generator)
    return [_known(row) for row in session.scalars(query)]


def newest(session: Session, generator: str, before: datetime | None = None) -> dict[int, KnownDrill]:
    """Of each version the newest drill that says something about it, or that did before a moment."""
    # Version by version and no further, by the index: every night adds a drill.
    tried = aliased(DrillRow)
    last = select(tried.id).where(
        tried.generator == VersionRow.generator,
        tried.version == VersionRow.number,
        tried.state.in_([state.value for state in TOLD]),
    )
    if before is not None:
        last = last.where(tried.finished_at < before)
    newest_of = last.order_by(tried.id.desc()).limit(1).correlate(VersionRow).scalar_subquery()
    query = select(DrillRow).join(VersionRow, DrillRow.id == newest_of).where(VersionRow.generator == generator)
    return {row.version: _known(row) for row in session.scalars(query)}


def unverified(session: Session, generator: str, before: datetime | None = None) -> frozenset[int]:
    """The versions whose last drill failed, now or before a moment."""
    found = newest(session, generator, before)
    return frozenset(version for version, drill in found.items() if drill.state is DrillState.FAILED)


def page(session: Session, generator: str, before: UUID | None, limit: int) -> list[KnownDrill]:
    """The newest first."""
    query = select(DrillRow).where(DrillRow.generator == generator).order_by(DrillRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(DrillRow.id < before)
    return [_known(row) for row in session.scalars(query)]


def claim(session: Session, drill_id: UUID, host: str, now: datetime) -> bool:
    """Whether `host` now carries it out: one at a time does, and one that has fallen silent is relieved."""
    silent = and_(DrillRow.state == DrillState.RUNNING.value, DrillRow.heard_at < now - SILENT)
    free = or_(DrillRow.state == DrillState.ORDERED.value, silent)
    claimed = (
        update(DrillRow)
        .where(DrillRow.id == drill_id, free)
        .values(state=DrillState.RUNNING.value, host=host, heard_at=now, reason=None)
    )
    return session.scalar(claimed.returning(DrillRow.id)) is not None


def heard(session: Session, drill_id: UUID, host: str, detail: str, reason: DrillReason | None, now: datetime) -> bool:
    """`host` is still at it, or waits for a `reason`; whether it still is its."""
    kept = (
        update(DrillRow)
        .where(DrillRow.id == drill_id, DrillRow.state == DrillState.RUNNING.value, DrillRow.host == host)
        .values(heard_at=now, detail=detail, reason=reason.value if reason else None)
    )
    return session.scalar(kept.returning(DrillRow.id)) is not None


def end(
    session: Session,
    drill_id: UUID,
    state: DrillState,
    now: datetime,
    *,
    reason: DrillReason | None = None,
    detail: str = "",
    took: Took = Took(),
    size_bytes: int | None = None,
) -> KnownDrill:
    row = _row(session, drill_id)
    row.state, row.finished_at, row.detail = state.value, now, detail
    row.reason = reason.value if reason else None
    row.fetch_seconds, row.load_seconds, row.check_seconds = took.fetch, took.load, took.check
    row.size_bytes = size_bytes
    session.flush()
    return _known(row)


def _row(session: Session, drill_id: UUID) -> DrillRow:
    row = session.get(DrillRow, drill_id)
    if row is None:
        raise not_found("drill", drill_id)
    return row


def _known(row: DrillRow) -> KnownDrill:
    return KnownDrill(
        id=row.id,
        generator=row.generator,
        version=row.version,
        night=row.night,
        state=DrillState(row.state),
        reason=DrillReason(row.reason) if row.reason else None,
        detail=row.detail,
        host=row.host,
        ordered_at=row.ordered_at,
        ordered_by=row.ordered_by,
        expires_at=row.expires_at,
        heard_at=row.heard_at,
        finished_at=row.finished_at,
        fetch_seconds=row.fetch_seconds,
        load_seconds=row.load_seconds,
        check_seconds=row.check_seconds,
        size_bytes=row.size_bytes,
    )
