"""Jobs that make images: what was asked for, how far each has come, and who is at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Integer, Select, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from safelight.errors import Kind, SafelightError, not_found
from safelight.store.erasures import Subject
from safelight.store.job_state import JobState
from safelight.store.tables.jobs import GenerationJobRow as Row

_OPEN = (JobState.QUEUED.value, JobState.RUNNING.value)


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What somebody asks for. The id is that of the request, and stands on the record of each of its images."""

    id: UUID
    generator: str
    requested: Mapping[str, Any]
    images: int
    api_key_id: UUID | None
    tenant: str | None
    end_user: str | None
    created_by: str


@dataclass(frozen=True, kw_only=True)
class KnownJob:
    """A job. `progress` goes from 0 to 1; `requested` is empty once it has ended: the log has it."""

    id: UUID
    generator: str
    requested: Mapping[str, Any]
    images: int
    api_key_id: UUID | None
    tenant: str | None
    end_user: str | None
    state: JobState
    progress: float
    tries: int
    generation_ids: tuple[UUID, ...]
    error_code: str | None
    error: str
    created_at: datetime
    created_by: str
    started_at: datetime | None
    finished_at: datetime | None


def add(session: Session, job: NewJob, now: datetime) -> KnownJob:
    row = Row(state=JobState.QUEUED.value, created_at=now, **vars(job) | {"requested": dict(job.requested)})
    session.add(row)
    session.flush()
    return _job(row)


def get(session: Session, job_id: UUID) -> KnownJob:
    """Raises `job_not_found`."""
    row = session.get(Row, job_id, populate_existing=True)
    if row is None:
        raise not_found("job", job_id)
    return _job(row)


def page(session: Session, api_key_id: UUID | None, before: UUID | None, limit: int) -> list[KnownJob]:
    """The newest first, of one key or of all."""
    query = select(Row).order_by(Row.id.desc()).limit(limit)
    if api_key_id is not None:
        query = query.where(Row.api_key_id == api_key_id)
    if before is not None:
        query = query.where(Row.id < before)
    return [_job(row) for row in session.scalars(query)]


def open_images(session: Session, api_key_id: UUID | None) -> tuple[int, int]:
    """How many images the open jobs of a key ask for, and those of all."""
    query = select(func.sum(Row.images)).where(Row.state.in_(_OPEN))
    own = Row.api_key_id.is_(None) if api_key_id is None else Row.api_key_id == api_key_id
    return session.scalar(query.where(own)) or 0, session.scalar(query) or 0


def next_in_turn(session: Session, now: datetime, limit: int) -> list[KnownJob]:
    """Jobs that nobody works on: the oldest of each key before the second of any."""
    return [_job(row) for row in session.scalars(_next_in_turn(), {"now": now, "most": limit})]


@cache  # making it takes longer than it does to be answered, and every API process asks all the time
def _next_in_turn() -> Select[Row]:
    turn = func.row_number().over(partition_by=Row.api_key_id, order_by=Row.id)
    waiting = select(Row.id, turn.label("turn")).where(_is_free(bindparam("now"))).subquery()
    query = select(Row).join(waiting, Row.id == waiting.c.id).order_by(waiting.c.turn, Row.id)
    return query.limit(bindparam("most", type_=Integer))


def take(session: Session, job_id: UUID, worker: str, now: datetime, until: datetime) -> bool:
    """Work on a job until then; False when somebody else was first."""
    values = {"state": JobState.RUNNING.value, "holder": worker, "held_until": until, "tries": Row.tries + 1}
    started = {"started_at": func.coalesce(Row.started_at, now)}
    statement = update(Row).where(Row.id == job_id, _is_free(now)).values(**values, **started)
    return session.scalar(statement.returning(Row.id)) is not None


def keep(session: Session, worker: str, progress: Mapping[UUID, float], until: datetime) -> set[UUID]:
    """Note how far the jobs have come that a worker is at, and go on until then. Returns those that are still its."""
    return {
        job_id for job_id, done in progress.items() if _change(session, job_id, worker, progress=done, held_until=until)
    }


def put_back(session: Session, job_id: UUID, worker: str, not_before: datetime) -> bool:
    """Let go of a job that is for somebody to take up later; the try does not count."""
    back = {"state": JobState.QUEUED.value, "holder": "", "held_until": not_before, "progress": 0.0}
    return _change(session, job_id, worker, tries=Row.tries - 1, **back)


def finish(session: Session, job_id: UUID, worker: str, generations: list[UUID], now: datetime) -> bool:
    """Its images are made and on record. False when the job is not the worker's any more."""
    ids = [str(each) for each in generations]
    done = JobState.DONE.value
    return _change(session, job_id, worker, state=done, progress=1.0, generation_ids=ids, finished_at=now, requested={})


def fail(session: Session, job_id: UUID, worker: str, error: SafelightError, now: datetime) -> bool:
    """No image was made, and why. False as in `finish`."""
    what = {"state": JobState.FAILED.value, "error_code": error.code, "error": error.message}
    return _change(session, job_id, worker, **what, finished_at=now, requested={})


def cancel(session: Session, job_id: UUID, now: datetime) -> KnownJob:
    """Whoever works on it stops at its next look. Raises `job_not_found`, `job_ended`."""
    values = {"state": JobState.CANCELLED.value, "finished_at": now, "requested": {}}
    statement = update(Row).where(Row.id == job_id, Row.state.in_(_OPEN)).values(**values)
    if session.scalar(statement.returning(Row.id)) is None:
        ended = get(session, job_id)
        raise SafelightError(Kind.CONFLICT, "job_ended", f"There is nothing left to cancel: this job is {ended.state}.")
    return get(session, job_id)


def cancel_of(session: Session, subject: Subject, now: datetime) -> None:
    """End the open jobs of somebody who is to be forgotten: nobody is to know what they asked for."""
    [whose] = (getattr(Row, column) == value for column, value in subject.named.items())
    values = {"state": JobState.CANCELLED.value, "finished_at": now, "requested": {}}
    session.execute(update(Row).where(whose, Row.state.in_(_OPEN)).values(**values))


def forget_before(session: Session, moment: datetime) -> None:
    """Jobs that ended long ago; their images stay in the log."""
    session.execute(delete(Row).where(Row.finished_at < moment))


def _is_free(now: datetime | BindParameter[Any]) -> Any:
    """Queued and due, or its worker has fallen silent."""
    lapsed = or_(Row.held_until.is_(None), Row.held_until <= now)
    return and_(Row.state.in_(_OPEN), lapsed)


def _change(session: Session, job_id: UUID, worker: str, /, **values: Any) -> bool:
    statement = (
        update(Row).where(Row.id == job_id, Row.state == JobState.RUNNING.value, Row.holder == worker).values(**values)
    )
    return session.scalar(statement.returning(Row.id)) is not None


def _job(row: Row) -> KnownJob:
    return KnownJob(
        id=row.id,
        generator=row.generator,
        requested=row.requested,
        images=row.images,
        api_key_id=row.api_key_id,
        tenant=row.tenant,
        end_user=row.end_user,
        state=JobState(row.state),
        progress=row.progress,
        tries=row.tries,
        generation_ids=tuple(UUID(each) for each in row.generation_ids),
        error_code=row.error_code,
        error=row.error,
        created_at=row.created_at,
        created_by=row.created_by,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
