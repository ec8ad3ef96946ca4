"""Somebody is forgotten, and nobody else."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from sqlalchemy import func, select

from safelight.access import Role
from safelight.clock import ManualClock
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.recording import erasing
from safelight.recording.erasing import Eraser
from safelight.recording.forgotten import SetAside
from safelight.recording.generation import Arm, Generation
from safelight.recording.images import LocalImages, image_key, thumbnail_key
from safelight.recording.shipper import Shipper
from safelight.store import access, erasures, feedback, generation_jobs, generations, probe_sets, scores, versions
from safelight.store.database import Database
from safelight.store.erasures import ErasureState, Subject
from safelight.store.feedback import FeedbackKind
from safelight.store.generation_jobs import NewJob
from safelight.store.generations import Filters
from safelight.store.job_state import JobState
from safelight.store.journal import Entry, JournalFile
from safelight.store.scores import GenerationScore
from safelight.store.tables import FeedbackRow, Score, ScoreTask

MINUTE = timedelta(minutes=1)
ANNA = Subject(tenant="anna")

Log: TypeAlias = Callable[..., Generation]


@pytest.fixture
def log(
    shipper: Shipper, journal: JournalFile, database: Database, make_generation: Callable[..., Generation], png: bytes
) -> Log:
    """Records a generation, with a score and a thumb up."""

    def log(**changes: Any) -> Generation:
        made = make_generation(**changes)
        journal.append([Entry(made.id, made.created_at, made.model_dump_json(), png)])
        shipper.run_once()
        with database.transaction() as session:
            scores.add(session, [GenerationScore(made.id, "studio", 1, made.created_at, "sha256:e", alignment=0.3)])
            feedback.give(session, made.id, "anna", FeedbackKind.UP, made.created_at, None)
        return made

    return log


def _ask(database: Database, subject: Subject, now: datetime) -> UUID:
    with database.transaction() as session:
        return erasing.request(session, subject, "she asked", actor="admin", now=now).id


def _run(database: Database, images: LocalImages, clock: ManualClock) -> None:
    eraser = Eraser(database, images, clock)
    steps = 0
    while eraser.run_once():
        steps += 1
        assert steps < 50, "it never comes to an end"


def _logged(database: Database) -> set[UUID]:
    with database.reading() as session:
        return {each.id for each in generations.page(session, Filters(), limit=1000)}


def _findings(database: Database) -> list[int]:
    with database.reading() as session:
        return [
            session.scalar(select(func.count()).select_from(table)) or 0 for table in (Score, ScoreTask, FeedbackRow)
        ]


def test_one_users_data_goes_from_everywhere_and_nobody_elses(
    log: Log, database: Database, images: LocalImages, now: datetime
) -> None:
    hers = [log(tenant="anna", prompt=f"a portrait of anna {n}") for n in range(3)]
    his, nobodys = log(tenant="bob", prompt="a red fox"), log(prompt="a blue fox")
    copy = log(arm=Arm.REPLAY, prompt="a portrait of anna 1")
    with database.transaction() as session:
        versions.add_generator(session, "studio", "", now)
        probe_sets.add(
            session,
            generator="studio",
            name="people",
            source="production",
            probes=[{"prompt": "a portrait of anna 2", "seed": 1}, {"prompt": "a red fox", "seed": 2}],
            now=now,
            actor="admin",
        )

    clock = ManualClock(now + 5 * MINUTE)
    asked = _ask(database, ANNA, clock.now())
    _run(database, images, clock)
    assert _logged(database) == {his.id, nobodys.id}
    assert _findings(database) == [2, 2, 2]
    for each in [*hers, copy]:
        for key in (image_key(each.id), thumbnail_key(each.id)):
            with pytest.raises(FileNotFoundError):
                images.read(key)
    assert images.read(image_key(his.id))
    with database.reading() as session:
        assert erasures.get(session, asked).state is ErasureState.RUNNING, "what was on its way may still arrive"
        kept = probe_sets.require(session, "studio", "people").probes
    assert [probe["prompt"] for probe in kept] == [probe_sets.BLOTTED_OUT, "a red fox"]

    late = log(tenant="bob")
    clock.advance(61)
    _run(database, images, clock)
    with database.reading() as session:
        done = erasures.get(session, asked)
        audit = [(line.actor, line.action, line.target, line.detail) for line in access.audit_page(session, None, 10)]
    assert (done.state, done.erased, done.finished_at) == (ErasureState.DONE, 3, clock.now())
    assert audit == [
        ("safelight", "erasure.done", "tenant anna", "3 generations"),
        ("admin", "erasure.request", "tenant anna", "she asked"),
    ]
    assert _logged(database) == {his.id, nobodys.id, late.id}


def test_what_waits_in_a_journal_is_forgotten_and_what_is_made_afterwards_is_kept(
    shipper: Shipper,
    journal: JournalFile,
    database: Database,
    images: LocalImages,
    make_generation: Callable[..., Generation],
    png: bytes,
    now: datetime,
) -> None:
    key = new_id()
    before = make_generation(api_key_id=key, created_at=now)
    after = make_generation(api_key_id=key, created_at=now + 2 * MINUTE)
    others = make_generation(created_at=now + MINUTE / 2)
    with database.transaction() as session:
        erasures.add(session, Subject(api_key_id=key), "", "admin", now + MINUTE)
    journal.append([Entry(each.id, now, each.model_dump_json(), png) for each in (before, after, others)])
    while shipper.run_once():
        pass
    assert journal.backlog().entries == 0
    assert _logged(database) == {after.id, others.id}
    with pytest.raises(FileNotFoundError):
        images.read(image_key(before.id))


def test_what_a_journal_has_set_aside_is_forgotten_where_it_lies(
    shipper: Shipper,
    journal: JournalFile,
    database: Database,
    make_generation: Callable[..., Generation],
    now: datetime,
) -> None:
    hers, his = (make_generation(tenant=name, seed=2**70) for name in ("anna", "bob"))
    unknown = Entry(new_id(), now, '{"of": "another release"}', None)
    journal.append([*(Entry(each.id, now, each.model_dump_json(), b"png") for each in (hers, his)), unknown])
    while shipper.run_once():
        pass
    assert journal.backlog().refused == 3
    _ask(database, ANNA, now + MINUTE)
    assert SetAside(journal, database).run_once() == 1
    assert [identifier for identifier, _ in journal.set_aside()] == [his.id, unknown.id]
    assert SetAside(journal, database).run_once() == 0


def test_an_end_user_is_found_by_that_name_and_no_tenant_of_the_same(
    log: Log, shipper: Shipper, journal: JournalFile, database: Database, images: LocalImages, png: bytes, now: datetime
) -> None:
    hers, theirs = log(end_user="anna", tenant="studio"), log(tenant="anna")
    clock = ManualClock(now + 5 * MINUTE)
    _ask(database, Subject(end_user="anna"), clock.now())
    _run(database, images, clock)
    assert _logged(database) == {theirs.id}
    journal.append([Entry(each.id, now, each.model_dump_json(), png) for each in (hers, theirs)])
    while shipper.run_once():
        pass
    assert _logged(database) == {theirs.id}, "it does not come back"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_is_asked_for_twice_is_asked_for_once_until_it_begins(database: Database, now: datetime) -> None:
    first = _ask(database, ANNA, now)
    assert _ask(database, ANNA, now + MINUTE) == first
    assert _ask(database, Subject(tenant="bob"), now) != first
    with database.transaction() as session:
        erasures.advance(session, first, looked_from=now)
    assert _ask(database, ANNA, now + MINUTE) != first, "the first covers nothing that was recorded since"


def test_what_waits_to_be_made_for_them_is_not_made(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        hers, his = (
            generation_jobs.add(
                session,
                NewJob(
                    id=new_id(),
                    generator="studio",
                    requested={"prompt": f"a portrait of {name}"},
                    images=1,
                    api_key_id=None,
                    tenant=name,
                    end_user=None,
                    created_by=name,
                ),
                now,
            )
            for name in ("anna", "bob")
        )
    _ask(database, ANNA, now)
    with database.reading() as session:
        cancelled, kept = (generation_jobs.get(session, each.id) for each in (hers, his))
    assert (cancelled.state, cancelled.requested) == (JobState.CANCELLED, {})
    assert kept.requested == {"prompt": "a portrait of bob"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_key_that_never_was_is_refused(database: Database, now: datetime) -> None:
    with pytest.raises(SafelightError, match="no key") as refused:
        _ask(database, Subject(api_key_id=new_id()), now)
    assert refused.value.code == "key_not_found"
    with database.transaction() as session:
        key, _ = access.create_key(session, "phone", Role.CLIENT, now)
    asked = _ask(database, Subject(api_key_id=key.id), now)
    with database.reading() as session:
        assert erasures.get(session, asked).subject == Subject(api_key_id=key.id)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_image_store_that_is_away_is_waited_for(
    log: Log, database: Database, images: LocalImages, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers = log(tenant="anna")
    clock = ManualClock(now + 2 * MINUTE)
    _ask(database, ANNA, clock.now())
    with monkeypatch.context() as away:
        away.setattr(LocalImages, "delete", _refuse)
        with pytest.raises(OSError, match="away"):
            Eraser(database, images, clock).run_once()
    assert _logged(database) == {hers.id}
    _run(database, images, clock)
    assert _logged(database) == set()


def _refuse(*_: object) -> None:
    raise OSError("the store is away")


def test_somebody_with_a_long_name_is_forgotten_too(database: Database, now: datetime) -> None:
    """The line of the audit log is shorter than what it says together with the name."""
    with database.transaction() as session:
        asked = erasing.request(session, Subject(end_user="x" * 200), "", actor="ann", now=now)
        (line,) = access.audit_page(session, None, 1)
    assert asked.subject.end_user == "x" * 200
    assert line.target.startswith("end user xxx")
