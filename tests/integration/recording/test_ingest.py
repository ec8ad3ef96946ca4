"""POST /api/v1/ingest, from the request to the database."""

import base64
import io
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

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
from safelight.recording.images import LocalImages
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorder
from safelight.recording.shipper import Shipper
from safelight.settings import OnFull
from safelight.store import generations, traffic, versions
from safelight.store.database import Database
from safelight.store.generations import Filters, StoredGeneration
from safelight.store.journal import JournalFile
from safelight.store.versions import KnownVersion

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = new_id()
MANIFEST = Manifest(
    checkpoint="sha256:" + "3" * 64,
    dtype="float32",
    defaults=Defaults(steps=8, guidance=3.0, width=64, height=64),
    limits=Limits(min_side=64, max_side=64, max_steps=50, max_guidance=10.0, max_prompt_length=500),
    golden=(Golden(prompt="a red ball", seed=1),),
)


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    journal = Journal(JournalFile(tmp_path / "journal", max_bytes=1024 * 1024))
    # The gateway may serve unlogged; what is sent in is refused all the same.
    yield Recorder(journal, Losses(60), ManualClock(NOON), OnFull.SERVE)
    journal.close()


@pytest.fixture
async def client(database: Database, recorder: Recorder) -> AsyncIterator[httpx.AsyncClient]:
    with database.transaction() as session:
        versions.add_generator(session, "studio", "", NOON)
        versions.put_version(session, KnownVersion("studio", 3, MANIFEST.digest, MANIFEST, "", NOON, "test"))
    app = FastAPI()
    app.include_router(ingest.router)
    problems.install(app)
    app.state.platform = SimpleNamespace(recorder=recorder, database=database, clock=ManualClock(NOON))
    app.dependency_overrides[authenticate] = lambda: Principal("product", Role.CLIENT, KEY)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://safelight") as opened:
        yield opened


def _body(png: bytes, **changes: Any) -> dict[str, Any]:
    image = base64.b64encode(png).decode()
    return {"generator": "studio", "version": 3, "prompt": "a red fox", "image": image} | changes


def _shipped(shipper: Shipper, database: Database) -> list[StoredGeneration]:
    while shipper.run_once():
        pass
    with database.reading() as session:
        return generations.page(session, Filters(), limit=1000)


async def _bulk(client: httpx.AsyncClient, *lines: bytes | dict[str, Any]) -> httpx.Response:
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return await client.post("/api/v1/ingest", content=body, headers={"content-type": "application/x-ndjson"})


async def test_a_generation_made_elsewhere_is_recorded_like_our_own(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, images: LocalImages, png: bytes
) -> None:
    answer = await client.post("/api/v1/ingest", json=_body(png, seed=7, total_ms=800.0))
    assert answer.status_code == 202
    (stored,) = _shipped(shipper, database)
    assert answer.json() == {"id": str(stored.id)}
    assert (stored.source, stored.bundle_digest, stored.api_key_id) == ("ingest", MANIFEST.digest, KEY)
    assert stored.parameters == {"width": 256, "height": 256}
    assert stored.image_key is not None
    assert images.read(stored.image_key) == png
    with database.reading() as session:
        (bucket,) = traffic.between(session, "studio", NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert (bucket.version, bucket.served, sum(bucket.latency_counts)) == (3, 1, 1)


async def test_the_same_id_twice_is_taken_once(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, png: bytes
) -> None:
    body = _body(png, id=str(first_id_at(NOON)))
    first = await client.post("/api/v1/ingest", json=body)
    assert len(_shipped(shipper, database)) == 1
    second = await client.post("/api/v1/ingest", json=body)
    third = await client.post("/api/v1/ingest", json=body)
    assert first.json() == second.json() == third.json() == {"id": body["id"]}
    assert len(_shipped(shipper, database)) == 1


async def test_a_jpeg_is_kept_as_png(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, images: LocalImages
) -> None:
    out = io.BytesIO()
    Image.linear_gradient("L").save(out, "JPEG")
    await client.post("/api/v1/ingest", json=_body(out.getvalue()))
    (stored,) = _shipped(shipper, database)
    assert stored.image_key is not None
    assert Image.open(io.BytesIO(images.read(stored.image_key))).format == "PNG"


async def test_each_line_stands_for_itself(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, png: bytes
) -> None:
    answer = await _bulk(
        client,
        _body(png, prompt="one"),
        b"{broken",
        _body(png, version=9),
        _body(b"not an image"),
        _body(png, outcome="failed", image=None, prompt="two", error_code="out_of_memory"),
        b"",
        b"",
    )
    assert answer.status_code == 202
    told = answer.json()
    assert (told["accepted"], told["refused"]) == (2, 3)
    assert [line.get("code") for line in told["lines"]] == [
        None,
        "invalid_json",
        "version_not_found",
        "image_unreadable",
        None,
    ]
    stored = _shipped(shipper, database)
    assert {each.prompt for each in stored} == {"one", "two"}
    assert {str(each.id) for each in stored} == {line["id"] for line in told["lines"] if "id" in line}


async def test_too_many_lines_are_refused_as_a_whole(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, png: bytes
) -> None:
    answer = await _bulk(client, _body(png), *[b"{}"] * 1000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_lines")
    assert _shipped(shipper, database) == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"version": 9}, 404, "version_not_found"),
        ({"generator": "unknown"}, 404, "version_not_found"),
        ({"image": "aW1hZ2U="}, 422, "image_unreadable"),
        ({"created_at": "2026-11-23T13:00:00Z"}, 422, "time_invalid"),
        ({"prompt": "\0"}, 422, "invalid_submission"),
    ],
)
async def test_a_refusal_says_why_and_records_nothing(
    client: httpx.AsyncClient,
    shipper: Shipper,
    database: Database,
    png: bytes,
    changes: dict[str, Any],
    status: int,
    code: str,
) -> None:
    answer = await client.post("/api/v1/ingest", json=_body(png) | changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert _shipped(shipper, database) == []


async def test_another_content_type_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/ingest", content=b"{}", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (422, "content_type_unsupported")


async def test_a_full_journal_is_said_so(
    client: httpx.AsyncClient, recorder: Recorder, shipper: Shipper, database: Database
) -> None:
    out = io.BytesIO()
    Image.effect_noise((1024, 1100), 100).save(out, "PNG")
    answer = await client.post("/api/v1/ingest", json=_body(out.getvalue()))
    assert (answer.status_code, answer.json()["code"]) == (503, "journal_full")
    assert recorder.unlogged == 0
    assert _shipped(shipper, database) == []


async def test_ids_are_those_of_the_lines(client: httpx.AsyncClient, png: bytes) -> None:
    ids = [first_id_at(NOON - timedelta(seconds=n)) for n in range(30)]
    answer = await _bulk(client, *(_body(png, id=str(each)) for each in ids))
    assert [UUID(line["id"]) for line in answer.json()["lines"]] == ids
