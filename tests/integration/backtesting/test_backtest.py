"""`safelight backtest` on tables of painted pictures: from the file to the page."""

import io
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet
from typer.testing import CliRunner, Result

from monitors.verdict import Health
from safelight import wiring
from safelight.backtesting.report import BacktestReport
from safelight.cli import app
from safelight.errors import SafelightError
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.settings import Settings

START = datetime(2026, 11, 20, tzinfo=UTC)
APART = timedelta(seconds=15)
WORDS = ("red", "blue", "green", "cat", "dog", "car", "house", "on", "grass", "snow", "two", "small")
FITTED, ROWS, CHANGE = 900, 1600, 1200
Row = dict[str, Any]
Replay = Callable[..., tuple[Result, BacktestReport]]


class CountingEmbedder(FakeEmbedder):
    """Counts the images it has looked at."""

    seen = 0

    def embed_images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        self.seen += len(images)
        return super().embed_images(images)


@pytest.fixture(scope="module")
def embedder() -> CountingEmbedder:
    return CountingEmbedder()


def _png(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


PAINTER = FakeEmbedder()


def _at(row: int) -> datetime:
    return START + row * APART


@cache
def _row(i: int, words: tuple[str, ...] = WORDS, fidelity: float = 0.9, *, blank: bool = False) -> Row:
    rng = np.random.default_rng([3, i])
    prompt = " ".join(rng.choice(words, 5))
    pixels = PAINTER.paint(prompt, rng, fidelity)
    return {
        "prompt": prompt,
        "image": _png(pixels * 0 if blank else pixels),
        "created_at": _at(i),
        "steps": 8,
        "replica": f"gpu-{i % 4}",
        "version": 1,
    }


def stream(change: Callable[[int], Row] = _row, since: int = CHANGE) -> list[Row]:
    """Rows a quarter of a minute apart: the usual ones, and from `since` on what `change` makes of them."""
    return [_row(i) if i < since else change(i) for i in range(ROWS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, so that what all streams have in common is measured once."""
    return tmp_path_factory.mktemp("backtest")


@pytest.fixture
def replay(folder: Path, embedder: CountingEmbedder, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """`safelight backtest` of some rows, fitted on the early ones: what it says, and its report."""
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(folder / "data"))
    monkeypatch.setenv("SAFELIGHT_WATCHING__BUCKET_SECONDS", "300")
    monkeypatch.setattr(wiring, "embedder", lambda _settings: embedder)
    page, document, source = (folder / name for name in ("page.html", "report.json", "log.parquet"))

    def command(rows: list[Row] | None = None, *arguments: str) -> tuple[Result, BacktestReport]:
        if rows is not None:
            parquet.write_table(pa.Table.from_pylist(rows), source)
        until = f"{_at(FITTED):%Y-%m-%dT%H:%M:%S}"
        options = ["--fit-until", until, "--embedder", "studio", "-o", str(page), "--json", str(document)]
        done = CliRunner().invoke(app, ["backtest", str(source), *options, *arguments])
        if done.exception:
            raise done.exception
        told = json.loads(document.read_text())
        for alarm in told["alarms"] + told["prompt_drifts"]:
            alarm["worst"] = [{**each, "thumbnail": b""} for each in alarm["worst"]]
        return done, BacktestReport.model_validate(told)

    return command


def test_a_change_is_listed_with_its_evidence_and_nothing_before_it(replay: Replay, folder: Path) -> None:
    done, report = replay(stream(lambda i: _row(i, fidelity=0.7)))
    (alarm,) = report.alarms
    assert _at(CHANGE) < alarm.raised_at < _at(CHANGE + 300)
    finding = alarm.findings[0]
    assert finding.monitor == "conditional_drift"
    assert finding.slice is None
    assert finding.p_value is not None
    assert finding.threshold is not None
    assert 0 <= finding.p_value < finding.threshold < 1e-3
    assert len(alarm.worst) == 12
    assert sum(each.at >= _at(CHANGE) for each in alarm.worst) > 6
    assert report.fitted_on == FITTED
    assert report.false_alarms_expected < 0.05
    assert report.prompt_drifts == []
    assert "Alarms in 2 hours 54 minutes: 1," in done.output
    page = (folder / "page.html").read_text()
    assert page.count("data:image/webp;base64,") == 12
    assert not re.search(r"https?:|src=\"(?!data:)|@import|url\(", page)


def test_a_healthy_stream_lists_nothing_and_says_what_would_have_been_seen(
    replay: Replay, embedder: CountingEmbedder
) -> None:
    _, report = replay(stream())
    assert report.alarms == report.prompt_drifts == []
    hour, longest = (each for each in report.sights if each.slice == "all")
    assert (hour.window_seconds, longest.window_seconds) == (3600, 21600)
    assert longest.n > hour.n >= 100
    assert longest.effect <= hour.effect < 3
    assert report.answers["conditional_drift"][Health.HEALTHY] > 20
    seen = embedder.seen
    _, again = replay()
    assert embedder.seen == seen, "what was measured is not measured again"
    assert again.model_dump(exclude={"made_at"}) == report.model_dump(exclude={"made_at"})


def test_a_bad_replica_is_named(replay: Replay) -> None:
    def change(i: int) -> Row:
        return _row(i, fidelity=0.3) if i % 4 == 2 else _row(i)

    _, report = replay(stream(change, since=FITTED + 100))
    (alarm,) = report.alarms
    assert {finding.slice for finding in alarm.findings} == {"replica=gpu-2"}
    assert {each.slice for each in report.sights} >= {"all", "replica=gpu-0", "replica=gpu-3"}


@pytest.mark.parametrize(("fidelity", "alarmed"), [(0.97, []), (0.6, [2])])
def test_a_new_version_is_held_against_the_old_one(replay: Replay, fidelity: float, alarmed: list[int]) -> None:
    _, report = replay(stream(lambda i: _row(i, fidelity=fidelity) | {"version": 2}))
    assert report.versions == [1, 2]
    assert [alarm.version for alarm in report.alarms] == alarmed
    assert {each.monitor for alarm in report.alarms for each in alarm.findings} <= {"release_comparison"}


def test_other_prompts_are_no_alarm(replay: Replay) -> None:
    _, report = replay(stream(lambda i: _row(i, WORDS[3:9])))
    assert report.alarms == []
    assert _at(CHANGE) < report.prompt_drifts[0].raised_at < _at(CHANGE + 300)


def test_blank_images_are_an_alarm_and_are_shown(replay: Replay) -> None:
    _, report = replay(stream(lambda i: _row(i, blank=i % 5 == 0)))
    (alarm,) = report.alarms
    assert "blank_rate" in {each.monitor for each in alarm.findings}
    assert any(each.blank for each in alarm.worst)
    assert report.blank == (ROWS - CHANGE) // 5


def test_embeddings_that_come_along_are_taken_and_foreign_ones_are_not(
    replay: Replay, embedder: CountingEmbedder
) -> None:
    rows = [dict(_row(i)) for i in range(ROWS)]
    pixels = [np.asarray(Image.open(io.BytesIO(row["image"]))) for row in rows]
    for row, vector in zip(rows, PAINTER.embed_images(pixels), strict=True):
        row["image_embedding"] = vector.tolist()
    seen = embedder.seen
    _, report = replay(rows)
    assert (report.generations, report.alarms) == (ROWS, [])
    assert embedder.seen - seen < ROWS / 20, "a few are made anew, to see whether they are its own"
    foreign = [{**row, "image_embedding": row["image_embedding"][::-1]} for row in rows]
    with pytest.raises(SafelightError) as refused:
        replay(foreign)
    assert refused.value.code == "embeddings_foreign"


def test_too_few_early_generations_are_refused(replay: Replay) -> None:
    with pytest.raises(SafelightError, match="cannot say what is usual") as refused:
        replay(stream(), "--fit-until", f"{_at(200):%Y-%m-%dT%H:%M:%S}")
    assert refused.value.code == "baseline_too_small"


def test_the_bundled_embedder_is_not_taken_for_pictures_it_knows_nothing_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path))
    (tmp_path / "log.csv").write_text("prompt,image,created_at\na,b.png,2026-11-20T00:00:00Z\n")
    done = CliRunner().invoke(app, ["backtest", str(tmp_path / "log.csv")])
    assert isinstance(done.exception, SafelightError)
    assert done.exception.code == "embedder_unset"
    assert Settings().scoring.embedder == ""
