"""Canaries from the command line, on a database alone."""

import getpass
import json
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from registry.canary import CanaryPlan
from registry.ledger import Draft, EntryKind
from registry.manifest import Golden, Manifest
from registry.parameters import Defaults, Limits
from safelight.cli import main
from safelight.cli.canaries import plan_of
from safelight.errors import SafelightError
from safelight.store import ledger, versions
from safelight.store.database import Database
from safelight.store.versions import KnownVersion

Run = Callable[..., tuple[int, str, str]]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def run(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """`safelight`, where version 1 of studio serves and 2 is registered."""
    (tmp_path / "data").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "data" / "safelight.db")
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    database = Database(f"sqlite:///{tmp_path / 'data' / 'safelight.db'}")
    with database.transaction() as session:
        versions.add_generator(session, "studio", "", NOW)
        for number in (1, 2):
            versions.put_version(session, _version(number))
        draft = Draft(
            generator="studio",
            scope=ledger.DEFAULT_SCOPE,
            kind=EntryKind.PROMOTE,
            from_version=None,
            to_version=1,
            to_digest="sha256:" + "0" * 64,
            actor="ann",
            reason="",
        )
        ledger.add(session, draft, NOW)
    database.dispose()

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["safelight", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return command


def test_a_canary_is_asked_for_shown_called_off_and_tried_again(run: Run) -> None:
    promoted = run("promote", "studio", "2", "--step", "0+20:60", "--step", "25:300:pause", "--reason", "sharper")
    assert promoted[0] == 0, promoted
    _, shown, _ = run("canary", "show", "studio")
    assert "promote 1 -> 2: preparing" in shown
    assert "step 1: shadows of 20 % of the others, 60 s" in shown
    assert "step 2: 25 % of the requests, 300 s, then a person" in shown
    assert run("canary", "pause", "studio")[0] == 1  # it takes no traffic yet
    assert f"aborted  called off by cli:{getpass.getuser()}" in run("canary", "abort", "studio")[1]
    assert "promote 1 -> 2: preparing" in run("canary", "retry", "studio")[1]


def test_what_is_no_plan_is_refused_in_a_sentence(run: Run) -> None:
    code, _, error = run("promote", "studio", "2", "--step", "half")
    assert (code, "[canary_plan_invalid]" in error) == (1, True)
    assert "'half' is not WEIGHT:SECONDS" in error
    assert "[canary_not_found]" in run("canary", "show", "studio")[2]


def test_a_plan_comes_from_steps_or_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"steps": [{"weight": 5}], "alpha": 0.01}))
    found = plan_of([], file)
    assert isinstance(found, CanaryPlan)
    assert (found.alpha, found.steps[0].bake_seconds) == (0.01, 300)
    assert plan_of([], None) is None
    for steps, document in ((["5:60"], file), (["50:60", "5:60"], None), ([], tmp_path / "none.json")):
        with pytest.raises(SafelightError, match="no plan of a canary"):
            plan_of(steps, document)


def _version(number: int) -> KnownVersion:
    manifest = Manifest(
        checkpoint="sha256:" + f"{number:x}" * 64,
        dtype="float32",
        defaults=Defaults(steps=8, guidance=3.0, width=64, height=64),
        limits=Limits(min_side=64, max_side=64, max_steps=50, max_guidance=10.0, max_prompt_length=500),
        golden=(Golden(prompt="a red ball", seed=1),),
    )
    return KnownVersion("studio", number, manifest.digest, manifest, "", NOW, "ann")
