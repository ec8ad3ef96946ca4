"""Having somebody forgotten: who may ask, what is answered, and what cannot be meant."""

from typing import Any

import pytest

from safelight.access import Role
from safelight.ids import new_id

PATH = "/api/v1/erasures"


def test_an_admin_asks_once_and_sees_how_far_it_has_come(api: Any) -> None:
    with api.client(Role.ADMIN) as client:
        first = client.post(PATH, json={"tenant": "anna", "reason": "ticket 7"})
        again = client.post(PATH, json={"tenant": "anna"})
        one = client.get(f"{PATH}/{first.json()['id']}")
        every = client.get(PATH)
        audit = client.get("/api/v1/audit").json()["items"]
    assert first.status_code == 202
    told = first.json()
    assert (told["tenant"], told["api_key_id"], told["state"], told["erased"]) == ("anna", None, "running", 0)
    assert again.json() == one.json() == told
    assert [each["id"] for each in every.json()["items"]] == [told["id"]]
    lines = [(line["action"], line["target"], line["detail"]) for line in audit if line["action"] == "erasure.request"]
    assert lines == [("erasure.request", "tenant anna", "ticket 7")]


def test_a_key_is_named_by_its_id(api: Any) -> None:
    key_id, _ = api.keys[Role.CLIENT]
    with api.client(Role.ADMIN) as client:
        asked = client.post(PATH, json={"api_key_id": str(key_id)})
        unknown = client.post(PATH, json={"api_key_id": str(new_id())})
    assert (asked.status_code, asked.json()["api_key_id"]) == (202, str(key_id))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "key_not_found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tenant": "anna", "api_key_id": str(new_id())},
        {"tenant": "anna", "end_user": "anna"},
        {"end_user": "x" * 201},
        {"tenant": ""},
        {"tenant": "x" * 101},
        {"tenant": 7},
        {"api_key_id": "anna"},
        {"tenant": "anna", "everything": True},
        {"tenant": "anna", "reason": "x" * 501},
    ],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(api: Any, body: dict[str, Any]) -> None:
    with api.client(Role.ADMIN) as client:
        before = client.get(PATH).json()
        reply = client.post(PATH, json=body)
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")
        assert client.get(PATH).json() == before


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CLIENT, Role.OPERATOR])
def test_nobody_else_may(api: Any, role: Role) -> None:
    with api.client(role) as client:
        assert client.post(PATH, json={"tenant": "anna"}).status_code == 403
        assert client.get(PATH).status_code == 403


def test_a_request_that_is_not_there_is_said_so(api: Any) -> None:
    with api.client(Role.ADMIN) as client:
        reply = client.get(f"{PATH}/{new_id()}")
    assert (reply.status_code, reply.json()["code"]) == (404, "erasure_not_found")
