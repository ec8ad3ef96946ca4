"""Probe runs: ordered as rows, claimed by who has the gateway, judged once their images are scored."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session

from safelight.errors import not_found
from safelight.ids import new_id
from safelight.store.tables.probes import ProbeImageRow, ProbeRunRow


class Purpose(StrEnum):
    """Why probes are made."""

    BASELINE = "baseline"
    """The outputs that later ones are compared with; some are made twice, to see how well the engine repeats itself."""
    ROUTINE = "routine"
    SUSPECT = "suspect"
    """Of an incident's version, to confirm it or not."""
    RELOAD = "reload"
    """Of an incident's version in an engine that is loaded afresh for it."""
    TARGET = "target"
    """Of the version to go back to, in the present environment."""
    REQUESTED = "requested"
    GATE = "gate"
    """Of a version that is being promoted, and of the one that serves: the two are compared pair by pair."""


class RunState(StrEnum):
    ORDERED = "ordered"
    MAKING = "making"
    MADE = "made"
    """Its images are on record, and not all of them are scored yet."""
    JUDGED = "judged"
    FAILED = "failed"
    CANCELLED = "cancelled"


TO_BE_MADE = (RunState.ORDERED, RunState.MAKING)
OPEN = (*TO_BE_MADE, RunState.MADE)


@dataclass(frozen=True, kw_only=True)
class NewRun:
    """`places` of the set's probes to be made; `repeats` of them are made twice. `against` names the version whose
    stored outputs they are held against: None for its own. `reference_id` names the very run, where it is known."""

    generator: str
    version: int
    set_id: UUID
    purpose: Purpose
    places: tuple[int, ...]
    expires_at: datetime
    ordered_by: str
    against: int | None = None
    host: str | None = None
    fresh: bool = False
    repeats: int = 0
    incident_id: UUID | None = None
    reference_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class KnownRun(NewRun):
    """A run and how far it has come. `result` is empty until it is judged."""

    id: UUID
    state: RunState
    detail: str
    ordered_at: datetime
    claimed_by: str | None
    claimed_until: datetime | None
    replica: str | None
    environment_digest: str | None
    made_at: datetime | None
    judged_at: datetime | None
    result: dict[str, Any]

    @property
    def open(self) -> bool:
        return self.state in OPEN


def order(session: Session, new: NewRun, now: datetime) -> KnownRun:
    row = ProbeRunRow(
        **asdict(new) | {"purpose": new.purpose.value, "places": list(new.places)},
        id=new_id(),
        state=RunState.ORDERED.value,
        detail="",
        ordered_at=now,
        result={},
    )
    session.add(row)
    session.flush()
    return _known(row)


def get(session: Session, run_id: UUID) -> KnownRun:
    """Raises `probe_run_not_found`."""
    return _known(_row(session, run_id))


def in_states(session: Session, states: Collection[RunState], *, lock: bool = False) -> list[KnownRun]:
    """The oldest first. Locked rows are passed over where another transaction has them (PostgreSQL)."""
    query = _in_states(frozenset(states))
    if lock:
        query = query.with_for_update(skip_locked=True)
    return _all(session, query)


@cache  # making it takes longer than it does to be answered, and every API process asks all the time
def _in_states(states: frozenset[RunState]) -> Select[ProbeRunRow]:
    return select(ProbeRunRow).where(ProbeRunRow.state.in_([state.value for state in states])).order_by(ProbeRunRow.id)


def of_incident(session: Session, incident_id: UUID) -> list[KnownRun]:
    """The oldest first."""
    query = select(ProbeRunRow).where(ProbeRunRow.incident_id == incident_id).order_by(ProbeRunRow.id)
    return _all(session, query)


def baselines(session: Session, generator: str, version: int, set_id: UUID | None = None) -> list[KnownRun]:
    """Judged runs that others are compared with, the newest first."""
    query = _of_version(generator, version).where(
        ProbeRunRow.purpose == Purpose.BASELINE.value, ProbeRunRow.state == RunState.JUDGED.value
    )
    if set_id is not None:
        query = query.where(ProbeRunRow.set_id == set_id)
    return _all(session, query.limit(50))


def newest_paired(
    session: Session, generator: str, version: int, against: int, set_id: UUID, since: datetime
) -> KnownRun | None:
    """The newest run ordered since then to hold a version against another one, pair by pair; not one called off."""
    query = _of_version(generator, version).where(
        ProbeRunRow.purpose == Purpose.GATE.value,
        ProbeRunRow.against == against,
        ProbeRunRow.set_id == set_id,
        ProbeRunRow.ordered_at >= since,
        ProbeRunRow.state != RunState.CANCELLED.value,
    )
    return next(iter(_all(session, query.limit(1))), None)


def newest(session: Session, generator: str, version: int, since: datetime, limit: int = 200) -> list[KnownRun]:
    """Runs of a version ordered since then, the newest first."""
    return _all(session, _of_version(generator, version).where(ProbeRunRow.ordered_at >= since).limit(limit))


