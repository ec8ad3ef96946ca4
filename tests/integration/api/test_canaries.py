"""A canary by REST, while requests are answered by a real gateway and a real engine process's application."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from safelight.access import Role
from safelight.ids import new_id
from safelight.releasing.follower import Follower
from safelight.releasing.service import Releasing
from safelight.store import access, engines

from .conftest import CLOCK, Installation  # noqa: TID252

PLAN = {"steps": [{"weight": 40, "shadow": 100, "bake_seconds": 60}, {"weight": 99, "pause": True}], "sticky": "user"}


@pytest.fixture(scope="module")
def operator(api: Installation) -> Iterator[httpx.Client]:
    """Version 1 serves, version 2 has an engine too."""
    with api.database.transaction() as session:
        held = engines.engines(session, "sprites")[0]
        later = CLOCK.now() + timedelta(hours=1)
        engines.put(session, engines.KnownEngine(**vars(held) | {"id": new_id(), "version": 2, "heartbeat_at": later}))
    with api.client(Role.OPERATOR) as client:
        yield client


@pytest.fixture
def canary(api: Installation, operator: httpx.Client) -> str:
    """The release of a canary that has begun."""
    body = {"generator": "sprites", "version": 2, "expected_serving": 1, "reason": "sharper", "canary": PLAN}
    release = operator.post("/api/v1/releases/promote", json=body)
    assert release.status_code == 202, release.text
    Follower(api.database, Releasing(CLOCK)).run_once()
    found = operator.get(f"/api/v1/releases/{release.json()['id']}").json()
    assert (found["state"], found["moving"], found["canary"]["step"]) == ("canary", True, 0)
    return str(found["id"])


def asked(client: httpx.Client, user: str) -> int:
    """The version that makes a user's image."""
    body = {"generator": "sprites", "prompt": "a cat", "end_user": user}
    made = client.post("/api/v1/generations", json=body)
    assert made.is_success, made.text
    return int(made.json()["items"][0]["version"])


def say(client: httpx.Client, release: str, verb: str) -> httpx.Response:
    return client.post(f"/api/v1/releases/{release}/{verb}", json={"reason": "a test"})


def test_a_canary_has_its_users_until_it_is_called_off(api: Installation, operator: httpx.Client, canary: str) -> None:
    say(operator, canary, "pause")  # any word makes the gateway look again: the split holds from here on
    users = [f"user {number}" for number in range(30)]
    versions = {user: asked(operator, user) for user in users}
    assert set(versions.values()) == {1, 2}
    assert {user: asked(operator, user) for user in users} == versions
    assert say(operator, canary, "promote").json()["canary"]["step"] == 1
    assert all(asked(operator, user) == 2 for user in users if versions[user] == 2)
    aborted = say(operator, canary, "abort")
    assert (aborted.status_code, aborted.json()["state"]) == (200, "aborted")
    assert {asked(operator, user) for user in users} == {1}

    while api.ship():
        pass
    logged = operator.get("/api/v1/generations", params={"generator": "sprites", "limit": 200}).json()["items"]
    assert {("stable", 1), ("canary", 2), ("shadow", 2)} == {(each["arm"], each["version"]) for each in logged}
    shadow = next(each["id"] for each in logged if each["arm"] == "shadow")
    told = operator.get(f"/api/v1/generations/{shadow}").json()
    shadowed = operator.get(f"/api/v1/generations/{told['request_id']}").json()
    assert (shadowed["arm"], shadowed["seed"]) == ("stable", told["seed"])


def test_whoever_follows_a_canary_is_told_no_more_once_the_key_is_revoked(
    api: Installation, operator: httpx.Client, canary: str
) -> None:
    with api.database.transaction() as session:
        key, secret = access.create_key(session, "for a day", Role.VIEWER, CLOCK.now())
    headers = {"Authorization": f"Bearer {secret}"}
    with operator.stream("GET", f"/api/v1/releases/{canary}/events", headers=headers, timeout=10) as events:
        told = (line for line in events.iter_lines() if line.startswith("data: "))
        assert canary in next(told)
        with api.database.transaction() as session:
            access.revoke_key(session, key.id, CLOCK.now())
        assert list(told) == []
    say(operator, canary, "abort")


def test_a_rollback_calls_a_canary_off_and_a_new_try_begins_at_its_first_step(
    api: Installation, operator: httpx.Client, canary: str
) -> None:
    body = {"generator": "sprites", "version": 1, "reason": "looks odd"}
    back = operator.post("/api/v1/releases/rollback", json=body)
    assert (back.status_code, back.json()["id"], back.json()["state"]) == (202, canary, "aborted")
    again = say(operator, canary, "retry")
    assert (again.status_code, again.json()["canary"]["step"]) == (202, 0)
    assert again.json()["id"] != canary
    assert say(operator, again.json()["id"], "abort").json()["state"] == "aborted"
    with api.database.reading() as session:
        said = {entry.action for entry in access.audit_page(session, None, 20)}
    assert {"release.promote", "release.abort"} <= said


def refusals(client: httpx.Client, canary: str) -> Iterator[tuple[httpx.Response, int, str]]:
    promote: dict[str, Any] = {"generator": "sprites", "version": 2, "expected_serving": 1}
    yield say(client, canary, "resume"), 409, "release_transition_illegal"
    yield say(client, str(new_id()), "abort"), 404, "release_not_found"
    yield say(client, canary, "retry"), 409, "canary_not_over"
    plans: list[dict[str, Any]] = [{"steps": []}, {"steps": [{"weight": 0}]}, {"steps": [{"weight": 5}], "alpha": 2}]
    for plan in plans:
        yield client.post("/api/v1/releases/promote", json=promote | {"canary": plan}), 422, "invalid_request"


def test_what_cannot_be_is_refused_and_changes_nothing(api: Installation, operator: httpx.Client, canary: str) -> None:
    for answer, status, code in refusals(operator, canary):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    with api.client(Role.VIEWER) as viewer:
        assert say(viewer, canary, "abort").status_code == 403
    assert operator.get(f"/api/v1/releases/{canary}").json()["state"] == "canary"
    by = operator.post("/api/v1/guard/stop", json={"reason": "a test"}).json()["by"]
    assert operator.get(f"/api/v1/releases/{canary}").json()["canary"]["held_by"] == by
    operator.post("/api/v1/guard/resume", json={})
    assert operator.get(f"/api/v1/releases/{canary}").json()["canary"]["held_by"] is None
    say(operator, canary, "abort")
    assert say(operator, canary, "pause").json()["code"] == "canary_not_running"
