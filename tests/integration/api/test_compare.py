"""Versions side by side, asked over HTTP."""

import pytest

from safelight.access import Role
from tests.integration.api.conftest import Installation


def test_a_comparison_is_asked_by_address_or_by_document(api: Installation) -> None:
    with api.client(Role.VIEWER) as client:
        by_address = client.get("/api/v1/compare", params={"generator": "sprites", "versions": "1,2"})
        by_document = client.post("/api/v1/compare", json={"generator": "sprites", "versions": [1, 2]})
    for answer in (by_address, by_document):
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found["generator"] == "sprites"
        assert found["from"] < found["to"]
        assert {note["code"] for note in found["notes"]} <= {"nothing_scored", "too_few"}


@pytest.mark.parametrize(
    ("parameters", "status", "code"),
    [
        ({"versions": "one,two"}, 422, "versions_invalid"),
        ({"versions": "1"}, 422, "versions_invalid"),
        ({"versions": "1,9"}, 404, "version_not_found"),
        ({"versions": "1,2", "from": "2026-11-23T12:00:00Z", "to": "2026-11-22T12:00:00Z"}, 422, "range_invalid"),
    ],
)
def test_what_cannot_be_compared_has_a_code(
    api: Installation, parameters: dict[str, str], status: int, code: str
) -> None:
    with api.client(Role.VIEWER) as client:
        answer = client.get("/api/v1/compare", params={"generator": "sprites", **parameters})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
