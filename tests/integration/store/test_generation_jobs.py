"""Jobs: one worker at a time, keys in turn, nothing kept of what was asked once it has ended."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from safelight.errors import Kind, SafelightError
from safelight.ids import new_id
from safelight.store import generation_jobs
from safelight.store.database import Database
from safelight.store.generation_jobs import KnownJob, NewJob
from safelight.store.job_state import JobState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=30)
KEY, OTHER = UUID(int=1), UUID(int=2)


def add(database: Database, key: UUID | None = KEY, images: int = 1) -> UUID:
    new = NewJob(
        id=new_id(),
        generator="sprites",
        requested={"prompt": "a cat"},
        images=images,
        api_key_id=key,
        tenant=None,
        end_user=None,
        created_by="tester",
    )
    with database.transaction() as session:
        return generation_jobs.add(session, new, NOW).id


def get(database: Database, job_id: UUID) -> KnownJob:
    with database.reading() as session:
        return generation_jobs.get(session, job_id)


def in_turn(database: Database, now: datetime = NOW, limit: int = 10) -> list[UUID]:
    with database.reading() as session:
        return [job.id for job in generation_jobs.next_in_turn(session, now, limit)]


def take(database: Database, job_id: UUID, worker: str = "a", now: datetime = NOW) -> bool:
    with database.transaction() as session:
        return generation_jobs.take(session, job_id, worker, now, now + timedelta(seconds=30))


def test_the_oldest_of_each_key_comes_before_the_second_of_any(database: Database) -> None:
    many = [add(database) for _ in range(5)]
    few = [add(database, OTHER), add(database, None)]
    assert in_turn(database, limit=4) == [many[0], *few, many[1]]


def test_a_job_is_ones_until_its_worker_falls_silent(database: Database) -> None:
    job = add(database)
    assert take(database, job)
    assert not take(database, job, "b")
    assert in_turn(database) == []
    assert in_turn(database, LATER) == [job]
    assert take(database, job, "b", LATER)
    assert (get(database, job).tries, get(database, job).started_at) == (2, NOW)


def test_who_works_on_it_learns_that_it_was_cancelled(database: Database) -> None:
    kept, cancelled, foreign = add(database), add(database), add(database)
    assert all(take(database, job) for job in (kept, cancelled))
    assert take(database, foreign, "b")
    with database.transaction() as session:
        assert generation_jobs.cancel(session, cancelled, NOW).state is JobState.CANCELLED
    with database.transaction() as session:
        progress = {kept: 0.5, cancelled: 0.5, foreign: 0.5}
        assert generation_jobs.keep(session, "a", progress, LATER + timedelta(seconds=30)) == {kept}
    assert [get(database, job).progress for job in (kept, cancelled, foreign)] == [0.5, 0.0, 0.0]
    assert in_turn(database, LATER) == [foreign]


def test_what_was_asked_is_forgotten_with_the_end(database: Database) -> None:
    done, failed, cancelled = (add(database) for _ in range(3))
    assert all(take(database, job) for job in (done, failed))
    image = new_id()
    with database.transaction() as session:
        assert generation_jobs.finish(session, done, "a", [image], NOW)
        assert generation_jobs.fail(session, failed, "a", SafelightError(Kind.UNAVAILABLE, "why", "Because."), NOW)
        assert not generation_jobs.finish(session, failed, "a", [image], NOW)
        generation_jobs.cancel(session, cancelled, NOW)
    ended = [get(database, job) for job in (done, failed, cancelled)]
    assert [job.state for job in ended] == [JobState.DONE, JobState.FAILED, JobState.CANCELLED]
    assert (ended[0].generation_ids, ended[0].progress) == ((image,), 1.0)
    assert (ended[1].error_code, ended[1].error) == ("why", "Because.")
    assert all(job.requested == {} and job.finished_at == NOW for job in ended)
    with database.transaction() as session, pytest.raises(SafelightError, match="cancelled"):
        generation_jobs.cancel(session, cancelled, NOW)
    with database.transaction() as session:
        generation_jobs.forget_before(session, LATER)
    with pytest.raises(SafelightError) as caught:
        get(database, done)
    assert caught.value.code == "job_not_found"


def test_a_job_that_is_put_back_waits_and_has_lost_no_try(database: Database) -> None:
    job = add(database)
    assert take(database, job)
    with database.transaction() as session:
        assert generation_jobs.put_back(session, job, "a", LATER)
    assert (in_turn(database), in_turn(database, LATER)) == ([], [job])
    assert (get(database, job).state, get(database, job).tries) == (JobState.QUEUED, 0)


def test_open_images_are_counted_of_the_key_and_of_all(database: Database) -> None:
    add(database, images=3)
    add(database, OTHER, images=2)
    ended = add(database, None, images=7)
    with database.transaction() as session:
        generation_jobs.cancel(session, ended, NOW)
        assert generation_jobs.open_images(session, KEY) == (3, 5)
        assert generation_jobs.open_images(session, None) == (0, 5)


def test_the_list_is_paged_and_of_one_key_or_all(database: Database) -> None:
    own = [add(database) for _ in range(3)]
    foreign = add(database, OTHER)
    with database.reading() as session:
        assert [job.id for job in generation_jobs.page(session, None, None, 2)] == [foreign, own[2]]
        assert [job.id for job in generation_jobs.page(session, KEY, own[2], 10)] == [own[1], own[0]]
