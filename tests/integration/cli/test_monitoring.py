"""Monitors and baselines from the command line, in one process: what starts an interpreter is tried elsewhere."""

import json
import re
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
from safelight.store import baseline_jobs, ledger, monitors, versions
from safelight.store.versions import KnownVersion
from safelight.watching.monitors import defaults

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
FILE = """
[[monitor]]
generator = "portraits"
name = "blank_rate"
kind = "blank_rate"
tolerance = 0.01

[[monitor]]
generator = "portraits"
name = "quick"
kind = "service_health"
longest_seconds = 600
"""
Run = Callable[..., str]


@pytest.fixture
def run(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`safelight` with these arguments; what it printed. Version 1 of portraits serves, with the default monitors."""
    shutil.copy(migrated_sqlite, tmp_path / "safelight.db")
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "monitors.toml").write_text(FILE)
    with wiring.database(Settings()).transaction() as session:
        versions.add_generator(session, "portraits", "", NOON)
        versions.put_version(session, KnownVersion("portraits", 1, MANIFEST.digest, MANIFEST, "", NOON, "anna"))
        draft = Draft(
            generator="portraits",
            scope="default",
            kind=EntryKind.PROMOTE,
            from_version=None,
            to_version=1,
            to_digest=MANIFEST.digest,
            actor="anna",
            reason="",
        )
        ledger.add(session, draft, NOON)
        monitors.add_missing(session, defaults("portraits", NOON))

    def command(*arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, arguments)
        if isinstance(done.exception, SafelightError):
            raise done.exception
        assert done.exit_code == status, done.output
        return done.output

    return command


def test_a_file_of_monitors_is_checked_applied_and_found_applied(run: Run) -> None:
    assert run("monitor", "apply", "monitors.toml", "--check").splitlines() == [
        "portraits blank_rate: replaced",
        "portraits quick: created",
        "(nothing was changed)",
    ]
    assert "quick" not in run("monitor", "list", "portraits")
    assert "quick: created" in run("monitor", "apply", "monitors.toml")
    assert run("monitor", "apply", "monitors.toml").count("unchanged") == 2
    assert "0." in run("monitor", "list", "portraits")


def test_what_is_shown_can_be_applied_again(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shown.toml").write_text(run("monitor", "show", "portraits", "good_images"))
    assert "unchanged" in run("monitor", "apply", "shown.toml")


def test_a_monitor_is_switched_run_and_deleted(run: Run) -> None:
    run("monitor", "apply", "monitors.toml")
    assert "off" in run("monitor", "disable", "portraits", "quick")
    assert "asks nothing" in next(line for line in run("monitor", "list", "portraits").splitlines() if "quick" in line)
    assert "on" in run("monitor", "enable", "portraits", "quick")
    assert json.loads(run("monitor", "run", "portraits", "quick"))["health"] == "inconclusive"
    run("monitor", "delete", "portraits", "quick")
    with pytest.raises(SafelightError, match="quick"):
        run("monitor", "show", "portraits", "quick")


def test_monitors_are_tried_on_the_past(run: Run) -> None:
    said = run("monitor", "dry-run", "monitors.toml", "--hours", "0.1", "--until", "2026-11-23T13:00:00").splitlines()
    assert said[0].startswith("portraits blank_rate: 6 ticks (6 inconclusive), 0 alarms;")
    assert said[1].startswith("portraits quick: 6 ticks")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[monitor", "no TOML"),
        ("[monitor]\nname = 'x'", "two brackets"),
        ("[[monitors]]\nname = 'x'", "'monitors'"),
        ("", "holds no"),
        ("[[monitor]]\nname = 'x'\nenabled = 1", "'generator' as a text; .* 'enabled' as true or false"),
        ("[[monitor]]\ngenerator = 'portraits'\nname = 'x'\nkind = 'blank_rate'\ntolerence = 1", "tolerence"),
    ],
)
def test_a_bad_file_is_refused_with_what_to_mend(run: Run, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(SafelightError, match=words):
        run("monitor", "apply", "bad.toml")
    with pytest.raises(SafelightError, match="cannot be read"):
        run("monitor", "apply", "none.toml")


def test_a_baseline_without_traffic_says_what_is_missing(run: Run) -> None:
    with pytest.raises(SafelightError) as refusal:
        run("baseline", "make", "portraits", "1", "--name", "first")
    assert refusal.value.code == "nothing_scored"
    assert "failed (nothing_scored)  first" in run("baseline", "jobs", "portraits")
    assert run("baseline", "list", "portraits") == ""


def test_a_replay_is_left_to_the_services_and_can_be_cancelled(run: Run) -> None:
    with pytest.raises(SafelightError, match="needs 512"):
        run("baseline", "make", "portraits", "1", "--name", "first", "--source", "replay")
    with wiring.database(Settings()).transaction() as session:
        job = baseline_jobs.NewJob(
            generator="portraits",
            version=1,
            name="first",
            source="replay",
            data_from=None,
            data_to=None,
            prompts=[{"prompt": "a cat", "seed": 1}],
            created_by="anna",
        )
        made = baseline_jobs.add(session, job, NOON)
    assert "loading 0 of 1" in run("baseline", "jobs", "portraits")
    assert "cancelled" in run("baseline", "cancel", str(made.id))
    with pytest.raises(SafelightError, match="import"):
        run("baseline", "make", "portraits", "1", "--name", "x", "--source", "recorded")


def test_the_documented_file_is_one(run: Run, tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "monitors.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "documented.toml").write_text(example)
    assert run("monitor", "apply", "documented.toml").count("replaced") == 2
