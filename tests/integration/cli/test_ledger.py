"""The ledger from the command line, on a store of the test's own."""

import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from registry.fakes import write_checkpoint
from safelight.cli import app
from safelight.errors import SafelightError
from safelight.store.database import Database


@pytest.fixture
def database(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Of one generator: version 1 served, then version 2, both elsewhere."""
    (tmp_path / "safelight.db").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path))
    run = CliRunner()
    for number in ("1", "2"):
        facts = tmp_path / f"facts-{number}.json"
        facts.write_text(json.dumps({"facts": {"steps": number, "precision": "fp16"}}))
        assert run.invoke(app, ["register-external", "cats", f"cats-{number}", "--manifest", str(facts)]).exit_code == 0
        assert run.invoke(app, ["promote", "cats", number, "--reason", f"try {number}"]).exit_code == 0
    return Database(f"sqlite:///{tmp_path / 'safelight.db'}")


def test_what_served_what_changed_and_the_whole_record(database: Database) -> None:
    run = CliRunner()
    assert "try 2" in run.invoke(app, ["ledger", "live", "cats"]).output
    never = run.invoke(app, ["ledger", "live", "cats", "--at", "2020-01-01T00:00"])
    assert (never.exit_code, "Nothing of cats served" in never.output) == (1, True)
    assert run.invoke(app, ["ledger", "live", "cats", "--at", "yesterday"]).exit_code == 2
    changed = run.invoke(app, ["ledger", "diff", "cats", "1", "2"]).output
    assert 'facts.steps: "1" -> "2"' in changed
    assert "precision" not in changed
    assert "no digest of its weights" in changed
    exported = run.invoke(app, ["ledger", "export", "cats", "--format", "json"]).output
    assert [entry["to_version"] for entry in json.loads(exported)] == [1, 2]
    assert run.invoke(app, ["ledger", "show", "cats"]).output.splitlines()[0].split()[0] == "2"
    with pytest.raises(SafelightError) as refusal:
        run.invoke(app, ["ledger", "diff", "cats", "1", "9"], catch_exceptions=False)
    assert refusal.value.code == "release_not_found"


def test_an_anchor_uncovers_a_ledger_that_was_cut(database: Database, tmp_path: Path) -> None:
    run, file = CliRunner(), str(tmp_path / "anchors.jsonl")
    assert "entry 2 noted" in run.invoke(app, ["ledger", "anchor", "--file", file]).output
    assert "nothing new" in run.invoke(app, ["ledger", "anchor", "--file", file]).output
    assert "holds, 1 anchors" in run.invoke(app, ["ledger", "verify", "--anchors", file]).output
    with database.transaction() as session:
        session.execute(text("DROP TRIGGER ledger_no_delete"))
        session.execute(text("DELETE FROM ledger WHERE seq = 2"))
    assert run.invoke(app, ["ledger", "verify"]).exit_code == 0, "a chain cut short is a valid chain"
    found = run.invoke(app, ["ledger", "verify", "--anchors", file])
    assert (found.exit_code, "BROKEN at entry 1: head" in found.output) == (1, True)
    assert run.invoke(app, ["ledger", "anchor", "--file", file]).exit_code == 1
    for arguments, code in (
        (["anchor"], "anchor_file_missing"),
        (["verify", "--anchors", "no"], "anchor_file_not_found"),
    ):
        with pytest.raises(SafelightError) as refusal:
            run.invoke(app, ["ledger", *arguments], catch_exceptions=False)
        assert refusal.value.code == code


def test_a_pack_of_evidence_is_written(database: Database, tmp_path: Path) -> None:
    out = tmp_path / "pack.zip"
    asked = ["evidence", "--generator", "cats", "--since", "2020-01-01", "--out", str(out)]
    assert "bytes" in CliRunner().invoke(app, asked).output
    with zipfile.ZipFile(out) as archive:
        entries = json.loads(archive.read("records/ledger.json"))
        releases = json.loads(archive.read("records/releases.json"))
    assert [each["record"]["seq"] for each in entries] == [2, 1]
    assert [each["record"]["reason"] for each in releases] == ["try 2", "try 1"]


def test_the_files_of_a_checkpoint_are_compared_one_by_one(database: Database, tmp_path: Path) -> None:
    run = CliRunner()
    for seed in (1, 2):
        folder = write_checkpoint(tmp_path / f"checkpoint-{seed}", seed=seed)
        assert run.invoke(app, ["register", "dogs", str(folder)]).exit_code == 0
    with database.reading() as session:
        rows = session.execute(text("SELECT files FROM checkpoints")).scalars().all()
    first, second = (json.loads(row) for row in rows)
    assert {path for path in first if first[path] != second[path]} == {
        "text_encoder/model.safetensors",
        "unet/diffusion_pytorch_model.safetensors",
        "vae/diffusion_pytorch_model.safetensors",
    }
