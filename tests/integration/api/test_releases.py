"""Accept, promote, roll back and follow it, by REST, while requests are answered."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from registry.checkpoint import FileEntry
from safelight.access import Role
from safelight.ids import new_id
from safelight.releasing.follower import Follower
from safelight.releasing.service import Releasing
from safelight.store import checkpoints, engines

from .conftest import CLOCK, MANIFEST, Installation  # noqa: TID252


@pytest.fixture(scope="module")
def operator(api: Installation) -> Iterator[httpx.Client]:
    """Version 1 is accepted and serves; version 2 has come after it, with an engine of its own."""
    with api.client(Role.OPERATOR) as client:
        _post(client, "/api/v1/releases/accept", generator="sprites", expected_serving=1, reason="fine")
        _load(api, 2)
        _post(client, "/api/v1/releases/promote", generator="sprites", version=2, expected_serving=1, reason="better")
        _settle(api)
        yield client


def test_the_promoted_version_answers(operator: httpx.Client) -> None:
    made = _post(operator, "/api/v1/generations", generator="sprites", prompt="a cat")
    assert made["items"][0]["version"] == 2


def test_a_release_tells_its_steps_as_they_happened(operator: httpx.Client) -> None:
    newest = _get(operator, "/api/v1/releases", generator="sprites")["items"][0]
    assert [step["step"] for step in newest["steps"]] == ["requested", "preparing", "verifying", "flipping", "serving"]
    assert (newest["kind"], newest["actor"], newest["reason"]) == ("promote", "operator", "better")


def test_a_rollback_sent_twice_under_one_key_is_one_rollback(api: Installation, operator: httpx.Client) -> None:
    body = {"generator": "sprites", "expected_serving": 2, "reason": "colours are wrong"}
    headers = {"Idempotency-Key": "click-1"}
    first = operator.post("/api/v1/releases/rollback", json=body, headers=headers)
    second = operator.post("/api/v1/releases/rollback", json=body, headers=headers)
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.headers["idempotency-replayed"] == "true"
    assert first.json() == second.json()
    assert first.json()["to_version"] == 1
    other = operator.post("/api/v1/releases/rollback", json={**body, "reason": "else"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    _settle(api)
    rollbacks = [each for each in _get(operator, "/api/v1/releases")["items"] if each["kind"] == "rollback"]
    assert len(rollbacks) == 1


def test_the_very_next_request_goes_to_the_version_rolled_back_to(operator: httpx.Client) -> None:
    made = _post(operator, "/api/v1/generations", generator="sprites", prompt="a cat")
    assert made["items"][0]["version"] == 1


def test_the_stream_of_a_finished_release_ends_with_it(operator: httpx.Client) -> None:
    newest = _get(operator, "/api/v1/releases")["items"][0]
    with operator.stream("GET", f"/api/v1/releases/{newest['id']}/events") as stream:
        events = [json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line.startswith("data: ")]
    assert [event["state"] for event in events] == ["serving"]


def test_the_ledger_holds_and_says_what_was_live(operator: httpx.Client) -> None:
    ledger = _get(operator, "/api/v1/ledger", generator="sprites")
    assert ledger["verified"]
    assert [entry["kind"] for entry in ledger["items"]] == ["rollback", "promote", "accept", "promote"]
    promoted = datetime.fromisoformat(ledger["items"][1]["at"])
    just_before = (promoted - timedelta(milliseconds=1)).isoformat()
    assert _get(operator, "/api/v1/live", generator="sprites", at=promoted.isoformat())["version"] == 2
    assert _get(operator, "/api/v1/live", generator="sprites", at=just_before)["version"] == 1
    assert _get(operator, "/api/v1/live", generator="sprites")["version"] == 1


def test_the_ledger_comes_by_page_and_whole_as_a_file(operator: httpx.Client) -> None:
    page = _get(operator, "/api/v1/ledger", generator="sprites", limit=2)
    assert [entry["seq"] for entry in page["items"]] == [4, 3]
    older = _get(operator, "/api/v1/ledger", generator="sprites", limit=2, before=page["next"])
    assert ([entry["seq"] for entry in older["items"]], older["verified"]) == ([2, 1], True)
    whole = _get(operator, "/api/v1/ledger/export", generator="sprites", format="json")
    assert [entry["hash"] for entry in whole] == [
        entry["hash"] for entry in [*older["items"][::-1], *page["items"][::-1]]
    ]
    lines = operator.get("/api/v1/ledger/export", params={"generator": "sprites"})
    assert lines.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(lines.text)))
    assert [(row["seq"], row["kind"], row["hash"]) for row in rows] == [
        (str(entry["seq"]), entry["kind"], entry["hash"]) for entry in whole
    ]


def test_the_whole_chain_is_verified_when_it_is_asked_for(operator: httpx.Client) -> None:
    found = _get(operator, "/api/v1/ledger/verification", generator="sprites")
    newest = _get(operator, "/api/v1/ledger", generator="sprites", limit=1)["items"][0]
    assert (found["verified"], found["entries"], found["head"]) == (True, 4, newest["hash"])
    assert (found["anchors"], found["anchored_at"]) == (0, None)


def test_two_releases_are_told_apart_by_what_is_known_of_them(api: Installation, operator: httpx.Client) -> None:
    rollback, promote = _get(operator, "/api/v1/releases")["items"]
    with api.database.transaction() as session:
        checkpoints.record(
            session, MANIFEST.checkpoint, [FileEntry("unet/model.safetensors", 1, "ab" * 32)], CLOCK.now()
        )
    found = _get(operator, f"/api/v1/releases/{rollback['id']}/difference")
    assert (found["before"]["release_id"], found["after"]["version"]) == (promote["id"], 1)
    told = {each["matter"]: each for each in found["comparisons"]}
    assert (told["weights"]["changes"], told["weights"]["unknown"]) == ([], None)
    assert told["manifest"]["changes"] == []
    assert "baseline" in told["baseline"]["unknown"]
    same = _get(operator, f"/api/v1/releases/{rollback['id']}/difference", before=rollback["id"])
    assert all(each["changes"] == [] for each in same["comparisons"])
    unknown = operator.get(f"/api/v1/releases/{rollback['id']}/difference", params={"before": str(new_id())})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "release_not_found")


def test_the_first_screen_agrees(operator: httpx.Client) -> None:
    status = _get(operator, "/api/v1/generators/sprites")
    assert status["serving"]["version"] == 1
    assert status["rollback_target"] is None
    versions = {each["number"]: each for each in _get(operator, "/api/v1/versions", generator="sprites")["items"]}
    assert versions[1]["serving"]
    assert versions[1]["accepted"]
    assert versions[2]["rolled_back"]
    assert versions[2]["warm"]


def _load(api: Installation, version: int) -> None:
    """Say that an engine holds the version: the one there is makes noise for either."""
    with api.database.transaction() as session:
        held = engines.engines(session, "sprites")[0]
        described = vars(held) | {"id": new_id(), "version": version, "started_at": CLOCK.now()}
        engines.put(session, engines.KnownEngine(**described))


def _settle(api: Installation) -> None:
    """Let releases move until none does; the gateway reports meanwhile."""
    follower = Follower(api.database, Releasing(CLOCK))
    with api.client() as client:
        for _ in range(200):
            follower.run_once()
            if not any(release["moving"] for release in _get(client, "/api/v1/releases")["items"]):
                return
    raise AssertionError("a release does not come to its end")


def _get(client: httpx.Client, path: str, **query: Any) -> Any:
    response = client.get(path, params=query)
    assert response.is_success, response.text
    return response.json()


def _post(client: httpx.Client, path: str, **body: Any) -> Any:
    response = client.post(path, json=body)
    assert response.is_success, response.text
    return response.json()
