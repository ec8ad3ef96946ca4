"""Bad input, one by one: a problem document with a stable code, a sentence that says what to do, and no change."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from registry.fakes import write_checkpoint
from safelight.access import Role
from safelight.store.base import Base
from safelight.store.database import Database

from .conftest import MANIFEST, Installation  # noqa: TID252

ROLLBACK = "/api/v1/releases/rollback"
GENERATE = "/api/v1/generations"
"""A request that is fine but for what a test changes."""


@pytest.fixture
def operator(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.OPERATOR) as client:
        yield client


@pytest.fixture
def admin(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.ADMIN) as client:
        yield client


@pytest.fixture
def unchanged(api: Installation) -> Iterator[None]:
    """Whatever a test does, every table holds as many rows afterwards as before."""
    before = _rows(api.database)
    yield
    api.ship()
    assert _rows(api.database) == before


def refused(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    problem: dict[str, Any] = response.json()
    assert (response.status_code, problem["code"]) == (status, code), problem
    assert problem["type"] == f"urn:safelight:problem:{code}"
    assert problem["title"]
    assert len(problem["detail"]) > 20
    return problem


@pytest.mark.parametrize(
    ("changed", "code", "named"),
    [
        ({"prompt": "x" * 10_000}, "parameter_invalid", "500"),
        ({"prompt": ""}, "parameter_invalid", "prompt"),
        ({"prompt": "nul \x00"}, "parameter_invalid", "NUL"),
        ({"width": 0}, "parameter_invalid", "width"),
        ({"height": -64}, "parameter_invalid", "height"),
        ({"width": 63}, "parameter_invalid", "multiple"),
        ({"steps": 0}, "parameter_invalid", "steps"),
        ({"steps": 10_000}, "parameter_invalid", "50"),
        ({"n": 5}, "parameter_invalid", "n must be"),
        ({"seed": -1}, "parameter_invalid", "seed"),
        ({"steps": "many"}, "invalid_request", "steps"),
        ({"colour": "red"}, "invalid_request", "colour"),
    ],
)
def test_a_parameter_outside_the_versions_limits(
    operator: httpx.Client, unchanged: None, changed: dict[str, Any], code: str, named: str
) -> None:
    problem = refused(operator.post(GENERATE, json={"generator": "sprites", "prompt": "a cat", **changed}), 422, code)
    assert named in problem["detail"]


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_guidance_that_is_no_number(operator: httpx.Client, unchanged: None, literal: str) -> None:
    body = f'{{"generator": "sprites", "prompt": "a cat", "guidance": {literal}}}'
    response = operator.post(GENERATE, content=body, headers={"Content-Type": "application/json"})
    assert response.json()["code"] in {"invalid_request", "parameter_invalid"}
    refused(response, 422, response.json()["code"])


@pytest.mark.parametrize("body", [b'{"generator": "sprites", "prompt": "\xff\xfe"}', b"{", b"", b"[]", b"null"])
def test_a_body_that_is_no_document(operator: httpx.Client, unchanged: None, body: bytes) -> None:
    response = operator.post(GENERATE, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in {400, 422}
    refused(response, response.status_code, response.json()["code"])


def test_a_body_of_50_megabytes(operator: httpx.Client, unchanged: None) -> None:
    refused(operator.post(GENERATE, content=b"x" * 50_000_000), 413, "body_too_large")


def test_a_body_that_does_not_say_how_large_it_is(operator: httpx.Client, unchanged: None) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(50):
            yield b" " * 1_000_000

    refused(operator.post(GENERATE, content=endless()), 413, "body_too_large")


@pytest.mark.parametrize("path", [GENERATE, ROLLBACK, "/api/v1/releases/promote", "/api/v1/versions", "/api/v1/keys"])
def test_a_request_without_a_key(api: Installation, unchanged: None, path: str) -> None:
    with httpx.Client(base_url=api.url, trust_env=False) as stranger:
        response = stranger.post(path, json={})
    refused(response, 401, "not_authenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_a_key_that_nobody_made(api: Installation, unchanged: None) -> None:
    with httpx.Client(base_url=api.url, trust_env=False, headers={"Authorization": "Bearer sl_guess"}) as stranger:
        problem = refused(stranger.post(ROLLBACK, json={"generator": "sprites"}), 401, "not_authenticated")
    assert "sl_guess" not in json.dumps(problem)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CLIENT])
def test_a_rollback_by_somebody_who_may_not(api: Installation, unchanged: None, role: Role) -> None:
    with api.client(role) as client:
        refused(client.post(ROLLBACK, json={"generator": "sprites"}), 403, "not_allowed")


def test_an_operator_makes_no_keys(operator: httpx.Client, unchanged: None) -> None:
    refused(operator.post("/api/v1/keys", json={"name": "mine", "role": "admin"}), 403, "not_allowed")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/v1/releases/promote", {"version": 99}, 404, "unknown_version"),
        ("/api/v1/releases/promote", {"version": 1}, 409, "already_serving"),
        ("/api/v1/releases/promote", {"version": 2, "expected_serving": 7}, 409, "stale_expected_serving"),
        ("/api/v1/releases/promote", {"version": 0}, 422, "invalid_request"),
        (ROLLBACK, {"expected_serving": 7}, 409, "stale_expected_serving"),
        (ROLLBACK, {}, 409, "nothing_to_roll_back_to"),
        (ROLLBACK, {"version": 99}, 404, "unknown_version"),
        (ROLLBACK, {"version": 2}, 409, "never_served"),
        (ROLLBACK, {"generator": "nobody"}, 404, "generator_not_found"),
        ("/api/v1/releases/accept", {"expected_serving": 7}, 409, "stale_expected_serving"),
    ],
)
def test_a_release_that_makes_no_sense(
    operator: httpx.Client, unchanged: None, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    refused(operator.post(path, json={"generator": "sprites", **body}), status, code)


def _pickle(folder: Path) -> None:
    (folder / "unet" / "extra.bin").write_bytes(b"\x80\x04}.")


def _disguised_pickle(folder: Path) -> None:
    next(folder.rglob("*.safetensors")).write_bytes(b"\x80\x04cos\nsystem\n.")


def _truncated(folder: Path) -> None:
    weights = next(folder.rglob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-5])


@pytest.mark.parametrize("spoil", [_pickle, _disguised_pickle, _truncated])
def test_a_checkpoint_that_is_not_safe(
    admin: httpx.Client, unchanged: None, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    folder = tmp_path / "checkpoint"
    write_checkpoint(folder)
    spoil(folder)
    response = admin.post("/api/v1/versions", json=_registration(folder))
    assert response.json()["code"].startswith("checkpoint_")
    refused(response, 422, response.json()["code"])


def test_a_checkpoint_that_is_not_there(admin: httpx.Client, unchanged: None, tmp_path: Path) -> None:
    refused(admin.post("/api/v1/versions", json=_registration(tmp_path / "none")), 422, "checkpoint_not_found")


def test_a_manifest_that_does_not_hold_together(admin: httpx.Client, unchanged: None, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    write_checkpoint(folder)
    registration = _registration(folder)
    registration["manifest"]["defaults"]["steps"] = 10_000
    refused(admin.post("/api/v1/versions", json=registration), 422, "manifest_invalid")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/versions/sprites/99",
        "/api/v1/generators/nobody",
        "/api/v1/releases/0198d0c4-0000-7000-8000-000000000000",
        "/api/v1/incidents/0198d0c4-0000-7000-8000-000000000000",
        "/api/v1/generations/0198d0c4-0000-7000-8000-000000000000",
        "/api/v1/releases/0198d0c4-0000-7000-8000-000000000000/events",
        "/api/v1/generations/jobs/0198d0c4-0000-7000-8000-000000000000/events",
        "/api/v1/nothing",
    ],
)
def test_something_that_does_not_exist(operator: httpx.Client, unchanged: None, path: str) -> None:
    response = operator.get(path)
    refused(response, 404, response.json()["code"])


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/versions/sprites/{2**31}",
        f"/api/v1/versions/sprites/{2**63}",
        f"/api/v1/ledger?generator=sprites&before={2**63}",
        f"/api/v1/monitors/sprites/blank_rate/verdicts?before={2**63}",
        "/api/v1/generators/spri%00tes",
        "/api/v1/reports/daily?generator=sprites&before=2026-11-23T00:00:00",
        "/api/v1/live?generator=sprites&at=2026-11-23T00:00:00",
        "/api/v1/live?generator=sprites&at=9999-12-31T23:59:59-12:00",
        "/api/v1/reports/daily?generator=sprites&before=0001-01-01T00:00:00%2B14:00",
        "/api/v1/evidence?generator=sprites&since=0001-01-01T00:00:00%2B14:00",
    ],
)
def test_what_no_column_holds(operator: httpx.Client, unchanged: None, path: str) -> None:
    response = operator.get(path)
    assert response.status_code in {404, 422}, response.text
    refused(response, response.status_code, response.json()["code"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (GENERATE, {"generator": "\\ud800", "prompt": "a cat"}),
        ("/api/v1/probes/runs", {"generator": "\\ud800", "version": 1}),
        ("/api/v1/backfills", {"generator": "\\ud800", "from": "2026-11-23T00:00:00Z", "to": "2026-11-23T01:00:00Z"}),
        ("/api/v1/rollback-links/look", {"token": "\\ud800"}),
    ],
)
def test_half_a_character(operator: httpx.Client, unchanged: None, path: str, body: dict[str, str]) -> None:
    """Which JSON can write, and UTF-8 cannot."""
    text = json.dumps(body).replace("\\\\", "\\")
    response = operator.post(path, content=text, headers={"Content-Type": "application/json"})
    assert response.status_code in {403, 404, 422}, response.text
    refused(response, response.status_code, response.json()["code"])


def test_a_time_before_there_were_any_images(operator: httpx.Client) -> None:
    assert operator.get(f"{GENERATE}?from=1969-12-31T00:00:00Z&to=1969-12-31T12:00:00Z").json()["items"] == []


def _registration(folder: Path) -> dict[str, Any]:
    manifest = MANIFEST.model_dump(mode="json", exclude={"checkpoint"})
    return {"generator": "sprites", "folder": str(folder), "manifest": manifest}


def _rows(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
            # Gateways report themselves all the time.
            if name != "gateways"
        }
