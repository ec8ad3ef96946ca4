"""Gates by REST: the policy, a dry run, approvals, and a promote that is refused or goes past them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from safelight.access import Role
from safelight.ids import new_id
from safelight.releasing.follower import Follower
from safelight.releasing.service import Releasing
from safelight.store import engines

from .conftest import CLOCK, Installation  # noqa: TID252

POLICY = "/api/v1/gates/sprites"
CHECK = "/api/v1/gates/check"
PROMOTE = "/api/v1/releases/promote"
ASKED = {"generator": "sprites", "version": 2}


@pytest.fixture(scope="module")
def admin(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.ADMIN) as client:
        yield client


@pytest.fixture(scope="module")
def operator(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.OPERATOR) as client:
        yield client


def test_without_a_policy_nothing_more_is_asked(operator: httpx.Client) -> None:
    policy = operator.get(POLICY).json()
    assert (policy["policy"]["approvals"], policy["policy"]["paired_probes"], policy["updated_by"]) == (0, None, None)
    answer = operator.post(CHECK, json=ASKED).json()
    assert answer["decision"] == "wait"
    assert {each["gate"]: each["outcome"] for each in answer["gates"]} == {
        "integrity": "pending",
        "loadable": "pending",
        "quarantine": "passed",
    }


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"approvals": 9}, "invalid_request"),
        ({"beauty": True}, "invalid_request"),
        ({"paired_probes": {"probe_set": "nowhere"}}, "gate_policy_invalid"),
    ],
)
def test_a_policy_that_cannot_be_changes_nothing(admin: httpx.Client, document: Any, code: str) -> None:
    response = admin.put(POLICY, json=document)
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert admin.get(POLICY).json()["updated_by"] is None


def test_only_an_admin_sets_it(operator: httpx.Client, admin: httpx.Client) -> None:
    assert operator.put(POLICY, json={"approvals": 1}).status_code == 403
    assert admin.put("/api/v1/gates/nobody", json={}).status_code == 404
    policy = admin.put(POLICY, json={"approvals": 1, "provenance": {}}).json()
    assert (policy["policy"]["approvals"], policy["updated_by"]) == (1, "admin")
    assert admin.get("/api/v1/audit").json()["items"][0]["action"] == "gates.set"


def test_a_promote_is_refused_with_each_reason(operator: httpx.Client) -> None:
    assert operator.post(CHECK, json=ASKED).json()["decision"] == "refuse"
    release = operator.post(PROMOTE, json=ASKED).json()
    assert release["state"] == "failed"
    said = {each["gate"]: each["outcome"] for each in release["gates"] if each["required"]}
    assert (said["provenance"], said["approval"], said["quarantine"]) == ("missing", "missing", "passed")
    assert "Gate provenance: " in release["steps"][-1]["detail"]
    assert "Gate approval: 0 of 1 approvals." in release["steps"][-1]["detail"]
    assert operator.get(f"/api/v1/releases/{release['id']}").json()["gates"] == release["gates"]


def test_somebody_else_approves(operator: httpx.Client, admin: httpx.Client) -> None:
    approvals = f"{POLICY}/2/approvals"
    given = admin.post(approvals, json={"note": "looked at 40 images"})
    assert (given.status_code, given.json()["by"]) == (201, "admin")
    assert [each["note"] for each in operator.get(approvals).json()["items"]] == ["looked at 40 images"]
    assert admin.post(f"{POLICY}/7/approvals", json={}).status_code == 404

    def approval(client: httpx.Client) -> str:
        gates = client.post(CHECK, json=ASKED).json()["gates"]
        return str(next(each["outcome"] for each in gates if each["gate"] == "approval"))

    assert (approval(operator), approval(admin)) == ("passed", "missing")  # one's own does not count


def test_what_a_version_was_made_of_can_be_told_later(operator: httpx.Client) -> None:
    path = f"{POLICY}/2/provenance"
    assert operator.get(path).json()["provenance"] is None
    wrong = operator.put(path, json={"licence": "MIT", "scan": {"images": 0}})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")
    assert operator.put(path, json={"licence": "MIT"}).json()["told_by"] == "operator"
    assert operator.get(path).json()["provenance"]["licence"] == "MIT"
    assert operator.get(f"{POLICY}/7/provenance").status_code == 404


def test_an_override_is_an_admins_and_has_a_reason(operator: httpx.Client, admin: httpx.Client) -> None:
    refused = operator.post(PROMOTE, json={**ASKED, "override": "please"})
    assert (refused.status_code, refused.json()["code"]) == (403, "override_not_allowed")
    assert admin.post(PROMOTE, json={**ASKED, "override": " "}).status_code == 422


def test_an_override_is_shown_until_the_version_is_accepted(
    api: Installation, operator: httpx.Client, admin: httpx.Client
) -> None:
    with api.database.transaction() as session:
        held = engines.engines(session, "sprites")[0]
        loaded = vars(held) | {"id": new_id(), "version": 2, "started_at": CLOCK.now()}
        engines.put(session, engines.KnownEngine(**loaded))
    release = admin.post(PROMOTE, json={**ASKED, "reason": "now", "override": "the shop is down"}).json()
    assert release["override"]["by"] == "admin"
    follower = Follower(api.database, Releasing(CLOCK))
    for _ in range(200):
        follower.run_once()
        if not operator.get(f"/api/v1/releases/{release['id']}").json()["moving"]:
            break
    override = operator.get("/api/v1/generators/sprites").json()["serving"]["override"]
    assert (override["by"], override["reason"]) == ("admin", "the shop is down")
    assert [each["gate"] for each in override["gates"]] == ["provenance", "approval"]
    newest = operator.get("/api/v1/ledger", params={"generator": "sprites"}).json()["items"][0]
    assert newest["reason"] == "now [override of provenance, approval: the shop is down]"
    assert operator.post("/api/v1/releases/accept", json={"generator": "sprites"}).is_success
    assert operator.get("/api/v1/generators/sprites").json()["serving"]["override"] is None


def test_a_version_in_quarantine_is_shown_as_such(operator: httpx.Client) -> None:
    asked = {"generator": "sprites", "version": 1, "incident_id": str(new_id())}
    assert operator.post("/api/v1/releases/rollback", json=asked).is_success
    versions = operator.get("/api/v1/versions", params={"generator": "sprites"}).json()["items"]
    assert {each["number"]: each["quarantined"] for each in versions} == {1: False, 2: True}
    gates = operator.post(CHECK, json=ASKED).json()["gates"]
    assert next(each["reason"] for each in gates if each["gate"] == "quarantine") == "quarantined"
