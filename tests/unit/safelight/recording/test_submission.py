"""What a service may tell us, and what it may not."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.errors import SafelightError
from safelight.ids import first_id_at, made_at
from safelight.recording.submission import parse

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINIMAL: dict[str, Any] = {"generator": "studio", "version": 1, "prompt": "a red fox", "image": "aW1hZ2U="}


def _document(**changes: Any) -> bytes:
    return json.dumps({key: value for key, value in (MINIMAL | changes).items() if value is not ...}).encode()


def _code(document: bytes) -> tuple[str, str]:
    with pytest.raises(SafelightError) as refusal:
        parse(document)
    return refusal.value.code, refusal.value.message


@pytest.mark.parametrize(
    "document",
    [b"", b"{", b"[]x", b'{"prompt": "\xff"}', b'{"prompt": "\\ud800"}', b"\xef\xbb\xbf{}"],
    ids=["nothing", "half", "rest", "latin-1", "lone surrogate", "byte order mark"],
)
def test_what_is_not_json_in_utf_8_is_refused(document: bytes) -> None:
    assert _code(document)[0] == "invalid_json"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"generator": ...}, "generator"),
        ({"generator": ""}, "generator"),
        ({"version": 0}, "version"),
        ({"version": "1"}, "version"),
        ({"version": 2**31}, "version"),
        ({"prompt": "x" * 20_001}, "prompt"),
        ({"prompt": "a\0b"}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"seed": 2**63}, "seed"),
        ({"total_ms": -1}, "total_ms"),
        ({"created_at": "2026-11-23T12:00:00"}, "created_at"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"id": "not a uuid"}, "id"),
        ({"arm": "left"}, "arm"),
        ({"outcome": "fine"}, "outcome"),
        ({"parameters": {"nested": {"deep": 1}}}, "parameters"),
        ({"parameters": {"style": "\0"}}, "parameters"),
        ({"parameters": {str(n): n for n in range(65)}}, "parameters"),
        ({"replica": "r" * 101}, "replica"),
        ({"adapter": ""}, "adapter"),
        ({"tenant": "\0"}, "tenant"),
        ({"region": 1}, "region"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_field_out_of_bounds_is_named_and_not_quoted(changes: dict[str, Any], field: str) -> None:
    code, message = _code(_document(**changes))
    assert (code, message.startswith(field)) == ("invalid_submission", True)
    assert "yesterday" not in message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(number: str) -> None:
    document = _document(total_ms=0.5).replace(b"0.5", number.encode())
    assert _code(document)[0] in ("invalid_submission", "invalid_json")


def test_a_served_generation_needs_its_image_and_a_failed_one_has_none() -> None:
    assert "needs its image" in _code(_document(image=...))[1]
    assert "has no image" in _code(_document(outcome="failed"))[1]
    assert "leave it out" in _code(_document(outcome="filtered"))[1]
    assert parse(_document(outcome="failed", image=..., error_code="out_of_memory")).image_bytes() is None
    assert parse(_document(outcome="filtered", image=...)).image_bytes() is None


@pytest.mark.parametrize("image", ["not base64!", "aW1hZ2U", "data:image/png;base64,aW1hZ2U=", "é"])
def test_an_image_that_is_not_base64_is_unreadable(image: str) -> None:
    with pytest.raises(SafelightError) as refusal:
        parse(_document(image=image)).image_bytes()
    assert refusal.value.code == "image_unreadable"


@given(st.binary())
def test_the_images_bytes_are_what_was_encoded(data: bytes) -> None:
    assert parse(_document(image=base64.b64encode(data).decode())).image_bytes() == data


def test_what_is_said_is_what_is_recorded() -> None:
    key, request_id = uuid4(), uuid4()
    submission = parse(
        _document(request_id=str(request_id), parameters={"steps": 20, "width": 1}, seed=7, total_ms=12.5, arm="canary")
    )
    made = submission.generation(NOON, "sha256:b", key, (640, 480))
    assert (made.bundle_digest, made.api_key_id, made.request_id) == ("sha256:b", key, request_id)
    assert (made.source.value, made.arm.value, made.seed, made.total_ms) == ("ingest", "canary", 7, 12.5)
    assert made.parameters == {"steps": 20, "width": 1, "height": 480}, "what was said comes before what was measured"
    assert made.created_at == NOON
    assert made_at(made.id) == NOON


def test_where_and_for_whom_it_was_made_is_recorded() -> None:
    said = {"replica": "r7", "adapter": "ink", "tenant": "acme", "region": "north"}
    made = parse(_document(**said)).generation(NOON, "sha256:b", None, None)
    assert {name: getattr(made, name) for name in said} == said


@pytest.mark.parametrize(
    ("changes", "created_at"),
    [
        ({}, NOON),
        ({"created_at": "2026-11-20T08:00:00+02:00"}, datetime(2026, 11, 20, 6, tzinfo=UTC)),
        ({"id": str(first_id_at(NOON - timedelta(days=3)))}, NOON - timedelta(days=3)),
        (
            {"id": str(first_id_at(NOON - timedelta(minutes=5))), "created_at": "2026-11-23T12:00:30Z"},
            NOON + timedelta(seconds=30),
        ),
    ],
)
def test_id_and_time_agree(changes: dict[str, str], created_at: datetime) -> None:
    made = parse(_document(**changes)).generation(NOON, "b", None, None)
    assert made.created_at == created_at
    assert abs(made_at(made.id) - created_at) < timedelta(hours=1)
    assert "id" not in changes or made.id == UUID(changes["id"])


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": "2026-11-23T12:01:01Z"},
        {"created_at": "9999-12-31T23:59:59Z"},
        {"id": str(first_id_at(NOON + timedelta(minutes=2)))},
        {"id": "ffffffff-ffff-7fff-bfff-ffffffffffff"},
        {"id": "0b8c4ef1-4f3c-4c53-9b4e-3a2bfe1d2a11"},
        {"id": "00000000-0000-0000-0000-000000000000"},
        {"id": str(first_id_at(NOON - timedelta(hours=2))), "created_at": "2026-11-23T12:00:00Z"},
    ],
)
def test_a_time_that_cannot_be_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(SafelightError) as refusal:
        parse(_document(**changes)).generation(NOON, "b", None, None)
    assert refusal.value.code == "time_invalid"


def test_ids_made_for_one_moment_differ() -> None:
    submission = parse(_document())
    assert len({submission.generation(NOON, "b", None, None).id for _ in range(100)}) == 100
