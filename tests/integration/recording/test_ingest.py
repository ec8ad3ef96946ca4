"""POST /api/v1/ingest, from the request to the database."""

import gzip
import io
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image

from safelight.ids import first_id_at
from safelight.recording.images import LocalImages
from safelight.recording.recorder import Recorder
from safelight.recording.shipper import Shipper
from safelight.store import traffic
from safelight.store.database import Database
from tests.integration.recording.conftest import KEY, MANIFEST, NOON, sent, shipped

pytestmark = pytest.mark.anyio


async def _bulk(client: httpx.AsyncClient, *lines: bytes | dict[str, Any]) -> httpx.Response:
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    return await client.post("/api/v1/ingest", content=body, headers={"content-type": "application/x-ndjson"})


async def test_a_generation_made_elsewhere_is_recorded_like_our_own(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, images: LocalImages, png: bytes
) -> None:
    answer = await client.post("/api/v1/ingest", json=sent(png, seed=7, total_ms=800.0, end_user="u7"))
    assert answer.status_code == 202
    (stored,) = shipped(shipper, database)
    assert answer.json() == {"id": str(stored.id)}
    assert (stored.source, stored.bundle_digest, stored.api_key_id) == ("ingest", MANIFEST.digest, KEY)
    assert stored.parameters == {"width": 256, "height": 256}
    assert stored.end_user == "u7"
    assert stored.image_key is not None
    assert images.read(stored.image_key) == png
    with database.reading() as session:
        (bucket,) = traffic.between(session, "studio", NOON - timedelta(days=1), NOON + timedelta(days=1))
    assert (bucket.version, bucket.served, sum(bucket.latency_counts)) == (3, 1, 1)


async def test_the_same_id_twice_is_taken_once(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, png: bytes
) -> None:
    body = sent(png, id=str(first_id_at(NOON)))
    first = await client.post("/api/v1/ingest", json=body)
    assert len(shipped(shipper, database)) == 1
    second = await client.post("/api/v1/ingest", json=body)
    third = await client.post("/api/v1/ingest", json=body)
    assert first.json() == second.json() == third.json() == {"id": body["id"]}
    assert len(shipped(shipper, database)) == 1


async def test_a_jpeg_is_kept_as_png(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, images: LocalImages
) -> None:
    out = io.BytesIO()
    Image.linear_gradient("L").save(out, "JPEG")
    await client.post("/api/v1/ingest", json=sent(out.getvalue()))
    (stored,) = shipped(shipper, database)
    assert stored.image_key is not None
    assert Image.open(io.BytesIO(images.read(stored.image_key))).format == "PNG"


async def test_each_line_stands_for_itself(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, png: bytes
) -> None:
    answer = await _bulk(
        client,
        sent(png, prompt="one"),
        b"{broken",
        sent(png, version=9),
        sent(b"not an image"),
        sent(png, outcome="failed", image=None, prompt="two", error_code="out_of_memory"),
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
    stored = shipped(shipper, database)
    assert {each.prompt for each in stored} == {"one", "two"}
    assert {str(each.id) for each in stored} == {line["id"] for line in told["lines"] if "id" in line}


async def test_too_many_lines_are_refused_as_a_whole(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, png: bytes
) -> None:
    answer = await _bulk(client, sent(png), *[b"{}"] * 1000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_lines")
    assert shipped(shipper, database) == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"version": 9}, 404, "version_not_found"),
        ({"generator": "unknown"}, 404, "version_not_found"),
        ({"image": "aW1hZ2U="}, 422, "image_unreadable"),
        ({"created_at": "2026-11-23T13:00:00Z"}, 422, "time_invalid"),
        ({"prompt": "\0"}, 422, "invalid_submission"),
        ({"end_user": "u" * 201}, 422, "invalid_submission"),
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
    answer = await client.post("/api/v1/ingest", json=sent(png) | changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert shipped(shipper, database) == []


async def test_another_content_type_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/ingest", content=b"{}", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (422, "content_type_unsupported")


async def test_a_full_journal_is_said_so(
    client: httpx.AsyncClient, recorder: Recorder, shipper: Shipper, database: Database
) -> None:
    out = io.BytesIO()
    Image.effect_noise((1024, 1100), 100).save(out, "PNG")
    answer = await client.post("/api/v1/ingest", json=sent(out.getvalue()))
    assert (answer.status_code, answer.json()["code"]) == (503, "journal_full")
    assert recorder.unlogged == 0
    assert shipped(shipper, database) == []


async def test_a_line_that_there_is_no_room_for_does_not_cost_the_others_theirs(
    client: httpx.AsyncClient, recorder: Recorder, png: bytes
) -> None:
    noise = io.BytesIO()
    Image.effect_noise((1024, 1100), 100).save(noise, "PNG")
    reply = await _bulk(client, sent(png), sent(noise.getvalue()), sent(png))
    first, second, third = reply.json()["lines"]
    assert (second["code"], recorder.status().backlog) == ("journal_full", 2)
    assert recorder.find(UUID(first["id"])) is not None
    assert recorder.find(UUID(third["id"])) is not None


async def test_ids_are_those_of_the_lines(client: httpx.AsyncClient, png: bytes) -> None:
    ids = [first_id_at(NOON - timedelta(seconds=n)) for n in range(30)]
    answer = await _bulk(client, *(sent(png, id=str(each)) for each in ids))
    assert [UUID(line["id"]) for line in answer.json()["lines"]] == ids


async def test_many_may_come_compressed(
    client: httpx.AsyncClient, shipper: Shipper, database: Database, png: bytes
) -> None:
    lines = b"\n".join(json.dumps(sent(png, prompt=str(number))).encode() for number in range(3))
    headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
    answer = await client.post("/api/v1/ingest", content=gzip.compress(lines), headers=headers)
    assert answer.json()["accepted"] == 3
    assert {stored.prompt for stored in shipped(shipper, database)} == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("encoding", "body", "status", "code"),
    [
        pytest.param("br", b"{}", 422, "content_encoding_unsupported", id="packed otherwise"),
        pytest.param("gzip", b"{}", 422, "body_unreadable", id="not packed"),
        pytest.param("gzip", gzip.compress(b"{}")[:-4], 422, "body_unreadable", id="cut off"),
        pytest.param("gzip", gzip.compress(b"{}") + b"{}", 422, "body_unreadable", id="more behind it"),
        pytest.param("gzip", gzip.compress(bytes(30 * 1024 * 1024)), 413, "body_too_large", id="large once unpacked"),
    ],
)
async def test_what_cannot_be_unpacked_is_refused(
    client: httpx.AsyncClient, encoding: str, body: bytes, status: int, code: str
) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding}
    answer = await client.post("/api/v1/ingest", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
