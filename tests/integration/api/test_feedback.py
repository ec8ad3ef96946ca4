"""What people make of their images, told by the product they use."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from safelight.access import Role
from safelight.clock import SystemClock
from safelight.store import feedback

PATH = "/api/v1/generations"
NOTHING = {"up": 0, "down": 0, "regenerated": 0, "downloaded": 0}


def make(api: Any, role: Role = Role.CLIENT) -> str:
    with api.client(role) as client:
        reply = client.post(PATH, json={"generator": "sprites", "prompt": "a red apple"})
    [made] = reply.json()["items"]
    return str(made["id"])


def counted(api: Any) -> int:
    now = SystemClock().now()
    with api.database.reading() as session:
        points = feedback.between(session, "sprites", 1, "stable", now - timedelta(minutes=5), now)
    return sum(each.up + each.down + each.regenerated + each.downloaded for each in points)


def test_feedback_is_kept_with_its_image_and_counted_once_a_kind(api: Any) -> None:
    image, before = make(api), counted(api)
    with api.client(Role.CLIENT) as client:
        path = f"{PATH}/{image}/feedback"
        for rater, kind in (("u1", "down"), ("u2", "down"), ("u1", "regenerated"), ("u1", "regenerated")):
            reply = client.post(path, json={"kind": kind, "rater": rater})
            assert reply.status_code == 200, reply.text
        assert reply.json() == NOTHING | {"down": 2, "regenerated": 1}
        assert client.get(f"{PATH}/{image}").json()["feedback"] == reply.json()
    assert counted(api) == before + 2


def test_the_users_of_one_key_are_one_where_nobody_tells_them_apart(api: Any) -> None:
    image = make(api)
    with api.client(Role.CLIENT) as client:
        for kind in ("up", "up", "down"):
            reply = client.post(f"{PATH}/{image}/feedback", json={"kind": kind})
    assert reply.json() == NOTHING | {"down": 1}


@pytest.mark.parametrize(
    ("role", "body", "code"),
    [
        (Role.CLIENT, {"kind": "meh"}, "invalid_request"),
        (Role.CLIENT, {"kind": "up", "rater": "x" * 101}, "invalid_request"),
        (Role.CLIENT, {}, "invalid_request"),
        (Role.VIEWER, {"kind": "up"}, "not_allowed"),
    ],
)
def test_bad_feedback_is_refused_and_changes_nothing(api: Any, role: Role, body: dict[str, str], code: str) -> None:
    image, before = make(api), counted(api)
    with api.client(role) as client:
        assert client.post(f"{PATH}/{image}/feedback", json=body).json()["code"] == code
    with api.client() as client:
        assert client.get(f"{PATH}/{image}").json()["feedback"] == NOTHING
    assert counted(api) == before


def test_nobody_judges_another_clients_image_or_one_that_does_not_exist(api: Any) -> None:
    for image in (make(api, Role.OPERATOR), str(UUID(int=1))):
        with api.client(Role.CLIENT) as client:
            reply = client.post(f"{PATH}/{image}/feedback", json={"kind": "up"})
        assert reply.json()["code"] == "generation_not_found"
