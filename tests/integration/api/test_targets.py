"""Targets and scopes over HTTP, confirmed by a receiver's signature, and from the command line."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner, Result

from safelight.access import Role
from safelight.cli import app
from safelight.errors import SafelightError
from tests.integration.api.conftest import Installation

URL = "https://hooks.example.com/orders"
CLUSTER = {"namespace": "images", "name": "portraits", "container": "server"}


def register(api: Installation, generator: str) -> None:
    with api.client() as client:
        told = {"generator": generator, "manifest": {"name": f"{generator}:1"}}
        client.post("/api/v1/versions/external", json=told).raise_for_status()


def create(api: Installation, generator: str, **changes: Any) -> httpx.Response:
    with api.client(Role.ADMIN) as client:
        new = {"generator": generator, "kind": "webhook", "url": URL} | changes
        return client.post("/api/v1/targets", json=new)


def signed(secret: str, document: dict[str, Any], at: datetime | None = None) -> tuple[bytes, dict[str, str]]:
    body, now = json.dumps(document), at or datetime.now(UTC)
    headers = {
        "webhook-id": str(uuid4()),
        "webhook-timestamp": str(int(now.timestamp())),
        "content-type": "application/json",
    }
    return body.encode(), headers | {"webhook-signature": Webhook(secret).sign(headers["webhook-id"], now, body)}


def test_a_release_waits_for_the_signed_word_of_its_receiver(api: Installation) -> None:
    register(api, "confirmed")
    made = create(api, "confirmed").json()
    with api.client() as client:
        release = client.post("/api/v1/releases/promote", json={"generator": "confirmed", "version": 1}).json()
        scopes = client.get("/api/v1/scopes/confirmed").json()["items"]
        planned = client.get(f"/api/v1/targets/{made['id']}/plan", params={"version": 1}).json()
    assert release["state"] == "flipping"
    assert [(each["name"], each["desired_version"], each["observed_version"]) for each in scopes] == [
        ("default", 1, None)
    ]
    assert (planned["method"], planned["url"]) == ("POST", URL)
    assert json.loads(planned["body"])["data"]["name"] == "confirmed:1"
    url, said = f"{api.url}/api/v1/targets/{made['id']}/observed", {"release_id": release["id"], "version": 1}
    with httpx.Client(trust_env=False) as anyone:

        def post(secret: str, document: dict[str, Any], at: datetime | None = None) -> httpx.Response:
            body, headers = signed(secret, document, at)
            return anyone.post(url, content=body, headers=headers)

        other = create(api, "sprites").json()["secret"]
        assert post(other, said).json()["code"] == "observation_unsigned"
        assert post(made["secret"], said, datetime(2026, 1, 1, tzinfo=UTC)).json()["code"] == "observation_unsigned"
        assert anyone.post(url, json=said).json()["code"] == "not_authenticated"
        assert anyone.post(url, json=said, headers={"webhook-signature": "v1"}).json()["code"] == "observation_unsigned"
        assert post(made["secret"], said | {"release_id": str(uuid4())}).json()["code"] == "observation_foreign"
        assert post(made["secret"], said | {"version": 9}).json()["code"] == "version_not_found"
        # While the secret is rotated, a receiver that has not changed over yet is believed, and one that has as well.
        with api.client(Role.ADMIN) as admin:
            rotated = admin.post(f"/api/v1/targets/{made['id']}/secret", json={"overlap_hours": 1}).json()
        assert rotated["previous_secret_until"] is not None
        first, again = post(made["secret"], said), post(rotated["secret"], said)
        with api.client(Role.ADMIN) as admin:
            newest = admin.post(f"/api/v1/targets/{made['id']}/secret", json={"overlap_hours": 0}).json()["secret"]
        assert post(newest, said).status_code == 200
        for past in (made["secret"], rotated["secret"]):
            assert post(past, said).json()["code"] == "observation_unsigned"
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["observed_version"] == 1
    with api.client(Role.VIEWER) as viewer:
        [state] = viewer.get("/api/v1/scopes/confirmed").json()["items"]
        assert viewer.post(f"/api/v1/targets/{made['id']}/observed", json=said).status_code == 403
        shown = viewer.get("/api/v1/targets", params={"generator": "confirmed"}).text
    assert (state["observed_version"], state["target"]["observed_release_id"]) == (1, release["id"])
    assert made["secret"] not in shown


def test_who_may_and_what_may_not_be(api: Installation) -> None:
    register(api, "refused")
    assert create(api, "nobody").json()["code"] == "generator_not_found"
    assert create(api, "refused", scope="eu").json()["code"] == "scope_not_found"
    assert create(api, "refused", url="http://169.254.169.254/").json()["code"] == "target_invalid"
    assert create(api, "refused", kind="kserve", resource=CLUSTER, secret="token").json()["code"] == "target_invalid"
    assert create(api, "refused", kind="pigeon").status_code == 422
    made = create(
        api, "refused", kind="argo_rollouts", url="https://cluster.example.com:6443", resource=CLUSTER, secret="hunter2"
    )
    assert (made.status_code, made.json()["secret"]) == (201, None)
    assert "hunter2" not in made.text
    one = f"/api/v1/targets/{made.json()['id']}"
    with api.client(Role.OPERATOR) as operator:
        forbidden = operator.post("/api/v1/targets", json={"generator": "refused", "kind": "webhook", "url": URL})
        assert forbidden.status_code == operator.delete(one).status_code == 403
        assert operator.put("/api/v1/scopes/refused", json={"scopes": [{"name": "default"}]}).status_code == 403
        assert operator.post(f"{one}/tell").json()["code"] == "nothing_serving"
        for path in ("releases/promote", "releases/rollback", "drills"):
            asked = operator.post(f"/api/v1/{path}", json={"generator": "refused", "version": 1, "scope": "eu"})
            assert (asked.status_code, asked.json()["code"]) == (422, "invalid_request")
            assert "scope" in asked.text
    with api.client(Role.ADMIN) as admin:
        assert admin.put("/api/v1/scopes/refused", json={"scopes": [{"name": "eu"}]}).json()["code"] == "scopes_invalid"
        named = {"scopes": [{"name": "default", "bake_seconds": 60}, {"name": "eu"}]}
        assert admin.put("/api/v1/scopes/refused", json=named).status_code == 200
        assert admin.post(f"{one}/secret", json={"secret": "another"}).json()["secret"] is None
        assert admin.delete(one).status_code == 200
        assert admin.get(one).json()["code"] == "target_not_found"


def test_the_same_from_the_command_line(migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "safelight.db").write_bytes(migrated_sqlite.read_bytes())
    monkeypatch.setenv("SAFELIGHT_DATA_DIR", str(tmp_path))
    run = CliRunner()

    def done(*arguments: str) -> str:
        result: Result = run.invoke(app, list(arguments))
        assert result.exit_code == 0, result.output
        return result.stdout

    done("register-external", "portraits", "portraits:1")
    assert done("targets", "scopes", "portraits", "default:60", "eu") == "default:60\neu:0\n"
    Webhook(done("targets", "add", "portraits", "webhook", URL).strip())
    done("promote", "portraits", "1")
    assert "not observed" in done("targets", "status", "portraits")
    assert '"version": 1' in done("targets", "plan", "portraits", "1")
    done("targets", "confirm", "portraits", "1")
    assert "version 1    version 1" in done("targets", "status", "portraits")
    done("targets", "tell", "portraits")
    Webhook(done("targets", "rotate", "portraits", "--overlap-hours", "1").strip())
    done("targets", "remove", "portraits")
    missing = run.invoke(app, ["targets", "tell", "portraits"])
    assert isinstance(missing.exception, SafelightError)
    assert missing.exception.code == "target_not_found"
