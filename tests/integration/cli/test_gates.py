"""Gates from the command line, on a store of the test's own."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from registry.external import parse_external
from safelight import wiring
from safelight.cli import app
from safelight.errors import SafelightError
from safelight.settings import Settings
from safelight.store import versions
from safelight.store.versions import KnownVersion


@pytest.fixture
def run(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A generator with one version, which somebody else's service serves: nothing has to be loaded."""
    (tmp_path / "safelight.db").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path))
    database, now = wiring.database(Settings()), wiring.clock().now()
    told = parse_external({"name": "portraits:1"})
    with database.transaction() as session:
        versions.add_generator(session, "portraits", "", now)
        versions.put_version(session, KnownVersion("portraits", 1, told.digest, told, "", now, "ann"))
    database.dispose()
    return CliRunner()


def _said(result: Result, status: int = 0) -> str:
    assert result.exit_code == status, result.output
    return result.stdout.strip()


def test_a_policy_is_set_asked_and_passed_by(run: CliRunner, tmp_path: Path) -> None:
    document = tmp_path / "policy.json"
    document.write_text(json.dumps({"provenance": {}, "approvals": 1}))
    assert _said(run.invoke(app, ["gates", "set", "portraits", str(document)])) == "portraits: the gate policy is set"
    assert json.loads(_said(run.invoke(app, ["gates", "show", "portraits"])))["approvals"] == 1
    told = _said(run.invoke(app, ["gates", "check", "portraits", "1"]), status=1)
    assert "approval       missing         required" in told
    assert told.endswith("It would be refused.")
    assert "approved by cli:" in _said(run.invoke(app, ["gates", "approve", "portraits", "1", "--note", "seen"]))
    refused = run.invoke(app, ["promote", "portraits", "1"])
    assert (refused.exit_code, ": failed  " in refused.stdout) == (1, True)
    assert "Gate provenance: " in refused.stderr
    assert ": flipping  " in _said(run.invoke(app, ["promote", "portraits", "1", "--override", "ours to answer for"]))
    assert "[override of provenance, approval: ours to answer for]" in _said(
        run.invoke(app, ["ledger", "show", "portraits"])
    )


def test_provenance_is_told_of_a_version(run: CliRunner, tmp_path: Path) -> None:
    document = tmp_path / "provenance.json"
    document.write_text(json.dumps({"licence": "MIT", "intended_use": "Avatars"}))
    assert "its provenance is told" in _said(run.invoke(app, ["gates", "provenance", "portraits", "1", str(document)]))
    document.write_text('{"licence": 7}')
    refused = run.invoke(app, ["gates", "provenance", "portraits", "1", str(document)])
    assert getattr(refused.exception, "code", None) == "manifest_invalid"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "gate_policy_invalid"),
        ('{"approvals": true}', "gate_policy_invalid"),
        ('{"paired_probes": {"probe_set": "nowhere"}}', "gate_policy_invalid"),
        (None, "document_unreadable"),
    ],
)
def test_what_is_no_policy_changes_nothing(run: CliRunner, tmp_path: Path, text: str | None, code: str) -> None:
    document = tmp_path / "policy.json"
    if text is not None:
        document.write_text(text)
    result = run.invoke(app, ["gates", "set", "portraits", str(document)])
    assert getattr(result.exception, "code", None) == code
    assert json.loads(_said(run.invoke(app, ["gates", "show", "portraits"])))["paired_probes"] is None


def test_what_does_not_exist_is_named(run: CliRunner) -> None:
    for command in (["show", "nobody"], ["check", "portraits", "9"], ["approve", "portraits", "9"]):
        result = run.invoke(app, ["gates", *command])
        assert isinstance(result.exception, SafelightError)
        assert result.exception.code.endswith("_not_found")
