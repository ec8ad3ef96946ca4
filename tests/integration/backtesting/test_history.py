"""`safelight backtest --generator`: the log of an installation, imported first and scored, then replayed."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet
from typer.testing import CliRunner, Result

from registry.manifest import Golden, Manifest
from registry.parameters import Defaults, Limits
from safelight import wiring
from safelight.cli import app
from safelight.clock import ManualClock
from safelight.errors import SafelightError
from safelight.recording.images import LocalImages
from safelight.scoring.examining import Examiner
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.folding import Folder
from safelight.scoring.scorer import Scorer
from safelight.store import scores, versions
from safelight.store.database import Database
from safelight.store.versions import KnownVersion
from safelight.watching.lenses import LensCache
from safelight.watching.slicing import Slicing

START = datetime(2026, 11, 20, tzinfo=UTC)
APART = timedelta(seconds=15)
WORDS = ("red", "blue", "green", "cat", "dog", "car", "house", "on", "grass", "snow", "two", "small")
FITTED, CHANGE, ROWS = 700, 850, 1050
EYES = FakeEmbedder()
MANIFEST = Manifest(
    checkpoint="sha256:" + "3" * 64,
    dtype="float32",
    defaults=Defaults(steps=8, guidance=3.0, width=16, height=16),
    limits=Limits(min_side=16, max_side=16, max_steps=50, max_guidance=10.0, max_prompt_length=500),
    golden=(Golden(prompt="a red ball", seed=1),),
)
Command = Callable[..., Result]


def _at(row: int) -> datetime:
    return START + row * APART


@cache
def _row(i: int) -> dict[str, Any]:
    rng = np.random.default_rng([3, i])
    prompt, out = " ".join(rng.choice(WORDS, 5)), io.BytesIO()
    Image.fromarray(EYES.paint(prompt, rng, 0.9 if i < CHANGE else 0.6)).save(out, "PNG", compress_level=1)
    return {"prompt": prompt, "image": out.getvalue(), "created_at": _at(i), "steps": 8, "replica": f"gpu-{i % 3}"}


@pytest.fixture
def command(database_url: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """`safelight` on an installation where version 1 of portraits is registered."""
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SAFELIGHT_DATABASE__URL", database_url)
    monkeypatch.setenv("SAFELIGHT_WATCHING__BUCKET_SECONDS", "300")
    monkeypatch.setattr(wiring, "embedder", lambda _settings: EYES)
    with database.transaction() as session:
        versions.add_generator(session, "portraits", "", START)
        versions.put_version(session, KnownVersion("portraits", 1, "sha256:b1", MANIFEST, "", START, "anna"))

    def run(*arguments: str) -> Result:
        done = CliRunner().invoke(app, list(arguments))
        if done.exception:
            raise done.exception
        return done

    return run


def _table(folder: Path, rows: list[dict[str, Any]]) -> str:
    parquet.write_table(pa.Table.from_pylist(rows), folder / "log.parquet")
    return str(folder / "log.parquet")


def _score(database: Database, folder: Path, embedder: FakeEmbedder = EYES, batches: int = 1_000) -> None:
    clock = ManualClock(_at(ROWS))
    examiner = Examiner(LocalImages(folder / "data" / "images"), embedder, clock)
    slicing = Folder(LensCache(), embedder.digest, Slicing((), 1), clock, 300)
    scorer = Scorer(database, examiner, slicing, batch=64)
    for _ in range(batches):
        if not scorer.run_once():
            return


def _replay(command: Command, folder: Path, *source: str) -> tuple[Result, dict[str, Any]]:
    until = f"{_at(FITTED):%Y-%m-%dT%H:%M:%S}"
    files = ["-o", str(folder / "page.html"), "--json", str(folder / "report.json")]
    done = command("backtest", *source, "--fit-until", until, *files)
    return done, json.loads((folder / "report.json").read_text())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it is the test below that asks both databases
def test_what_was_imported_is_replayed_as_the_table_it_came_from(
    command: Command, database: Database, tmp_path: Path
) -> None:
    table = _table(tmp_path, [_row(i) for i in range(ROWS)])
    command("import", table, "--generator", "portraits")
    _score(database, tmp_path)
    done, of_log = _replay(command, tmp_path, "--generator", "portraits")
    assert f"{ROWS:,} generations, fitted on {FITTED}" in done.output
    (alarm,) = of_log["alarms"]
    assert _at(CHANGE) < datetime.fromisoformat(alarm["raised_at"]) <= _at(ROWS)
    assert len(alarm["worst"]) == 12
    assert (tmp_path / "page.html").read_text().count("data:image/webp;base64,") == 12
    assert list((tmp_path / "data" / "backtests").iterdir()) == [], "the copy it worked on is gone"
    _, of_table = _replay(command, tmp_path, table, "--embedder", "studio")
    for part in ("generations", "fitted_on", "versions", "answers", "undecided"):
        assert of_log[part] == of_table[part], part
    assert [each["raised_at"] for each in of_table["alarms"]] == [alarm["raised_at"]]


def test_what_another_embedder_scored_or_none_has_is_left_out_and_told(
    command: Command, database: Database, tmp_path: Path
) -> None:
    early = [_row(i) for i in range(FITTED + 70)]
    table = _table(tmp_path, early)
    command("import", table, "--generator", "portraits")
    _score(database, tmp_path, FakeEmbedder(seed=1), batches=1)  # the oldest 64, by other eyes
    _score(database, tmp_path)
    command("import", _table(tmp_path, [_row(FITTED + 70)]), "--generator", "portraits")
    with database.reading() as session:
        assert len(scores.waiting(session, 10)) == 1
    _, report = _replay(command, tmp_path, "--generator", "portraits")
    assert report["embedder_digest"] == EYES.digest
    assert report["generations"] == len(early) - 64
    assert report["rejected"] == {"other_embedder": 64, "not_scored": 1}
    assert "64 other embedder, 1 not scored" in (tmp_path / "page.html").read_text()
    until = f"{_at(FITTED + 30):%Y-%m-%dT%H:%M:%S}"
    _, part = _replay(
        command, tmp_path, "--generator", "portraits", "--from", f"{_at(40):%Y-%m-%dT%H:%M:%S}", "--to", until
    )
    assert part["generations"] == FITTED + 30 - 64
    assert part["rejected"] == {"other_embedder": 24}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "source_invalid"),
        (["log.parquet", "--generator", "portraits"], "source_invalid"),
        (["--generator", "portraits", "--map", "prompt=caption"], "source_invalid"),
        (["log.parquet", "--from", "2026-11-20"], "source_invalid"),
        (["--generator", "landscapes"], "generator_not_found"),
        (["--generator", "portraits"], "nothing_to_replay"),
    ],
)
def test_what_cannot_be_replayed_is_refused(command: Command, arguments: list[str], code: str) -> None:
    with pytest.raises(SafelightError) as refused:
        command("backtest", *arguments)
    assert refused.value.code == code
