"""The demonstration's own baselines after an upgrade: what cannot be used any more is made again, once."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update

from registry.manifest import parse_manifest
from registry.parameters import Defaults
from safelight.clock import ManualClock
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.stream import record
from safelight.store import baselines, versions
from safelight.store.database import Database
from safelight.store.tables import Baseline
from safelight.store.versions import KnownVersion
from safelight.studio.demo import GENERATOR, provide_baselines
from safelight.watching import recorded
from safelight.watching.recorded import RecordedSample

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MANIFEST = parse_manifest(
    {
        "checkpoint": "sha256:" + "0" * 64,
        "dtype": "float32",
        "defaults": {"steps": 8, "guidance": 3, "width": 64, "height": 64},
        "limits": {
            "min_side": 32,
            "max_side": 64,
            "max_steps": 50,
            "max_guidance": 20,
            "max_prompt_length": 500,
            "max_n": 4,
        },
        "golden": [{"prompt": "a red apple", "seed": 1}],
    }
)


@pytest.fixture(scope="module")
def stream() -> RecordedSample:
    embedder, rng = FakeEmbedder(), np.random.default_rng(1)
    prompts = [" ".join(rng.choice(["red", "blue", "cat", "dog", "car", "snow"], 4)) for _ in range(1000)]
    images = [embedder.paint(prompt, rng) for prompt in prompts]
    defaults = Defaults(steps=8, guidance=3.0, width=64, height=64)
    return record(embedder, MANIFEST.digest, prompts, [{}] * len(prompts), images, defaults)


@pytest.fixture
def shipped(database: Database, tmp_path: Path, stream: RecordedSample) -> Path:
    """A folder with the recorded sample of version 1, and a database in which that version is registered."""
    recorded.write(tmp_path / "version-1.safetensors", stream)
    with database.transaction() as session:
        versions.add_generator(session, GENERATOR, "", NOON)
        versions.put_version(session, KnownVersion(GENERATOR, 1, MANIFEST.digest, MANIFEST, "", NOON, "demo"))
    return tmp_path


def names(database: Database) -> list[str]:
    with database.reading() as session:
        return sorted(each.name for each in baselines.of_generator(session, GENERATOR))


def set_all(database: Database, **values: Any) -> None:
    with database.transaction() as session:
        session.execute(update(Baseline).values(values))


def test_a_baseline_is_adopted_once(database: Database, shipped: Path) -> None:
    for _ in range(2):
        provide_baselines(database, ManualClock(NOON), shipped)
        assert names(database) == ["version-1"]


def test_one_that_cannot_be_read_any_more_is_made_again(database: Database, shipped: Path) -> None:
    provide_baselines(database, ManualClock(NOON), shipped)
    set_all(database, lens=b"of another release", lens_digest="old")
    for _ in range(2):
        provide_baselines(database, ManualClock(NOON), shipped)
        assert names(database) == ["version-1", "version-1 (2)"]


def test_one_that_another_embedder_saw_is_made_again(database: Database, shipped: Path, stream: RecordedSample) -> None:
    provide_baselines(database, ManualClock(NOON), shipped)
    recorded.write(shipped / "version-1.safetensors", replace(stream, embedder_digest="sha256:another"))
    for _ in range(2):
        provide_baselines(database, ManualClock(NOON), shipped)
        assert names(database) == ["version-1", "version-1 (2)"]
