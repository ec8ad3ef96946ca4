"""`safelight try` on real pipelines: the studio's second version against its regressed third."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from registry.errors import RegistryError
from safelight.cli import app
from safelight.cli.trying import read_prompts
from safelight.errors import SafelightError
from safelight.settings import Settings
from safelight.studio.versions import build_version

PROMPTS = [f"a {colour} {thing} on a white background" for colour in ("red", "blue", "green", "pink") for thing in
           ("car", "cup", "heart", "balloon", "key", "star", "house", "umbrella")]  # fmt: skip


def test_a_regressed_checkpoint_is_worse_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path / "data"))
    old, new = (build_version(number, tmp_path / str(number)) for number in (2, 3))
    (tmp_path / "p.csv").write_text("caption\n" + "\n".join(PROMPTS) + "\n")
    (tmp_path / "manifest.json").write_text(old.manifest.model_dump_json(exclude={"checkpoint"}))
    manifest = str(tmp_path / "manifest.json")
    page, document = tmp_path / "trial.html", tmp_path / "trial.json"
    options = {
        "--against": old.folder,
        "--prompts": tmp_path / "p.csv",
        "--map": "prompt=caption",
        "--steps": 4,
        "--embedder": "studio",
        "--manifest": manifest,
        "--against-manifest": manifest,
        "-o": page,
        "--json": document,
    }
    arguments = [str(word) for option in options.items() for word in option]
    done = CliRunner().invoke(app, ["try", str(new.folder), *arguments])
    assert done.exception is None, done.output
    assert "The new checkpoint is worse: alignment changed by -0." in done.output
    trial = json.loads(document.read_text())
    assert (trial["conclusion"], trial["compared"]) == ("worse", len(PROMPTS))
    assert trial["p_worse"] < 0.001
    html = page.read_text()
    assert html.count("data:image/webp;base64,") >= 24
    assert not re.search(r"https?:|src=\"(?!data:)|@import|url\(", html)


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("prompt\n", "prompt_missing"),
        ("prompt,seed\n,1\n", "prompt_missing"),
        ("prompt,seed\na,x\n", "seed_invalid"),
        ("prompt,seed\na,1\n", "checkpoint_not_found"),
    ],
)
def test_prompts_that_are_none_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, code: str
) -> None:
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "p.csv").write_text(table)
    arguments = ["try", "new", "--against", "old", "--prompts", str(tmp_path / "p.csv"), "--embedder", "studio"]
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, SafelightError | RegistryError)
    assert done.exception.code == code


def test_a_seed_of_nought_is_a_seed(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text('{"prompt": "a", "seed": 7}\n{"prompt": "b", "seed": 0}\n{"prompt": "c"}\n')
    assert read_prompts(str(tmp_path / "p.jsonl"), {}, Settings()) == [("a", 7), ("b", 0), ("c", 2)]
