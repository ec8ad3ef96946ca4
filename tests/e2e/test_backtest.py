"""The studio's history in a folder: version 2, which becomes the regressed version 3 in the middle."""

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from safelight.backtesting.report import BacktestReport
from safelight.cli import app
from safelight.studio.prompts import EVERYDAY, prompt_stream
from safelight.studio.training.sampling import Sampler
from safelight.studio.versions import build_version

START = datetime(2026, 11, 1, tzinfo=UTC)
APART = timedelta(seconds=30)
FITTED, CHANGE, ROWS = 650, 850, 1100


def _draw(folder: Path, scratch: Path) -> None:
    """A folder of images with the table that datasets of images have."""
    prompts = [request.prompt for request in islice(prompt_stream(5, EVERYDAY), ROWS)]
    parts = ((2, prompts[:CHANGE]), (3, prompts[CHANGE:]))
    images = [
        image
        for number, asked in parts
        for image in Sampler(build_version(number, scratch / str(number))).draw(asked, first_seed=1000 * number)
    ]
    folder.mkdir()
    lines = []
    for i, (prompt, image) in enumerate(zip(prompts, images, strict=True)):
        Image.fromarray(image).save(folder / f"{i:05d}.png", compress_level=1)
        made = (START + i * APART).isoformat()
        lines.append(json.dumps({"file_name": f"{i:05d}.png", "text": prompt, "made": made, "host": f"gpu-{i % 3}"}))
    (folder / "metadata.jsonl").write_text("\n".join(lines))


@pytest.mark.soak
def test_the_alarm_comes_after_the_change_and_none_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path / "data"))
    _draw(tmp_path / "history", tmp_path)
    options = {
        "--map": "prompt=text,image=file_name,created_at=made,replica=host",
        "--fit-until": f"{START + FITTED * APART:%Y-%m-%dT%H:%M:%S}",
        "--embedder": "studio",
        "--output": tmp_path / "page.html",
        "--json": tmp_path / "report.json",
    }
    words = [str(word) for option in options.items() for word in option]
    done = CliRunner().invoke(app, ["backtest", str(tmp_path / "history"), *words])
    assert done.exception is None, done.output
    told = json.loads((tmp_path / "report.json").read_text())
    for alarm in told["alarms"]:
        alarm["worst"] = [{**each, "thumbnail": b""} for each in alarm["worst"]]
    (alarm,) = BacktestReport.model_validate(told | {"prompt_drifts": []}).alarms
    assert START + CHANGE * APART < alarm.raised_at <= START + ROWS * APART
    assert sum(each.at >= START + CHANGE * APART for each in alarm.worst) >= 10
    assert (tmp_path / "page.html").stat().st_size < 1_000_000
