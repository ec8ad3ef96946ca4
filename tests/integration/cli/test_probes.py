"""Probes from the command line, on a store of the test's own."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from safelight.cli import app
from safelight.errors import SafelightError
from safelight.store import versions
from safelight.store.database import Database

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def run(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    (tmp_path / "safelight.db").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path))
    database = Database(f"sqlite:///{tmp_path / 'safelight.db'}")
    with database.transaction() as session:
        versions.add_generator(session, "portraits", "", NOON)
    database.dispose()
    return CliRunner()


def test_a_set_is_imported_and_listed(run: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("prompt,seed\n" + "\n".join(f"thing {i},{i}" for i in range(16)))
    done = run.invoke(app, ["probes", "import", "portraits", str(file), "--name", "mine"])
    assert done.exit_code == 0, done.output
    assert "16 probes" in done.output
    assert "mine" in run.invoke(app, ["probes", "sets", "portraits"]).output
    assert run.invoke(app, ["probes", "show", "portraits"]).output == ""


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("mine.txt", "", "probe_set_invalid"),
        ("mine.csv", "words\nx", "probe_set_invalid"),
        ("", "", "probe_set_invalid"),
    ],
)
def test_a_file_that_is_no_set_is_refused(run: CliRunner, tmp_path: Path, name: str, text: str, code: str) -> None:
    file = tmp_path / name
    if name:
        file.write_text(text)
    done = run.invoke(app, ["probes", "import", "portraits", str(file), "--name", "mine"])
    assert isinstance(done.exception, SafelightError)
    assert done.exception.code == code


def test_probes_of_a_version_that_is_not_there_are_refused(run: CliRunner) -> None:
    done = run.invoke(app, ["probes", "run", "portraits", "3"])
    assert isinstance(done.exception, SafelightError)
    assert done.exception.code == "version_not_found"


def test_what_is_stored_is_the_whole_set(run: CliRunner) -> None:
    done = run.invoke(app, ["probes", "run", "portraits", "3", "--store", "--pairs", "16"])
    assert done.exit_code == 2
    assert "whole set" in done.output
    done = run.invoke(app, ["probes", "run", "portraits", "3", "--store"])
    assert isinstance(done.exception, SafelightError)
    assert done.exception.code == "version_not_found"