def page(
    session: Session,
    generator: str,
    *,
    version: int | None = None,
    purpose: Purpose | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[KnownRun]:
    """The newest first."""
    query = select(ProbeRunRow).where(ProbeRunRow.generator == generator)
    if version is not None:
        query = query.where(ProbeRunRow.version == version)
    if purpose is not None:
        query = query.where(ProbeRunRow.purpose == purpose.value)
    if before is not None:
        query = query.where(ProbeRunRow.id < before)
    return _all(session, query.order_by(ProbeRunRow.id.desc()).limit(limit))


def to_be_held(session: Session, host: str) -> list[tuple[str, int, bool]]:
    """Generator, version and whether afresh: what has to be loaded on a host for runs that are not made yet."""
    query = (
        select(ProbeRunRow.generator, ProbeRunRow.version, ProbeRunRow.fresh)
        .where(ProbeRunRow.state.in_([state.value for state in TO_BE_MADE]), ProbeRunRow.host == host)
        .distinct()
    )
    return [(generator, version, fresh) for generator, version, fresh in session.execute(query)]


def claim(
    session: Session,
    run_id: UUID,
    by: str,
    until: datetime,
    *,
    replica: str | None = None,
    environment_digest: str | None = None,
) -> KnownRun:
    """Say who makes the run and where: what is begun on one host goes on there. A lapsed claim may be taken over."""
    known = {"replica": replica, "host": replica, "environment_digest": environment_digest}
    return _change(
        session,
        run_id,
        state=RunState.MAKING.value,
        claimed_by=by,
        claimed_until=until,
        **{name: value for name, value in known.items() if value is not None},
    )


def release(session: Session, run_id: UUID) -> None:
    """Let go of a run that is not done, for something more urgent."""
    _change(session, run_id, state=RunState.ORDERED.value, claimed_by=None, claimed_until=None)


def made(session: Session, run_id: UUID, now: datetime) -> KnownRun:
    return _change(session, run_id, state=RunState.MADE.value, made_at=now, claimed_until=None)


def judged(
    session: Session, run_id: UUID, result: dict[str, Any], reference_id: UUID | None, now: datetime
) -> KnownRun:
    return _change(
        session, run_id, state=RunState.JUDGED.value, result=result, reference_id=reference_id, judged_at=now
    )


def failed(session: Session, run_id: UUID, detail: str, now: datetime) -> KnownRun:
    return _change(session, run_id, state=RunState.FAILED.value, detail=detail, judged_at=now)


def cancel_of_incident(session: Session, incident_id: UUID, detail: str, now: datetime) -> None:
    """Nobody needs the runs of an incident any more that are not judged yet."""
    session.execute(
        update(ProbeRunRow)
        .where(ProbeRunRow.incident_id == incident_id, ProbeRunRow.state.in_([state.value for state in OPEN]))
        .values(state=RunState.CANCELLED.value, detail=detail, judged_at=now)
    )


def cancel_paired(session: Session, generator: str, version: int, detail: str, now: datetime) -> None:
    """A version is not promoted any more: what was still to be made of it and of what serves, to compare them."""
    candidate = _of_version(generator, version).where(
        ProbeRunRow.purpose == Purpose.GATE.value, ProbeRunRow.state.in_([state.value for state in OPEN])
    )
    runs = _all(session, candidate)
    session.execute(
        update(ProbeRunRow)
        .where(
            ProbeRunRow.id.in_([*(run.id for run in runs), *(run.reference_id for run in runs if run.reference_id)]),
            ProbeRunRow.state.in_([state.value for state in OPEN]),
        )
        .values(state=RunState.CANCELLED.value, detail=detail, judged_at=now)
    )


def cancel_of_set(session: Session, set_id: UUID, detail: str, now: datetime) -> None:
    """The set is not what it was: what is under way is in vain, and nothing is held against its stored outputs."""
    stored = ProbeRunRow.purpose == Purpose.BASELINE.value
    under_way = ProbeRunRow.state.in_([state.value for state in OPEN])
    session.execute(
        update(ProbeRunRow)
        .where(ProbeRunRow.set_id == set_id, or_(stored, under_way))
        .values(state=RunState.CANCELLED.value, detail=detail, judged_at=now)
    )


def cancel(session: Session, run_id: UUID, detail: str, now: datetime) -> KnownRun:
    return _change(session, run_id, state=RunState.CANCELLED.value, detail=detail, judged_at=now)


def forget_routine(session: Session, before: datetime) -> None:
    """Delete routine runs ordered before a moment; what others are held against, and what incidents rest on, stays."""
    old = select(ProbeRunRow.id).where(
        ProbeRunRow.purpose == Purpose.ROUTINE.value,
        ProbeRunRow.ordered_at < before,
        ProbeRunRow.state.not_in([state.value for state in OPEN]),
    )
    session.execute(delete(ProbeImageRow).where(ProbeImageRow.run_id.in_(old)))
    session.execute(delete(ProbeRunRow).where(ProbeRunRow.id.in_(old)))


def _of_version(generator: str, version: int) -> Select[ProbeRunRow]:
    return (
        select(ProbeRunRow)
        .where(ProbeRunRow.generator == generator, ProbeRunRow.version == version)
        .order_by(ProbeRunRow.id.desc())
    )


def _all(session: Session, query: Select[ProbeRunRow]) -> list[KnownRun]:
    return [_known(row) for row in session.scalars(query)]


def _change(session: Session, run_id: UUID, **values: Any) -> KnownRun:
    row = _row(session, run_id)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    return _known(row)


def _row(session: Session, run_id: UUID) -> ProbeRunRow:
    row = session.get(ProbeRunRow, run_id)
    if row is None:
        raise not_found("probe_run", run_id)
    return row


def _known(row: ProbeRunRow) -> KnownRun:
    return KnownRun(
        id=row.id,
        generator=row.generator,
        version=row.version,
        set_id=row.set_id,
        purpose=Purpose(row.purpose),
        places=tuple(row.places),
        expires_at=row.expires_at,
        ordered_by=row.ordered_by,
        against=row.against,
        host=row.host,
        fresh=row.fresh,
        repeats=row.repeats,
        incident_id=row.incident_id,
        state=RunState(row.state),
        detail=row.detail,
        ordered_at=row.ordered_at,
        claimed_by=row.claimed_by,
        claimed_until=row.claimed_until,
        replica=row.replica,
        environment_digest=row.environment_digest,
        made_at=row.made_at,
        judged_at=row.judged_at,
        reference_id=row.reference_id,
        result=row.result,
    )
