"""Baselines that are being made: what was asked for, how far it has come, and who is at it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import new_id
from safelight.store.job_state import JobState
from safelight.store.tables.monitoring import BaselineJob


class Phase(StrEnum):
    """What a job is at. Only a replay goes through all of them."""

    LOADING = "loading"
    """Waiting for an engine to hold the version."""
    GENERATING = "generating"
    SCORING = "scoring"
    FITTING = "fitting"


_OPEN = (JobState.QUEUED.value, JobState.RUNNING.value)
# What people asked for is kept in one place, the log: a job that has ended needs no copy.
_ENDED: dict[str, Any] = {"open_name": None, "prompts": []}


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What somebody asks for. `prompts` are the requests of a replay, as JSON; a range of time is that of the rest."""

    generator: str
    version: int
    name: str
    source: str
    data_from: datetime | None
    data_to: datetime | None
    prompts: Sequence[dict[str, Any]]
    created_by: str

    @property
    def first_phase(self) -> Phase:
        return Phase.LOADING if self.prompts else Phase.FITTING


@dataclass(frozen=True, kw_only=True)
class KnownJob:
    """A job without its prompts. `done` of `total` images are made; both are 0 where none have to be."""

    id: UUID
    generator: str
    version: int
    name: str
    source: str
    data_from: datetime | None
    data_to: datetime | None
    state: JobState
    phase: Phase
    done: int
    total: int
    error_code: str | None
    error: str
    baseline_id: UUID | None
    created_at: datetime
    created_by: str
    phase_at: datetime
    finished_at: datetime | None


_KNOWN = (
    BaselineJob.id,
    BaselineJob.generator,
    BaselineJob.version,
    BaselineJob.name,
    BaselineJob.source,
    BaselineJob.data_from,
    BaselineJob.data_to,
    BaselineJob.state,
    BaselineJob.phase,
    BaselineJob.done,
    BaselineJob.total,
    BaselineJob.error_code,
    BaselineJob.error,
    BaselineJob.baseline_id,
    BaselineJob.created_at,
    BaselineJob.created_by,
    BaselineJob.phase_at,
    BaselineJob.finished_at,
)


