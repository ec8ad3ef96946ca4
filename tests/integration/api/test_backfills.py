"""Scoring anew and slices, as a person asks for them."""

from datetime import timedelta

import pytest

from monitors.verdict import Health, Reason, Verdict
from safelight.access import Role
from safelight.store import standings

from .conftest import CLOCK, Installation  # noqa: TID252


def ask(api: Installation, start: str, end: str, role: Role = Role.OPERATOR) -> tuple[int, dict[str, object]]:
    with api.client(role) as client:
        body = {"generator": "sprites", "from": start, "to": end}
        response = client.post("/api/v1/backfills", json=body)
        return response.status_code, response.json()


def count(api: Installation) -> int:
    with api.client() as client:
        return len(client.get("/api/v1/backfills", params={"generator": "sprites"}).json()["items"])


def test_a_backfill_is_asked_for_watched_and_cancelled(api: Installation) -> None:
    now = CLOCK.now()
    status, asked = ask(api, (now - timedelta(days=1)).isoformat(), now.isoformat())
    assert (status, asked["state"], asked["progress"], asked["embedder_digest"]) == (202, "running", 0.0, None)
    with api.client() as client:
        listed = client.get("/api/v1/backfills", params={"generator": "sprites"}).json()
        assert [each["id"] for each in listed["items"]] == [asked["id"]]
        assert client.get(f"/api/v1/backfills/{asked['id']}").json() == asked
        assert client.post(f"/api/v1/backfills/{asked['id']}/cancel").json()["state"] == "cancelled"
        again = client.post(f"/api/v1/backfills/{asked['id']}/cancel")
        assert (again.status_code, again.json()["code"]) == (409, "backfill_finished")


@pytest.mark.parametrize(
    ("start", "end", "status", "code"),
    [
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", 422, "range_invalid"),
        ("2026-01-02T00:00:00", "2026-01-03T00:00:00Z", 422, "invalid_request"),
    ],
)
def test_a_range_that_is_none_is_refused(api: Installation, start: str, end: str, status: int, code: str) -> None:
    before = count(api)
    found, problem = ask(api, start, end)
    assert (found, problem["code"]) == (status, code)
    assert count(api) == before


def test_a_reader_may_look_and_not_ask(api: Installation) -> None:
    assert ask(api, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", Role.VIEWER)[0] == 403


def test_slices_stand_as_the_newest_tick_found_them(api: Installation) -> None:
    fine = Verdict(
        Health.HEALTHY,
        Reason.WITHIN_BUDGET,
        "fine",
        p_value=0.5,
        threshold=1e-7,
        n=900,
        evidence={"detectable_effect": 0.21, "unseen": 3},
    )
    found = {"conditional_drift": {"all": fine, "replica=r7": fine}, "other": {"all": fine}}
    with api.database.transaction() as session:
        standings.keep(session, "sprites", CLOCK.now(), 1, found)
    with api.client(Role.VIEWER) as client:
        everything = client.get("/api/v1/slices", params={"generator": "sprites"}).json()["items"]
        one = client.get("/api/v1/slices", params={"generator": "sprites", "monitor": "other"}).json()["items"]
        unknown = client.get("/api/v1/slices", params={"generator": "none"})
    assert [(each["monitor"], each["slice"]) for each in everything] == [
        ("conditional_drift", "all"),
        ("conditional_drift", "replica=r7"),
        ("other", "all"),
    ]
    assert (everything[0]["detectable_effect"], everything[0]["unseen"]) == (0.21, 3)
    assert [each["monitor"] for each in one] == ["other"]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "generator_not_found")
