"""A team with a service of its own: its versions are told, released and watched, and never loaded."""

import io
import time

import httpx
import pytest
from PIL import Image

from safelight.access import Role
from safelight.client import Dropped, Recorder, Refused, Versions
from tests.integration.api.conftest import Installation

TOLD = {"name": "portraits:2026-11-03", "uri": "s3://models/portraits/2026-11-03", "facts": {"scheduler": "dpm++"}}


def register(client: httpx.Client, generator: str, **manifest: object) -> httpx.Response:
    return client.post("/api/v1/versions/external", json={"generator": generator, "manifest": TOLD | manifest})


def test_it_is_told_once_and_shown_as_what_it_is(api: Installation) -> None:
    with api.client(Role.OPERATOR) as client:
        answer = register(client, "told", description="autumn")
        again = register(client, "told")
        shown = client.get("/api/v1/versions/told/1").json()
    assert answer.status_code == 201
    assert answer.json()["number"] == again.json()["number"] == 1
    assert (shown["external"], shown["warm"], shown["description"]) == (True, False, "autumn")
    assert shown["manifest"]["kind"] == "external"
    assert shown["manifest"]["uri"] == TOLD["uri"]


def test_its_release_is_an_entry_of_the_ledger_and_the_first_screen_says_so(api: Installation) -> None:
    with api.client(Role.OPERATOR) as client:
        register(client, "promoted")
        ask = {"generator": "promoted", "version": 1, "reason": "deployed by us"}
        release = client.post("/api/v1/releases/promote", json=ask).raise_for_status().json()
        live = client.get("/api/v1/live", params={"generator": "promoted"}).json()
        status = client.get("/api/v1/generators/promoted").json()
    assert (release["state"], release["ledger_seq"]) == ("flipping", 1)
    assert (live["version"], live["entry"]["reason"]) == (1, "deployed by us")
    assert (status["serving"]["version"], status["serving"]["external"], status["engines"]) == (1, True, [])


def test_images_are_refused_with_what_to_do_instead(api: Installation) -> None:
    with api.client(Role.ADMIN) as client:
        register(client, "asked")
        client.post("/api/v1/releases/promote", json={"generator": "asked", "version": 1}).raise_for_status()
        ask = {"generator": "asked", "prompt": "a red fox"}
        deadline = time.monotonic() + 10
        # The gateway follows within a tenth of a second.
        unknown = {"generator_not_found", "nothing_serves"}
        while (answer := client.post("/api/v1/generations", json=ask)).json()["code"] in unknown:
            assert time.monotonic() < deadline
        openai = client.post("/v1/images/generations", json={"model": "asked", "prompt": "a red fox"})
        probes = client.post("/api/v1/probes/runs", json={"generator": "asked", "version": 1, "probe_set": "synthetic"})
    assert (answer.status_code, answer.json()["code"]) == (409, "served_elsewhere")
    assert openai.status_code == 409
    assert probes.status_code in (404, 409)


def test_what_it_made_is_taken_in_under_its_digest(api: Installation) -> None:
    with api.client(Role.ADMIN) as client:
        digest = register(client, "made").json()["digest"]
        line = {"generator": "made", "version": 1, "outcome": "failed", "error_code": "oom", "prompt": "a red fox"}
        taken = client.post("/api/v1/ingest", json=line).raise_for_status().json()["id"]
        assert client.get(f"/api/v1/generations/{taken}").json()["bundle_digest"] == digest


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ({"name": ""}, "manifest_invalid"),
        ({"checkpoint": "sha256:short"}, "manifest_invalid"),
        ({"dtype": "float16"}, "manifest_invalid"),
        ({"facts": {"x": "\0"}}, "manifest_invalid"),
    ],
)
def test_what_does_not_hold_together_is_refused(api: Installation, manifest: dict[str, object], code: str) -> None:
    with api.client(Role.OPERATOR) as client:
        answer = register(client, "refused", **manifest)
        known = [each["name"] for each in client.get("/api/v1/generators").json()["items"]]
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert "refused" not in known


def test_a_viewer_and_a_client_may_not(api: Installation) -> None:
    for role in (Role.VIEWER, Role.CLIENT):
        with api.client(role) as client:
            assert register(client, "forbidden").status_code == 403


def test_a_service_says_what_it_serves_and_tells_of_its_images(api: Installation) -> None:
    versions = Versions(api.url, api.keys[Role.OPERATOR][1])
    number = versions.register_external("sidecar", "sidecar:1", facts={"scheduler": "dpm++"})
    assert versions.register_external("sidecar", "sidecar:1", facts={"scheduler": "dpm++"}) == number == 1
    versions.promote("sidecar", number, reason="deployed")
    versions.promote("sidecar", number)
    with pytest.raises(Refused) as refused:
        versions.promote("sidecar", 9)
    assert (refused.value.status, refused.value.code) == (404, "unknown_version")

    picture = io.BytesIO()
    Image.linear_gradient("L").save(picture, "JPEG")
    with Recorder(api.url, api.keys[Role.CLIENT][1], generator="sidecar", version=number, region="eu") as recorder:
        made = recorder.record(prompt="a red fox", final_prompt="a red fox, film", image=picture.getvalue(), seed=7)
        failed = recorder.record(
            prompt="a red fox", outcome="failed", error_code="oom", tenant="ann", end_user="user-7"
        )
        wrong = recorder.record(prompt="a red fox", image=b"no image")
        assert recorder.flush(20)
        status = recorder.status()
    assert (status.sent, status.dropped, status.failing) == (2, {Dropped.REFUSED: 1}, None)
    with api.client(Role.VIEWER) as client:
        stored = client.get(f"/api/v1/generations/{made}").json()
        assert (stored["final_prompt"], stored["seed"], stored["region"]) == ("a red fox, film", 7, "eu")
        assert client.get(f"/api/v1/generations/{failed}").json()["tenant"] == "ann"
        assert client.get(f"/api/v1/generations/{wrong}").status_code == 404
