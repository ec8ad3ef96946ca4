"""Attributes by REST: put, listed, read, and bad ones refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from safelight.access import Role
from safelight.store import attributes
from safelight.store.attributes import Reading

PATH = "/api/v1/attributes/sprites"
PERSON = {"about": "doctor", "options": ["a photo of a man", "a photo of a woman"]}
HOUR = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_an_attribute_is_put_read_and_removed(api: Any) -> None:
    with api.client() as client:
        made = client.put(f"{PATH}/person", json=PERSON).json()
        assert made["latest"] is None
        with api.database.transaction() as session:
            attribute = attributes.get(session, "sprites", "person")
            attributes.keep(session, attribute, Reading(HOUR, 1, "sha256:e", (30, 10), unclear=5))
        [listed] = client.get(PATH).json()["items"]
        assert (listed["name"], listed["about"], listed["options"]) == ("person", "doctor", PERSON["options"])
        latest = listed["latest"]
        assert (latest["n"], latest["unclear"]) == (45, 5)
        first = latest["shares"][0]
        assert (first["share"], first["count"]) == (0.75, 30)
        assert first["low"] < 0.75 < first["high"]
        assert client.get(f"{PATH}/person/readings").json()["items"] == [latest]
        assert client.delete(f"{PATH}/person").status_code == 204
        assert client.get(PATH).json()["items"] == []
        assert client.get(f"{PATH}/person/readings").json()["code"] == "attribute_not_found"


def test_too_few_images_have_counts_and_no_shares(api: Any) -> None:
    with api.client() as client:
        client.put(f"{PATH}/few", json=PERSON)
        with api.database.transaction() as session:
            attribute = attributes.get(session, "sprites", "few")
            attributes.keep(session, attribute, Reading(HOUR, 1, "sha256:e", (3, 1), unclear=0))
        [reading] = client.get(f"{PATH}/few/readings").json()["items"]
        client.delete(f"{PATH}/few")
    assert reading["needed"] == 30
    assert reading["shares"][0] == {"option": "a photo of a man", "count": 3, "share": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("path", "document", "role", "code"),
    [
        (f"{PATH}/person", {"options": ["one"]}, Role.OPERATOR, "invalid_request"),
        (f"{PATH}/person", {"options": ["same", "Same"]}, Role.OPERATOR, "invalid_request"),
        (f"{PATH}/person", {"options": ["", "x"]}, Role.OPERATOR, "invalid_request"),
        (f"{PATH}/person", {"options": ["a", "b"], "typo": 1}, Role.OPERATOR, "invalid_request"),
        (f"{PATH}/A B", PERSON, Role.OPERATOR, "invalid_request"),
        ("/api/v1/attributes/nobody/person", PERSON, Role.OPERATOR, "generator_not_found"),
        (f"{PATH}/person", PERSON, Role.VIEWER, "not_allowed"),
    ],
)
def test_a_bad_attribute_is_refused_and_nothing_is_watched(
    api: Any, path: str, document: dict[str, Any], role: Role, code: str
) -> None:
    with api.client(role) as client:
        assert client.put(path, json=document).json()["code"] == code
    with api.client() as client:
        assert client.get(PATH).json()["items"] == []
