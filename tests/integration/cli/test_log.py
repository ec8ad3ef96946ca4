"""Forgetting and replaying from the command line, on a store of the test's own."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safelight.cli import app
from safelight.clock import SystemClock
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.recording.erasing import Eraser
from safelight.recording.images import LocalImages
from safelight.store import erasures
from safelight.store.database import Database
from safelight.store.erasures import ErasureState


@pytest.fixture
def database(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    (tmp_path / "safelight.db").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path))
    opened = Database(f"sqlite:///{tmp_path / 'safelight.db'}")
    yield opened
    opened.dispose()


def test_somebody_is_forgotten_and_who_waits_is_told_when_it_is_done(database: Database, tmp_path: Path) -> None:
    asked = CliRunner().invoke(app, ["erase", "--tenant", "anna", "--reason", "ticket 7"])
    assert asked.exit_code == 0, asked.output
    with database.reading() as session:
        [known] = erasures.running(session)
    assert str(known.id) in asked.output
    assert (known.subject.tenant, known.reason) == ("anna", "ticket 7")
    assert known.requested_by.startswith("cli:")

    def finish() -> None:
        Eraser(database, LocalImages(tmp_path / "images"), SystemClock()).run_once()
        with database.transaction() as session:
            for each in erasures.running(session):
                erasures.advance(session, each.id, state=ErasureState.DONE.value, erased=3)

    later = threading.Timer(0.3, finish)
    later.start()
    waited = CliRunner().invoke(app, ["erase", "--tenant", "bob", "--wait"])
    later.join()
    assert "done: 3 generations deleted" in waited.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "subject_invalid"),
        (["--tenant", "anna", "--key", str(new_id())], "subject_invalid"),
        (["--tenant", "anna", "--user", "anna"], "subject_invalid"),
        (["--key", str(new_id())], "key_not_found"),
    ],
)
def test_what_cannot_be_meant_is_refused(database: Database, arguments: list[str], code: str) -> None:
    done = CliRunner().invoke(app, ["erase", *arguments])
    assert isinstance(done.exception, SafelightError)
    assert done.exception.code == code
    with database.reading() as session:
        assert erasures.running(session) == []


@pytest.mark.usefixtures("database")
def test_a_generation_that_is_not_there_cannot_be_replayed() -> None:
    done = CliRunner().invoke(app, ["replay", str(new_id())])
    assert isinstance(done.exception, SafelightError)
    assert done.exception.code == "generation_not_found"
    assert CliRunner().invoke(app, ["replay", "anna"]).exit_code == 2
