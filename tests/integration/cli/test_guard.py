"""The guard and its drills from the command line, in one process."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from registry.ledger import Draft, EntryKind
from registry.manifest import parse_manifest
from safelight import wiring
from safelight.cli import app
from safelight.errors import SafelightError
from safelight.settings import Settings
from safelight.store import access, drills, ledger, versions
from safelight.store.drills import DrillState, Took
from safelight.store.versions import KnownVersion

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MANIFEST = parse_manifest(
    {
        "checkpoint": "sha256:" + "0" * 64,
        "dtype": "float32",
        "defaults": {"steps": 2, "guidance": 1, "width": 64, "height": 64},
        "limits": {"min_side": 32, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 500},
        "golden": [{"prompt": "a red apple", "seed": 1}],
    }
)
Run = Callable[..., str]


@pytest.fixture
def run(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`safelight` with these arguments; what it printed. Version 1 of portraits is known good, 2 serves."""
    shutil.copy(migrated_sqlite, tmp_path / "safelight.db")
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with wiring.database(Settings()).transaction() as session:
        versions.add_generator(session, "portraits", "", NOON)
        before = None
        for kind, number in ((EntryKind.PROMOTE, 1), (EntryKind.ACCEPT, 1), (EntryKind.PROMOTE, 2)):
            if kind is EntryKind.PROMOTE:
                known = KnownVersion("portraits", number, f"sha256:{number}", MANIFEST, "", NOON, "ann")
                versions.put_version(session, known)
            draft = Draft(
                generator="portraits",
                scope="default",
                kind=kind,
                from_version=before,
                to_version=number,
                to_digest=f"sha256:{number}",
                actor="ann",
                reason="",
            )
            ledger.add(session, draft, NOON)
            before = number

    def command(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, arguments)
        if isinstance(done.exception, SafelightError):
            raise done.exception
        assert done.exit_code == status, done.output
        return done.output

    return command


def test_the_switch_and_the_policy_are_thrown_and_told(run: Run) -> None:
    assert run("guard", "status").splitlines()[0] == "the guard may act"
    run("guard", "stop", "--reason", "a drill")
    assert "STOPPED since" in run("guard", "status")
    assert run("guard", "resume") == "the guard may act\n"
    assert run("guard", "policy", "portraits") == "portraits: recommend, at most 1 an hour\n"
    assert run("guard", "policy", "portraits", "--mode", "auto", "--most-per-hour", "2").endswith(
        "auto, at most 2 an hour\n"
    )
    assert run("guard", "dry-run", "portraits") == "0 automatic rollbacks in 30 days, over 0 incidents\n"
    with wiring.database(Settings()).reading() as session:
        done = [each.action for each in access.audit_page(session, None, 10)]
    assert done == ["policy.set", "guard.resume", "guard.stop"]


def test_a_drill_is_ordered_and_its_end_is_waited_for(run: Run) -> None:
    assert run("drill", "portraits").startswith("drill of version 1: ordered")
    with wiring.database(Settings()).transaction() as session:
        [ordered] = drills.in_hand(session)
        drills.end(session, ordered.id, DrillState.PASSED, NOON, took=Took(1.0, 2.0, 0.5))
        assert drills.newest(session, "portraits")[1].seconds == 3.5
    with pytest.raises(SafelightError, match="nobody"):
        run("drill", "nobody")
