"""POST /api/v1/ingest without the image itself: its address, or what was seen of it where it was made."""

import base64
from typing import Any

import httpx
import numpy as np
import pytest

from safelight.recording.shipper import Shipper
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.seen import looks_with, see
from safelight.store import embedders, fetches, scores
from safelight.store.database import Database
from tests.integration.recording.conftest import NOON, sent, shipped

pytestmark = pytest.mark.anyio

EMBEDDER = FakeEmbedder()


def _seen_body(**changes: Any) -> dict[str, Any]:
    pixels = EMBEDDER.paint("a red fox", np.random.default_rng(0))
    body = sent(b"", seen=see(EMBEDDER, "a red fox", pixels) | changes)
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
    (stored,) = shipped(shipper, database)
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
    assert shipped(shipper, database) == []


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
    body = sent(png, image_uri="https://images.example.com/1.png?signature=secret")
    assert (await client.post("/api/v1/ingest", json=body)).json()["code"] == "invalid_submission"  # and an image
    del body["image"]
    assert (await client.post("/api/v1/ingest", json=body)).status_code == 202
    (stored,) = shipped(shipper, database)
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
    body = sent(png, image_uri=uri)
    del body["image"]
    answer = await client.post("/api/v1/ingest", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "image_uri_refused")
    assert shipped(shipper, database) == []
