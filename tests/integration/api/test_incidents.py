"""An incident handled over HTTP: owned, rated, judged, opened again, and what is handed out of it."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import httpx
import pytest

from safelight.access import Role
from safelight.store import access, generations, incidents
from safelight.store.generations import Filters

from .conftest import CLOCK, Installation  # noqa: TID252

HOSTILE = "<script>alert(1)</script> | ![x](https://example.com/x.png)"


@pytest.fixture(scope="module")
def operator(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.OPERATOR) as client:
        yield client


@pytest.fixture(scope="module")
def incident_id(api: Installation, operator: httpx.Client) -> UUID:
    """About version 1, with one of its images; a policy was set just before."""
    answer = operator.post("/api/v1/generations", json={"generator": "sprites", "prompt": HOSTILE, "seed": 7})
    assert answer.is_success, answer.text
    api.ship()
    now = CLOCK.now()
    with api.database.transaction() as session:
        access.record_audit(session, now, "ann", "policy.set", "sprites", "auto")
        (made,) = generations.page(session, Filters(generator="sprites"))
        later = now + timedelta(seconds=2)
        opened = incidents.open_incident(
            session,
            generator="sprites",
            dedup_key="sprites:default:release-1",
            title=f"Version 1: {HOSTILE}",
            monitor="blank_rate",
            reason="blank_rate_up",
            verdict_id=None,
            suspect_version=1,
            suspect_release_id=None,
            suggested_target=None,
            evidence={"worst_images": [{"id": str(made.id), "alignment": 0.1, "blank": True}]},
            now=later,
        )
        incidents.note(session, opened.id, "verdict", "safelight", "too many are blank", later, monitor="blank_rate")
    return opened.id


def test_it_has_a_runbook_and_says_what_can_be_done(operator: httpx.Client, incident_id: UUID) -> None:
    found = _get(operator, f"/api/v1/incidents/{incident_id}")
    assert found["possible"] == ["acknowledge", "resolve"]
    assert found["runbook"]["written_by"] is None
    assert "<ol>" in found["runbook"]["html"]


def test_what_changed_before_it_is_told(operator: httpx.Client, incident_id: UUID) -> None:
    found = {each["matter"]: each for each in _get(operator, f"/api/v1/incidents/{incident_id}/changes")["items"]}
    assert found["setting"]["data"]["detail"] == "auto"
    assert found["engine"]["summary"] == "test-host began to serve version 1"


def test_it_is_taken_rated_judged_closed_and_opened_again(operator: httpx.Client, incident_id: UUID) -> None:
    path = f"/api/v1/incidents/{incident_id}"
    assert _ask(operator, "POST", f"{path}/acknowledge")["owner"] == "operator"
    changed = _ask(operator, "PATCH", path, severity="low", owner="bob")
    assert (changed["severity"], changed["severity_by"], changed["owner"]) == ("low", "operator", "bob")
    assert _ask(operator, "PATCH", path, owner=None)["severity"] == "low", "what is left out stays"
    judged = _ask(operator, "PUT", f"{path}/judgement", judgement="wrong", note="a test card")
    assert [(each["actor"], each["note"]) for each in judged["judgements"]] == [("operator", "a test card")]
    assert _ask(operator, "POST", f"{path}/resolve", note="nothing")["possible"] == ["reopen"]
    again = _ask(operator, "POST", f"{path}/reopen", note="it is")
    assert (again["state"], again["judgement"], again["reopened_at"] is not None) == ("triggered", "wrong", True)
    twice = operator.post(f"{path}/reopen", json={})
    assert (twice.status_code, twice.json()["code"]) == (409, "incident_transition_illegal")
    kinds = [event["kind"] for event in again["events"]]
    assert kinds == ["verdict", "acknowledged", "owner", "severity", "owner", "judgement", "resolved", "reopened"]


def test_nonsense_is_refused_and_changes_nothing(operator: httpx.Client, incident_id: UUID) -> None:
    path = f"/api/v1/incidents/{incident_id}"
    before = _get(operator, path)
    for method, where, body in (
        ("PATCH", path, {"severity": "terrible"}),
        ("PATCH", path, {"owner": ""}),
        ("PUT", f"{path}/judgement", {"judgement": "maybe"}),
        ("PUT", "/api/v1/runbooks/sprites/blank_rate", {"text": ""}),
    ):
        assert operator.request(method, where, json=body).status_code == 422
    blank = operator.put("/api/v1/runbooks/sprites/blank_rate", json={"text": "  "})
    assert (blank.status_code, blank.json()["code"]) == (422, "runbook_invalid")
    assert _get(operator, path) == before


def test_a_runbook_of_ones_own_takes_the_place_of_the_bundled_one(api: Installation, operator: httpx.Client) -> None:
    where = "/api/v1/runbooks/sprites/blank_rate"
    bundled = _get(operator, where)
    own = _ask(operator, "PUT", where, text="# Call Ann\n<script>alert(1)</script>")
    assert (own["written_by"], "<h1>Call Ann</h1>" in own["html"], "<script" in own["html"]) == (
        "operator",
        True,
        False,
    )
    assert _ask(operator, "DELETE", where) == bundled
    with api.client(Role.VIEWER) as viewer:
        assert viewer.put(where, json={"text": "mine"}).status_code == 403


def test_the_post_mortem_holds_the_record_its_images_and_no_markup_of_others(
    operator: httpx.Client, incident_id: UUID
) -> None:
    answer = operator.get(f"/api/v1/incidents/{incident_id}/post-mortem")
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    text = archive.read("post-mortem.md").decode()
    assert "too many are blank" in text
    assert "policy set sprites" in text
    assert "![x](https" not in text
    assert "<script>" not in text
    images = [name for name in archive.namelist() if name.startswith("images/")]
    assert len(images) == 1
    assert images[0] in text
    assert archive.read(images[0])[8:12] == b"WEBP"
    assert "charts/failed.svg" in archive.namelist()
    missing = operator.get(f"/api/v1/incidents/{UUID(int=1)}/post-mortem")
    assert (missing.status_code, missing.json()["code"]) == (404, "incident_not_found")


def test_a_pack_of_evidence_links_every_claim_to_a_record_or_calls_it_missing(
    api: Installation, operator: httpx.Client, incident_id: UUID
) -> None:
    now = CLOCK.now()
    period = {"since": (now - timedelta(days=1)).isoformat(), "until": (now + timedelta(minutes=1)).isoformat()}
    told = {
        "licence": "Apache-2.0",
        "datasets": [{"name": "P", "source": "S", "licence": "owned"}],
        "intended_use": "U",
    }
    assert operator.put("/api/v1/gates/sprites/1/provenance", json=told).is_success
    answer = operator.get("/api/v1/evidence", params={"generator": "sprites", **period})
    assert answer.is_success, answer.text
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    sums = archive.read("SHA256SUMS").decode().splitlines()
    assert sums == [f"{sha256(archive.read(name)).hexdigest()}  {name}" for name in archive.namelist()[:-1]]
    (found,) = json.loads(archive.read("records/incidents.json"))
    assert found["id"] == str(incident_id)
    assert found["record"]["timeline"][0]["message"] == "too many are blank"
    assert [each["record"]["judgement"] for each in json.loads(archive.read("records/judgements.json"))] == ["wrong"]
    assert [each["record"]["missing"] for each in json.loads(archive.read("records/model_cards.json"))] == [
        ["description", "licence", "data sets", "intended use", "known limits"],
        ["description", "known limits"],
    ]
    (provenance,) = json.loads(archive.read("records/provenance.json"))
    assert (provenance["id"], provenance["record"]["licence"]) == ("1", "Apache-2.0")
    page = archive.read("index.html").decode()
    assert "<script>" not in page
    places = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= places, "every claim leads to a record in the pack"
    assert f"incidents-{incident_id}" in places
    missing = page[page.index("What is missing") : page.index('id="ledger"')]
    assert {"MAP 2.2", "GOVERN 3.2"} <= set(re.findall(r"[A-Z]+ \d\.\d+", missing))
    assert not {"MAP 1.1", "MANAGE 2.3"} & set(re.findall(r"[A-Z]+ \d\.\d+", missing))


def test_a_pack_is_refused_to_who_may_not_act_and_for_no_time_at_all(api: Installation, operator: httpx.Client) -> None:
    day = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
    with api.client(Role.VIEWER) as viewer:
        assert viewer.get("/api/v1/evidence", params={"generator": "sprites", **day}).status_code == 403
    for asked, status, code in (
        ({"generator": "nobody", **day}, 404, "generator_not_found"),
        ({"generator": "sprites", "since": day["until"], "until": day["since"]}, 422, "range_invalid"),
    ):
        refused = operator.get("/api/v1/evidence", params=asked)
        assert (refused.status_code, refused.json()["code"]) == (status, code)


def _get(client: httpx.Client, path: str) -> Any:
    response = client.get(path)
    assert response.is_success, response.text
    return response.json()


def _ask(client: httpx.Client, method: str, path: str, **body: Any) -> Any:
    response = client.request(method, path, json=body or None)
    assert response.is_success, response.text
    return response.json()
