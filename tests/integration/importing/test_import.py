"""`safelight import`, from the table to the database."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from PIL import Image
from pyarrow import parquet
from typer.testing import CliRunner, Result

from registry.manifest import Golden, Manifest
from registry.parameters import Defaults, Limits
from safelight.cli import app
from safelight.clock import ManualClock
from safelight.errors import SafelightError
from safelight.recording.images import LocalImages
from safelight.scoring.examining import Examiner
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.folding import Folder
from safelight.scoring.scorer import Scorer
from safelight.scoring.seen import see
from safelight.store import embedders, generations, scores, traffic, versions
from safelight.store.database import Database
from safelight.store.embedders import KnownEmbedder
from safelight.store.generations import Filters, StoredGeneration
from safelight.store.versions import KnownVersion
from safelight.watching.lenses import LensCache
from safelight.watching.slicing import Slicing

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MANIFEST = Manifest(
    checkpoint="sha256:" + "3" * 64,
    dtype="float32",
    defaults=Defaults(steps=8, guidance=3.0, width=64, height=64),
    limits=Limits(min_side=64, max_side=64, max_steps=50, max_guidance=10.0, max_prompt_length=500),
    golden=(Golden(prompt="a red ball", seed=1),),
)
Import = Callable[..., Result]


def _png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 32), (shade, 0, 255 - shade)).save(out, "PNG")
    return out.getvalue()


def _row(i: int, **changes: Any) -> dict[str, Any]:
    return {
        "caption": f"a red cat, the {i}th",
        "picture": _png(i % 256),
        "made": NOON + timedelta(seconds=i),
        "host": f"gpu-{i % 2}",
        "steps": 8,
        "ms": 120.5,
        **changes,
    }


MAP = "prompt=caption,image=picture,created_at=made,replica=host,total_ms=ms"


@pytest.fixture
def run(database_url: str, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """`safelight import` of a file in the test's folder, for a generator whose version 2 is registered."""
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SAFELIGHT_DATABASE__URL", database_url)
    with database.transaction() as session:
        versions.add_generator(session, "portraits", "", NOON)
        for number in (1, 2):
            known = KnownVersion("portraits", number, f"sha256:b{number}", MANIFEST, "", NOON, "anna")
            versions.put_version(session, known)

    def command(name: str, *arguments: str, mapping: str = MAP) -> Result:
        source = str(tmp_path / name)
        return CliRunner().invoke(app, ["import", source, "--generator", "portraits", "--map", mapping, *arguments])

    return command


def _stored(database: Database) -> list[StoredGeneration]:
    with database.reading() as session:
        return generations.page(session, Filters(generator="portraits"), limit=1000)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    parquet.write_table(pa.Table.from_pylist(rows), path)


def test_rows_become_generations_as_if_they_had_been_made_here(run: Import, database: Database, tmp_path: Path) -> None:
    _write(tmp_path / "log.parquet", [_row(i) for i in range(150)])
    done = run("log.parquet")
    assert done.exit_code == 0, done.output
    assert "150 generations added, 0 there already, 0 rows left out" in done.output
    stored = _stored(database)
    assert len(stored) == 150
    newest = stored[0]
    assert (newest.source, newest.version, newest.bundle_digest) == ("import", 2, "sha256:b2")
    assert (newest.prompt, newest.replica, newest.total_ms) == ("a red cat, the 149th", "gpu-1", 120.5)
    assert newest.created_at == NOON + timedelta(seconds=149)
    assert newest.parameters == {"width": 64, "height": 32, "steps": 8}
    assert newest.image_key is not None
    assert LocalImages(tmp_path / "data" / "images").read(newest.image_key) == _png(149)
    with database.reading() as session:
        assert len(scores.waiting(session, 1000)) == 150
        counted = traffic.between(session, "portraits", NOON, NOON + timedelta(hours=1))
    assert sum(bucket.served for bucket in counted) == 150


def test_again_adds_nothing_and_more_adds_the_rest(run: Import, database: Database, tmp_path: Path) -> None:
    _write(tmp_path / "log.parquet", [_row(i) for i in range(10)])
    run("log.parquet")
    assert "0 generations added, 10 there already" in run("log.parquet").output
    _write(tmp_path / "longer.parquet", [_row(i) for i in reversed(range(12))])
    assert "2 generations added, 10 there already" in run("longer.parquet").output
    assert len(_stored(database)) == 12


