"""POST /api/v1/ingest, from the request to the database."""

import base64
import gzip
import io
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import numpy as np
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
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.seen import looks_with, see
from safelight.settings import OnFull, Settings
from safelight.store import embedders, fetches, generations, scores, traffic, versions
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


async def test_many_may_come_compressed(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, png: bytes
) -> None:
    lines = b"\n".join(json.dumps(_body(png, prompt=str(number))).encode() for number in range(3))
    headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
    answer = await client.post("/api/v1/ingest", content=gzip.compress(lines), headers=headers)
    assert answer.json()["accepted"] == 3
    assert {stored.prompt for stored in _shipped(shipper, database)} == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("encoding", "body", "status", "code"),
    [
        ("br", b"{}", 422, "content_encoding_unsupported"),
        ("gzip", b"{}", 422, "body_unreadable"),
        ("gzip", gzip.compress(b"{}")[:-4], 422, "body_unreadable"),
        ("gzip", gzip.compress(b"{}") + b"{}", 422, "body_unreadable"),
        ("gzip", gzip.compress(bytes(30 * 1024 * 1024)), 413, "body_too_large"),
    ],
)
async def test_what_cannot_be_unpacked_is_refused(
    client: httpx.AsyncClient, encoding: str, body: bytes, status: int, code: str
) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    answer = await client.post("/api/v1/ingest", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


EMBEDDER = FakeEmbedder()


def _seen_body(**changes: Any) -> dict[str, Any]:
    pixels = EMBEDDER.paint("a red fox", np.random.default_rng(0))
    body = _body(b"", seen=see(EMBEDDER, "a red fox", pixels) | changes)
    del body["image"]
    return body


def _worker_looks_with(database: Database, embedder: FakeEmbedder) -> None:
    with database.transaction() as session:
        embedders.note(session, looks_with(embedder), NOON)


async def test_what_was_seen_at_the_source_is_taken_in_place_of_an_image(
    client: httpx.AsyncClient, shipper: Shipper, database: Database
) -> None:
    assert (await client.get("/api/v1/ingest/embedder")).status_code == 404
    _worker_looks_with(database, EMBEDDER)
    told = (await client.get("/api/v1/ingest/embedder")).json()
    assert told == {"digest": EMBEDDER.digest, "dimensions": 16}
    body = _seen_body()
    assert (await client.post("/api/v1/ingest", json=body)).status_code == 202
    (stored,) = _shipped(shipper, database)
    assert stored.image_key is None
    with database.reading() as session:
        (waiting,) = scores.waiting(session, 10)
    assert waiting.told == body["seen"]


async def test_embeddings_of_another_space_are_refused(
    client: httpx.AsyncClient, shipper: Shipper, database: Database
) -> None:
    early = await client.post("/api/v1/ingest", json=_seen_body())
    assert (early.status_code, early.json()["code"]) == (503, "embedder_unknown")
    _worker_looks_with(database, FakeEmbedder(seed=5))
    answer = await client.post("/api/v1/ingest", json=_seen_body())
    assert (answer.status_code, answer.json()["code"]) == (409, "embedder_differs")
    assert EMBEDDER.digest in answer.json()["detail"]
    assert _shipped(shipper, database) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"image_embedding": "%"},
        {"image_embedding": ""},
        {"prompt_embedding": base64.b64encode(np.ones(8, "<f2").tobytes()).decode()},
        {"prompt_embedding": base64.b64encode(np.ones(16, "<f2").tobytes()).decode()},
        {"prompt_embedding": base64.b64encode(np.full(16, np.nan, "<f2").tobytes()).decode()},
    ],
)
async def test_what_is_no_embedding_is_refused(
    client: httpx.AsyncClient, database: Database, wrong: dict[str, Any]
) -> None:
    _worker_looks_with(database, EMBEDDER)
    answer = await client.post("/api/v1/ingest", json=_seen_body(**wrong))
    assert (answer.status_code, answer.json()["code"]) == (422, "embedding_invalid")


@pytest.mark.parametrize(
    "wrong", [{"sharpness": -1.0}, {"contrast": "high"}, {"perceptual_hash": "12"}, {"extra": 1}, {"blank": None}]
)
async def test_signals_that_cannot_be_are_refused(
    client: httpx.AsyncClient, database: Database, wrong: dict[str, Any]
) -> None:
    _worker_looks_with(database, EMBEDDER)
    answer = await client.post("/api/v1/ingest", json=_seen_body(**wrong))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_submission")


async def test_an_image_elsewhere_is_recorded_and_ordered(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, png: bytes
) -> None:
    body = _body(png, image_uri="https://images.example.com/1.png")
    assert (await client.post("/api/v1/ingest", json=body)).json()["code"] == "invalid_submission"  # and an image
    del body["image"]
    assert (await client.post("/api/v1/ingest", json=body)).status_code == 202
    (stored,) = _shipped(shipper, database)
    assert stored.envelope == {"image_uri": "https://images.example.com/1.png"}
    with database.reading() as session:
        assert [each.uri for each in fetches.due(session, NOON, 10)] == [body["image_uri"]]


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/1.png",
        "file:///etc/passwd",
        "http://images.example.com/1.png",
        "https://10.0.0.1/1.png",
        "https://localhost/1.png",
        "https://[::1]/1.png",
        "https://user:secret@images.example.com/1.png",
        "https://",
        "gopher://x",
        "1.png",
    ],
)
async def test_an_address_that_is_not_ours_to_call_is_refused(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, png: bytes, uri: str
) -> None:
    body = _body(png, image_uri=uri)
    del body["image"]
    answer = await client.post("/api/v1/ingest", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "image_uri_refused")
    assert _shipped(shipper, database) == []
