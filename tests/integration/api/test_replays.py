"""Having a generation made again: ordered, looked for, refused."""

import threading
from typing import Any
from uuid import UUID

import pytest

from safelight.access import Role
from safelight.errors import Kind, SafelightError
from safelight.ids import new_id
from safelight.store import generation_replays

PATH = "/api/v1/generations"


@pytest.fixture
def made(api: Any) -> str:
    with api.client() as client:
        reply = client.post(PATH, json={"generator": "sprites", "prompt": "a red apple", "seed": 7})
    return str(reply.json()["items"][0]["id"])


def test_what_takes_long_is_answered_with_where_to_look(api: Any, made: str) -> None:
    with api.client() as client:
        asked = client.post(f"{PATH}/{made}/replay", json={"wait_seconds": 0})
        later = client.get(asked.headers["location"])
        every = client.get(f"{PATH}/{made}/replays")
    assert asked.status_code == 202
    told = asked.json()
    assert (told["generation_id"], told["version"], told["state"], told["likeness"]) == (made, 1, "loading", None)
    assert later.json() == told
    assert every.json()["items"] == [told]


def test_who_waits_is_told_as_soon_as_it_has_ended(api: Any, made: str) -> None:
    def fail() -> None:
        with api.database.transaction() as session:
            [asked] = generation_replays.of_generation(session, UUID(made))
            error = SafelightError(Kind.UNAVAILABLE, "no_engine_ready", "No engine has held version 1.")
            generation_replays.fail(session, asked.id, error, asked.ordered_at)

    later = threading.Timer(0.5, fail)
    later.start()
    with api.client() as client:
        asked = client.post(f"{PATH}/{made}/replay", json={"wait_seconds": 10})
    later.join()
    assert (asked.status_code, asked.json()["state"], asked.json()["error_code"]) == (200, "failed", "no_engine_ready")


def test_another_version_and_bad_requests(api: Any, made: str) -> None:
    with api.client() as client:
        other = client.post(f"{PATH}/{made}/replay", json={"version": 2, "wait_seconds": 0})
        refused = [
            client.post(f"{PATH}/{made}/replay", json=body)
            for body in ({"version": 0}, {"version": "one"}, {"wait_seconds": 61}, {"wait_seconds": -1}, {"seed": 1})
        ]
        unknown = client.post(f"{PATH}/{made}/replay", json={"version": 99})
        nobodys = client.post(f"{PATH}/{new_id()}/replay", json={})
        nowhere = client.get(f"/api/v1/replays/{new_id()}")
    assert (other.status_code, other.json()["version"]) == (202, 2)
    assert {(each.status_code, each.json()["code"]) for each in refused} == {(422, "invalid_request")}
    assert (unknown.status_code, unknown.json()["code"]) == (404, "version_not_found")
    assert (nobodys.status_code, nobodys.json()["code"]) == (404, "generation_not_found")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "replay_not_found")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CLIENT])
def test_it_takes_an_operator(api: Any, made: str, role: Role) -> None:
    with api.client(role) as client:
        assert client.post(f"{PATH}/{made}/replay", json={}).status_code == 403
