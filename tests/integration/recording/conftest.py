"""Generations to record and a way to ship them."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from PIL import Image

from safelight.clock import ManualClock
from safelight.ids import first_id_at, new_id
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.recording.images import LocalImages
from safelight.recording.losses import Losses
from safelight.recording.shipper import Shipper
from safelight.store.database import Database
from safelight.store.journal import JournalFile

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

MakeGeneration: TypeAlias = Callable[..., Generation]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def now() -> datetime:
    return NOON


@pytest.fixture(scope="session")
def png() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def make_generation() -> MakeGeneration:
    """Makes generations one after the other, a second apart."""
    made = 0

    def make(**changes: Any) -> Generation:
        nonlocal made
        made += 1
        at = changes.pop("created_at", NOON + timedelta(seconds=made))
        values: dict[str, Any] = {
            "id": first_id_at(at),
            "created_at": at,
            "generator": "studio",
            "version": 1,
            "bundle_digest": "sha256:b",
            "environment_digest": "sha256:e",
            "environment": {"torch": "2.14.1"},
            "source": Source.ENGINE,
            "arm": Arm.STABLE,
            "outcome": Outcome.SERVED,
            "request_id": new_id(),
            "prompt": "a red fox",
            "seed": 7,
            "parameters": {"steps": 20, "width": 256},
            "envelope": {"batch": 1},
            "engine_ms": 100.0,
            "total_ms": 120.0,
        }
        return Generation(**values | changes)

    return make


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[JournalFile]:
    opened = JournalFile(tmp_path / "journal", max_bytes=64 * 1024 * 1024)
    yield opened
    opened.close()


@pytest.fixture
def images(tmp_path: Path) -> LocalImages:
    return LocalImages(tmp_path / "images")


@pytest.fixture
def losses() -> Losses:
    return Losses(bucket_seconds=60)


@pytest.fixture
def shipper(tmp_path: Path, losses: Losses, images: LocalImages, database: Database) -> Iterator[Shipper]:
    made = Shipper(
        JournalFile(tmp_path / "journal", max_bytes=64 * 1024 * 1024),
        losses,
        images,
        database,
        ManualClock(NOON),
        bucket_seconds=60,
        thumbnail_pixels=64,
    )
    yield made
    made.close()
