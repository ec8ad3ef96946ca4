"""Generations to record, a way in for those made elsewhere, and a way to ship them."""

import base64
import io
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import httpx
import pytest
from fastapi import FastAPI
from PIL import Image

from registry.manifest import Golden, Manifest
from registry.parameters import Defaults, Limits
from safelight.access import Principal, Role
from safelight.api import problems
from safelight.api.auth import authenticate
from safelight.api.routes import ingest
from safelight.clock import ManualClock
from safelight.ids import first_id_at, new_id
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.recording.images import LocalImages
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorder
from safelight.recording.shipper import Shipper
from safelight.settings import OnFull, Settings
from safelight.store import generations, versions
from safelight.store.database import Database
from safelight.store.generations import Filters, StoredGeneration
from safelight.store.journal import JournalFile
from safelight.store.versions import KnownVersion

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

KEY = new_id()
MANIFEST = Manifest(
    checkpoint="sha256:" + "3" * 64,
    dtype="float32",
    defaults=Defaults(steps=8, guidance=3.0, width=64, height=64),
    limits=Limits(min_side=64, max_side=64, max_steps=50, max_guidance=10.0, max_prompt_length=500),
    golden=(Golden(prompt="a red ball", seed=1),),
)

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


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    journal = Journal(JournalFile(tmp_path / "journal", max_bytes=1024 * 1024))
    # The gateway may serve unlogged; what is sent in is refused all the same.
    yield Recorder(journal, Losses(60), ManualClock(NOON), OnFull.SERVE)
    journal.close()


@pytest.fixture
async def client(database: Database, recorder: Recorder, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    with database.transaction() as session:
        versions.add_generator(session, "studio", "", NOON)
        versions.put_version(session, KnownVersion("studio", 3, MANIFEST.digest, MANIFEST, "", NOON, "test"))
    app = FastAPI()
    app.include_router(ingest.router)
    problems.install(app)
    app.state.platform = SimpleNamespace(
        recorder=recorder, database=database, clock=ManualClock(NOON), settings=Settings(data_dir=tmp_path)
    )
    app.dependency_overrides[authenticate] = lambda: Principal("product", Role.CLIENT, KEY)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://safelight") as opened:
        yield opened


def sent(png: bytes, **changes: Any) -> dict[str, Any]:
    image = base64.b64encode(png).decode()
    return {"generator": "studio", "version": 3, "prompt": "a red fox", "image": image} | changes


def shipped(shipper: Shipper, database: Database) -> list[StoredGeneration]:
    while shipper.run_once():
        pass
    with database.reading() as session:
        return generations.page(session, Filters(), limit=1000)
