"""Background jobs from the command line, on a store of the test's own."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from safelight import wiring
from safelight.cli import app
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.settings import Settings
from safelight.store import generation_jobs
from safelight.store.generation_jobs import NewJob
from safelight.store.job_state import JobState


def test_jobs_are_listed_and_one_that_is_open_is_cancelled_once(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "safelight.db").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path))
    database, now = wiring.database(Settings()), wiring.clock().now()
    older, newer = new_id(), new_id()
    with database.transaction() as session:
        for job_id in (older, newer):
            asked = NewJob(
                id=job_id,
                generator="portraits",
                requested={"prompt": "a red fox"},
                images=4,
                api_key_id=None,
                tenant=None,
                end_user=None,
                created_by="ann",
            )
            generation_jobs.add(session, asked, now)
    listed = CliRunner().invoke(app, ["jobs"])
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [str(newer), str(older)]
    assert "queued        0%  4 of portraits  by ann" in listed.stdout
    assert len(CliRunner().invoke(app, ["jobs", "--last", "1"]).stdout.splitlines()) == 1

    cancelled = CliRunner().invoke(app, ["jobs", "cancel", str(older)])
    assert (cancelled.exit_code, "cancelled" in cancelled.stdout) == (0, True)
    with database.reading() as session:
        assert generation_jobs.get(session, older).state is JobState.CANCELLED
    again = CliRunner().invoke(app, ["jobs", "cancel", str(older)])
    assert isinstance(again.exception, SafelightError)
    assert again.exception.code == "job_ended"
    database.dispose()
