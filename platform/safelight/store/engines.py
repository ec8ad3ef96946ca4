"""Engines: who holds which version loaded, and whether it has been heard of lately."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from safelight.store.residency import Residency
from safelight.store.tables.releases import EngineRow


class EngineState(StrEnum):
    """How far an engine has come."""

    STARTING = "starting"
    READY = "ready"
    STANDBY = "standby"
    """It waits off the device, and has to be brought there before it can take requests."""
    DRAINING = "draining"
    FAILED = "failed"
    STOPPED = "stopped"


LIVING = (EngineState.STARTING, EngineState.STANDBY, EngineState.READY, EngineState.DRAINING)
STEADY_AFTER = timedelta(seconds=60)
"""Of service, after which the failures of an engine's predecessors are forgiven."""
SILENT = "its host was not heard of any more"
"""What is told of an engine whose host has gone, which says nothing about the engine."""


@dataclass(frozen=True, kw_only=True)
class KnownEngine:
    """A process that holds one version, as its host last described it."""

    id: UUID
    generator: str
    version: int
    host: str
    pid: int | None
    url: str
    state: EngineState
    detail: str
    environment_digest: str | None
    started_at: datetime
    ready_at: datetime | None
    heartbeat_at: datetime
    spare: bool = False
    """Loaded afresh beside the one that serves, for probes alone."""
    residency: Residency = Residency.DEVICE
    host_bytes: int | None = None
    device_bytes: int | None = None
    """What it takes itself, beside `memory_used` of the device by all."""
    memory_used: int | None = None
    """Bytes of its device that are taken, by whatever process; None where the device is no GPU."""
    memory_total: int | None = None
    bytes_read: int | None = None
    """Of its checkpoint's `bytes_total`, as far as that has been verified."""
    bytes_total: int | None = None


def put(session: Session, engine: KnownEngine) -> None:
    """Insert the engine or overwrite what was known of it. Only its own host does."""
    session.merge(EngineRow(**asdict(engine) | {"state": engine.state.value, "residency": engine.residency.value}))


def engines(session: Session, generator: str | None = None) -> list[KnownEngine]:
    """The newest first; those that ended long ago are forgotten."""
    query = select(EngineRow).order_by(EngineRow.id.desc())
    if generator is not None:
        query = query.where(EngineRow.generator == generator)
    return [_engine(row) for row in session.scalars(query)]


# Made once: that takes longer than it does to be answered, and every gateway asks all the time.
_READY = (
    select(EngineRow)
    .where(EngineRow.state == EngineState.READY.value, EngineRow.heartbeat_at >= bindparam("alive_since"))
    .order_by(EngineRow.id)
)


def ready(session: Session, alive_since: datetime) -> list[KnownEngine]:
    """Engines of all generators that can take requests, the oldest first."""
    return [engine for engine in ready_for_probes(session, alive_since) if not engine.spare]


def ready_for_probes(session: Session, alive_since: datetime) -> list[KnownEngine]:
    """Those that can take requests and those that are spare, the oldest first."""
    return [_engine(row) for row in session.scalars(_READY, {"alive_since": alive_since})]


def loading(session: Session, generator: str, version: int) -> KnownEngine | None:
    """The newest that is on its way to take requests for a version."""
    query = select(EngineRow).where(
        EngineRow.generator == generator,
        EngineRow.version == version,
        EngineRow.state == EngineState.STARTING.value,
        EngineRow.spare.is_(False),
    )
    row = session.scalar(query.order_by(EngineRow.id.desc()).limit(1))
    return _engine(row) if row else None


def any_of(session: Session, generator: str, version: int) -> bool:
    """Whether an engine holds a version, or did within the time that ended ones are remembered."""
    query = select(EngineRow.id).where(EngineRow.generator == generator, EngineRow.version == version)
    return session.scalar(query.limit(1)) is not None


def ready_versions(session: Session, generator: str, alive_since: datetime) -> frozenset[int]:
    """The versions that an engine holds ready."""
    query = select(EngineRow.version).where(
        EngineRow.generator == generator,
        EngineRow.state == EngineState.READY.value,
        EngineRow.heartbeat_at >= alive_since,
        EngineRow.spare.is_(False),
    )
    return frozenset(session.scalars(query))


def last_failed(session: Session, generator: str, version: int, since: datetime) -> KnownEngine | None:
    """The newest engine started since then for a version, if it has failed."""
    query = select(EngineRow).where(
        EngineRow.generator == generator,
        EngineRow.version == version,
        EngineRow.started_at >= since,
        EngineRow.spare.is_(False),
    )
    newest = session.scalar(query.order_by(EngineRow.id.desc()).limit(1))
    return _engine(newest) if newest is not None and newest.state == EngineState.FAILED.value else None


def last_restart(session: Session, generator: str, version: int, before: datetime | None = None) -> datetime | None:
    """When an engine of the version was last ready in place of an earlier one on its host, or last before a moment.

    An engine on a new host replaces nobody: traffic that spreads over more machines changes none of them.
    """
    query = select(EngineRow.host, EngineRow.ready_at).where(
        EngineRow.generator == generator,
        EngineRow.version == version,
        EngineRow.ready_at.is_not(None),
        EngineRow.spare.is_(False),
    )
    if before is not None:
        query = query.where(EngineRow.ready_at <= before)
    seen: set[str] = set()
    restarted = None
    for host, ready_at in session.execute(query.order_by(EngineRow.ready_at)):
        restarted = ready_at if host in seen else restarted
        seen.add(host)
    return restarted


def fail_silent(session: Session, alive_since: datetime) -> None:
    """Mark engines whose host has stopped speaking of them; a host that comes back marks them anew."""
    silent = EngineRow.state.in_([state.value for state in LIVING]), EngineRow.heartbeat_at < alive_since
    session.execute(update(EngineRow).where(*silent).values(state=EngineState.FAILED.value, detail=SILENT))


def forget_ended(session: Session, before: datetime) -> None:
    """Delete the rows of engines that ended before a moment."""
    ended = EngineRow.state.in_([EngineState.FAILED.value, EngineState.STOPPED.value])
    session.execute(delete(EngineRow).where(ended, EngineRow.heartbeat_at < before))


def _engine(row: EngineRow) -> KnownEngine:
    return KnownEngine(
        id=row.id,
        generator=row.generator,
        version=row.version,
        host=row.host,
        pid=row.pid,
        url=row.url,
        state=EngineState(row.state),
        detail=row.detail,
        environment_digest=row.environment_digest,
        started_at=row.started_at,
        ready_at=row.ready_at,
        heartbeat_at=row.heartbeat_at,
        spare=row.spare,
        residency=Residency(row.residency),
        host_bytes=row.host_bytes,
        device_bytes=row.device_bytes,
        memory_used=row.memory_used,
        memory_total=row.memory_total,
        bytes_read=row.bytes_read,
        bytes_total=row.bytes_total,
    )