def add(session: Session, job: NewJob, now: datetime) -> KnownJob:
    """Raises `baseline_exists` where one of that name is being made."""
    row = BaselineJob(
        id=new_id(),
        open_name=job.name,
        state=JobState.QUEUED.value,
        phase=job.first_phase.value,
        total=len(job.prompts),
        created_at=now,
        phase_at=now,
        **vars(job) | {"prompts": list(job.prompts)},
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise SafelightError(
            Kind.CONFLICT,
            "baseline_exists",
            f"A baseline of {job.generator} named {job.name!r} is being made. Give the new one another name.",
        ) from error
    return get(session, row.id)


def get(session: Session, job_id: UUID) -> KnownJob:
    """Raises `baseline_job_not_found`."""
    row = session.execute(select(*_KNOWN).where(BaselineJob.id == job_id)).mappings().first()
    if row is None:
        raise not_found("baseline_job", job_id)
    return _job(row)


def prompts(session: Session, job_id: UUID) -> list[dict[str, Any]]:
    """The requests of a replay, in their order."""
    found: list[dict[str, Any]] = session.scalars(select(BaselineJob.prompts).where(BaselineJob.id == job_id)).one()
    return found


def page(session: Session, generator: str, before: UUID | None = None, limit: int = 50) -> list[KnownJob]:
    """The newest first."""
    query = select(*_KNOWN).where(BaselineJob.generator == generator).order_by(BaselineJob.id.desc()).limit(limit)
    if before is not None:
        query = query.where(BaselineJob.id < before)
    return [_job(row) for row in session.execute(query).mappings()]


def unfinished(session: Session) -> list[KnownJob]:
    """Of all generators, the oldest first."""
    query = select(*_KNOWN).where(BaselineJob.open_name.is_not(None)).order_by(BaselineJob.id)
    return [_job(row) for row in session.execute(query).mappings()]


def to_be_held(session: Session) -> list[tuple[str, int]]:
    """Versions, by generator, that a replay needs loaded now."""
    query = select(BaselineJob.generator, BaselineJob.version).where(
        BaselineJob.open_name.is_not(None), BaselineJob.phase.in_([Phase.LOADING.value, Phase.GENERATING.value])
    )
    return [(generator, version) for generator, version in session.execute(query.order_by(BaselineJob.id))]


def take(
    session: Session,
    job_id: UUID,
    phases: Collection[Phase],
    worker: str,
    now: datetime,
    until: datetime,
    *,
    enter: Phase | None = None,
) -> bool:
    """Work on a job until then, or go on working on it, and `enter` a phase of it.

    True if it is in one of `phases` and nobody else holds it; the row stays locked until the transaction ends.
    """
    statement = (
        update(BaselineJob)
        .where(
            BaselineJob.id == job_id,
            BaselineJob.state.in_(_OPEN),
            BaselineJob.phase.in_([phase.value for phase in phases]),
            or_(BaselineJob.held_until.is_(None), BaselineJob.held_until <= now, BaselineJob.holder == worker),
        )
        .values(state=JobState.RUNNING.value, holder=worker, held_until=until)
    )
    if enter is not None:
        statement = statement.values(phase=enter.value, phase_at=now)
    return session.scalar(statement.returning(BaselineJob.id)) is not None


def advance(session: Session, job_id: UUID, worker: str, *, done: int, until: datetime) -> bool:
    """Note how many images are made, and go on until then. False when the job is not the worker's any more."""
    return _change(session, job_id, worker, done=done, held_until=until)


def hand_on(session: Session, job_id: UUID, worker: str, phase: Phase, now: datetime) -> bool:
    """Let go of a job that has come to a phase: whoever works at that takes it up. False as in `advance`."""
    return _change(session, job_id, worker, phase=phase.value, phase_at=now, held_until=None, holder="")


def finish(session: Session, job_id: UUID, worker: str, baseline_id: UUID, now: datetime) -> bool:
    """The baseline is made. False as in `advance`."""
    done = JobState.DONE.value
    return _change(session, job_id, worker, state=done, baseline_id=baseline_id, finished_at=now, **_ENDED)


def fail(session: Session, job_id: UUID, worker: str, error: SafelightError, now: datetime) -> bool:
    """No baseline can be made, and why. False as in `advance`."""
    what = {"state": JobState.FAILED.value, "error_code": error.code, "error": error.message}
    return _change(session, job_id, worker, **what, finished_at=now, **_ENDED)


def cancel(session: Session, job_id: UUID, now: datetime) -> KnownJob:
    """Whoever works on it stops at the next image. Raises `baseline_job_not_found`, `baseline_job_ended`."""
    values = {"state": JobState.CANCELLED.value, "finished_at": now, **_ENDED}
    statement = update(BaselineJob).where(BaselineJob.id == job_id, BaselineJob.state.in_(_OPEN)).values(**values)
    if session.scalar(statement.returning(BaselineJob.id)) is None:
        ended = get(session, job_id)
        raise SafelightError(
            Kind.CONFLICT, "baseline_job_ended", f"This baseline is no longer being made: it is {ended.state}."
        )
    return get(session, job_id)


def cancel_with_prompts(session: Session, generator: str, prompts: Collection[str], now: datetime) -> None:
    """End the open jobs of a generator that ask for one of these."""
    query = select(BaselineJob.id, BaselineJob.prompts).where(
        BaselineJob.generator == generator, BaselineJob.open_name.is_not(None)
    )
    for job_id, asked in session.execute(query).all():
        if any(each.get("prompt") in prompts for each in asked):
            cancel(session, job_id, now)


def _change(session: Session, job_id: UUID, worker: str, /, **values: Any) -> bool:
    statement = (
        update(BaselineJob)
        .where(BaselineJob.id == job_id, BaselineJob.state == JobState.RUNNING.value, BaselineJob.holder == worker)
        .values(**values)
    )
    return session.scalar(statement.returning(BaselineJob.id)) is not None


def _job(row: RowMapping) -> KnownJob:
    return KnownJob(**dict(row) | {"state": JobState(row["state"]), "phase": Phase(row["phase"])})