def test_bad_rows_are_told_and_the_others_go_on(run: Import, database: Database, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "good.png").write_bytes(_png(1))
    (tmp_path / "in" / "torn.png").write_bytes(_png(1)[:40])
    lines = [
        {"caption": "a", "picture": "in/good.png", "made": NOON.isoformat()},
        {"caption": "b", "picture": "in/none.png", "made": NOON.isoformat()},
        {"caption": "c", "picture": "in/torn.png", "made": NOON.isoformat()},
        {"caption": "d", "picture": "in/good.png", "made": "soon"},
        {"caption": "e", "picture": "in/good.png", "made": NOON.isoformat(), "version": 7},
        {"caption": "f", "picture": "in/good.png", "made": NOON.isoformat(), "version": 1},
        {"caption": "g", "made": NOON.isoformat(), "outcome": "failed"},
        {"caption": "h", "made": NOON.isoformat()},
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\nnot json\n")
    done = run("log.jsonl", mapping="prompt=caption,image=picture,created_at=made")
    assert done.exit_code == 0, done.output
    assert "3 generations added, 0 there already, 6 rows left out" in done.output
    told = [line for line in done.output.splitlines() if line.startswith("line ")]
    assert [line.partition(":")[0] for line in told] == [f"line {i}" for i in (4, 9, 2, 3, 5, 8)]
    assert [line.rpartition("[")[2] for line in sorted(told)] == [
        "image_missing]",
        "image_unreadable]",
        "row_invalid]",
        "version_not_found]",
        "image_missing]",
        "row_unreadable]",
    ]
    assert {(each.prompt, each.version) for each in _stored(database)} == {("a", 2), ("f", 1), ("g", 2)}


def test_strictly_the_first_bad_row_ends_it(run: Import, tmp_path: Path) -> None:
    _write(tmp_path / "log.parquet", [_row(0), _row(1, caption=None), _row(2)])
    done = run("log.parquet", "--strict")
    assert isinstance(done.exception, SafelightError)
    assert done.exception.message.startswith("Line 2: prompt")


def test_a_table_without_times_is_refused_unless_they_may_be_made_up(
    run: Import, database: Database, tmp_path: Path
) -> None:
    _write(tmp_path / "log.parquet", [_row(i) for i in range(4)])
    no_times = "prompt=caption,image=picture"
    refused = run("log.parquet", mapping=no_times).exception
    assert isinstance(refused, SafelightError)
    assert refused.code == "times_missing"
    done = run(
        "log.parquet", "--spread-from", "2026-11-20T12:00:00", "--spread-to", "2026-11-20T16:00:00", mapping=no_times
    )
    assert "4 generations added" in done.output
    assert [each.created_at for each in _stored(database)] == [NOON + timedelta(hours=i) for i in (3, 2, 1, 0)]


def test_an_import_that_was_cut_off_is_finished_by_the_next(
    run: Import, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "log.parquet", [_row(i) for i in range(100)])
    write, left = LocalImages.write_all, [130]  # images and thumbnails, until the disk is gone

    def fail(self: LocalImages, objects: Mapping[str, bytes]) -> None:
        left[0] -= len(objects)
        if left[0] < 0:
            raise OSError("no space left on device")
        write(self, objects)

    monkeypatch.setattr(LocalImages, "write_all", fail)
    assert isinstance(run("log.parquet").exception, OSError)
    assert len(_stored(database)) == 64
    monkeypatch.setattr(LocalImages, "write_all", write)
    run("log.parquet")
    assert len(_stored(database)) == 100


def test_a_generator_that_is_not_registered_is_refused(run: Import, tmp_path: Path) -> None:
    _write(tmp_path / "log.parquet", [_row(0)])
    refused = run("log.parquet", "--generator", "nobody").exception
    assert isinstance(refused, SafelightError)
    assert refused.code == "generator_not_found"


def _embedded(i: int, **changes: Any) -> dict[str, Any]:
    """A row that brings embeddings along, none of them of length one: what counts is where they point."""
    return _row(i, seen=[2.0, 0.0, 0.0, 1.5], asked=[4.0, 0.0, 0.0, 0.0], **changes)


EMBEDDED = f"{MAP},image_embedding=seen,prompt_embedding=asked"


class Nobody:
    """An embedder that must not be asked."""

    digest = "sha256:e"

    def embed_images(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        assert not images, "these were embedded at the source"
        return np.zeros((0, 4), np.float32)

    def embed_prompts(self, prompts: Sequence[str]) -> tuple[NDArray[np.float32], list[bool]]:
        assert not prompts
        return np.zeros((0, 4), np.float32), []

    def prompt_features(self, prompts: Sequence[str]) -> None:
        return None


EYES = FakeEmbedder()


def _known(database: Database, digest: str = "sha256:e", dimensions: int = 4) -> None:
    with database.transaction() as session:
        embedders.note(session, KnownEmbedder(digest, dimensions), NOON)


def test_embeddings_of_the_source_become_scores_and_nothing_is_embedded_anew(
    run: Import, database: Database, tmp_path: Path
) -> None:
    _known(database)
    _write(tmp_path / "log.parquet", [_embedded(i) for i in range(10)])
    done = run("log.parquet", "--embedder-digest", "sha256:e", mapping=EMBEDDED)
    assert "10 generations added" in done.output, done.output
    clock = ManualClock(NOON + timedelta(hours=1))
    examiner = Examiner(LocalImages(tmp_path / "data" / "images"), Nobody(), clock)
    folder = Folder(LensCache(), "sha256:e", Slicing((), 1), clock, 60)
    assert Scorer(database, examiner, folder, batch=64).run_once() == 10
    newest = _stored(database)[0]
    assert newest.score is not None
    assert newest.score.alignment == pytest.approx(0.8, abs=1e-3)
    assert (newest.score.embedder_digest, newest.score.blank) == ("sha256:e", True), (
        "a flat picture, and its pixels say so"
    )
    assert newest.image_key is not None, "the image is kept all the same"


@pytest.mark.parametrize(
    ("in_use", "mapping", "code"),
    [
        ("sha256:f", EMBEDDED, "embedder_differs"),
        ("", EMBEDDED, "embedder_unknown"),
        ("sha256:e", MAP, "embeddings_missing"),
    ],
)
def test_embeddings_of_another_embedder_are_refused_before_anything_is_imported(
    run: Import, database: Database, tmp_path: Path, in_use: str, mapping: str, code: str
) -> None:
    if in_use:
        _known(database, in_use)
    _write(tmp_path / "log.parquet", [_embedded(i) for i in range(3)])
    done = run("log.parquet", "--embedder-digest", "sha256:e", mapping=mapping)
    assert isinstance(done.exception, SafelightError)
    assert done.exception.code == code
    assert _stored(database) == []


def test_a_row_with_other_dimensions_is_left_out_and_one_without_is_left_to_the_worker(
    run: Import, database: Database, tmp_path: Path
) -> None:
    _known(database)
    _write(tmp_path / "log.parquet", [_embedded(0), _embedded(1) | {"seen": [1.0, 0.0]}, _embedded(2) | {"seen": None}])
    done = run("log.parquet", "--embedder-digest", "sha256:e", mapping=EMBEDDED)
    assert "2 generations added, 0 there already, 1 rows left out" in done.output
    assert "1 x embedding_invalid" in done.output
    with database.reading() as session:
        waiting = scores.waiting(session, 10)
    assert sorted(each.told is None for each in waiting) == [False, True]


def test_embeddings_that_nobody_answers_for_are_not_taken(run: Import, database: Database, tmp_path: Path) -> None:
    _known(database)
    _write(tmp_path / "log.parquet", [_embedded(0)])
    assert "nobody says what made them" in run("log.parquet", mapping=EMBEDDED).output
    with database.reading() as session:
        assert [each.told for each in scores.waiting(session, 10)] == [None]


def test_what_was_seen_of_an_image_may_stand_in_its_place(run: Import, database: Database, tmp_path: Path) -> None:
    _known(database, EYES.digest, 16)
    rng = np.random.default_rng(1)
    told = [see(EYES, f"a red cat, the {i}th", EYES.paint(f"a red cat, the {i}th", rng)) for i in range(3)]
    foreign = {**told[2], "embedder_digest": "sha256:other"}
    broken = {name: value for name, value in told[2].items() if name != "sharpness"}
    rows = [_row(i, picture=None, seen=each) for i, each in enumerate([told[0], json.dumps(told[1]), foreign, broken])]
    lines = [json.dumps({**row, "made": row["made"].isoformat()}) for row in rows]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    done = run("log.jsonl", mapping=f"{MAP},seen=seen")
    assert "2 generations added, 0 there already, 2 rows left out" in done.output, done.output
    assert "1 x embedder_differs" in done.output
    assert "sharpness: Field required" in done.output
    assert "0 generations added, 2 there already" in run("log.jsonl", mapping=f"{MAP},seen=seen").output
    stored = _stored(database)
    assert [each.image_key for each in stored] == [None, None]
    with database.reading() as session:
        waiting = {each.generation_id: each.told for each in scores.waiting(session, 10)}
    assert [waiting[each.id] for each in stored] == [told[1], told[0]]
