"""What deployment tools are told, read as their documentation and ours say: missing data never passes."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy import delete

from monitors.verdict import Health, Reason, Verdict
from safelight.access import Role
from safelight.store import incidents, monitors, verdicts
from safelight.store.incidents import Resolution
from safelight.store.tables import MonitorRow, VerdictRow
from safelight.store.verdicts import NewVerdict
from safelight.watching.monitors import defaults

from .conftest import CLOCK, Installation  # noqa: TID252

PAGE = Path(__file__).parents[3] / "docs" / "integrations.md"
URL = "/api/v1/verdicts/sprites"
REASONS = {
    Health.HEALTHY: Reason.WITHIN_BUDGET,
    Health.DEGRADED: Reason.CONDITIONAL_DRIFT,
    Health.INCONCLUSIVE: Reason.TOO_FEW_GENERATIONS,
    Health.ERROR: Reason.FAILED,
}


@pytest.fixture
def viewer(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.VIEWER) as client:
        yield client


@pytest.fixture(autouse=True)
def watched(api: Installation) -> Iterator[None]:
    """The default monitors are there, and nothing has been said."""
    with api.database.transaction() as session:
        monitors.add_missing(session, defaults("sprites", CLOCK.now()))
    yield
    with api.database.transaction() as session:
        session.execute(delete(VerdictRow))
        session.execute(delete(MonitorRow))


def say(api: Installation, *healths: Health, version: int = 1, ago: float = 0.0) -> None:
    """Critical monitors answer, one health each."""
    names = ["conditional_drift", "blank_rate", "service_health"]
    answers = [
        NewVerdict(name, True, version, Verdict(health, REASONS[health], f"{name} is {health}"))
        for name, health in zip(names, healths, strict=False)
    ]
    with api.database.transaction() as session:
        verdicts.add(session, "sprites", CLOCK.now() - timedelta(seconds=ago), answers)


def documented(kind: str) -> Any:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (found,) = [document for document in map(yaml.safe_load, blocks) if document["kind"] == kind]
    return found["spec"]


def argo(client: httpx.Client, version: int = 1) -> str:
    """The phase that Argo Rollouts gives the documented measurement."""
    metric = documented("AnalysisTemplate")["metrics"][0]
    web = metric["provider"]["web"]
    url = web["url"].replace("{{ args.generator }}", "sprites").replace("{{ args.version }}", str(version))
    response = client.get(url.partition("example.com")[2])
    if not response.is_success:
        return "Error"
    (field,) = re.fullmatch(r"\{\$\.(\w+)\}", web["jsonPath"]).groups()  # type: ignore[union-attr]
    result = response.json()[field]

    def holds(condition: str) -> bool:
        (expected,) = re.fullmatch(r'result == "(\w+)"', condition).groups()  # type: ignore[union-attr]
        return bool(result == expected)

    if holds(metric["failureCondition"]):
        return "Failed"
    return "Successful" if holds(metric["successCondition"]) else "Inconclusive"


def flagger(api: Installation, version: str | None = None) -> dict[str, bool]:
    """Which of the documented hooks succeed, by their type: Flagger takes a status up to 202 for success."""
    passed = {}
    key = api.keys[Role.VIEWER][1]
    with httpx.Client(base_url=api.url, trust_env=False) as client:
        for hook in documented("Canary")["analysis"]["webhooks"]:
            path = hook["url"].partition("example.com")[2].replace("portraits", "sprites")
            call = {
                "name": "portraits",
                "namespace": "prod",
                "phase": "Progressing",
                "checksum": "85d557f47b",
                "metadata": hook["metadata"] | {"key": key, "version": version or "1"},
            }
            passed[hook["type"]] = client.post(path, json=call).status_code <= 202
    return passed


GO_ON = {"confirm-traffic-increase": True, "confirm-promotion": True, "rollback": False}
GO_BACK = {"confirm-traffic-increase": False, "confirm-promotion": False, "rollback": True}
WAIT = dict.fromkeys(GO_ON, False)


@pytest.mark.parametrize(
    ("healths", "phase", "hooks"),
    [
        ([Health.HEALTHY] * 3, "Successful", GO_ON),
        ([Health.HEALTHY, Health.DEGRADED, Health.HEALTHY], "Failed", GO_BACK),
        ([Health.DEGRADED, Health.ERROR, Health.INCONCLUSIVE], "Failed", GO_BACK),
        ([Health.HEALTHY, Health.INCONCLUSIVE, Health.HEALTHY], "Inconclusive", WAIT),
        ([Health.HEALTHY, Health.ERROR, Health.HEALTHY], "Inconclusive", WAIT),
        ([], "Inconclusive", WAIT),
    ],
)
def test_tools_read_the_verdict_as_it_is_meant(
    api: Installation, viewer: httpx.Client, healths: list[Health], phase: str, hooks: dict[str, bool]
) -> None:
    say(api, *healths)
    assert argo(viewer) == phase
    assert flagger(api) == hooks


def test_what_was_said_a_while_ago_says_nothing_about_now(api: Installation, viewer: httpx.Client) -> None:
    say(api, Health.HEALTHY, ago=600)
    assert argo(viewer) == "Inconclusive"
    assert flagger(api) == WAIT


def test_what_was_said_of_another_version_says_nothing_about_this_one(api: Installation, viewer: httpx.Client) -> None:
    say(api, Health.HEALTHY, version=2)
    assert argo(viewer) == "Inconclusive"
    assert argo(viewer, version=2) == "Inconclusive", "it does not serve"
    assert viewer.get(URL, params={"version": 2}).json()["reason"] == "not_serving"
    assert flagger(api, "2") == WAIT


def test_an_open_incident_outlasts_a_tick_that_looks_well(api: Installation, viewer: httpx.Client) -> None:
    say(api, Health.HEALTHY)
    with api.database.transaction() as session:
        opened = incidents.open_incident(
            session,
            generator="sprites",
            dedup_key="one",
            title="Version 1 of sprites: conditional drift",
            monitor="conditional_drift",
            reason="conditional_drift",
            verdict_id=None,
            suspect_version=1,
            suspect_release_id=None,
            suggested_target=None,
            evidence={},
            now=CLOCK.now(),
        )
    assert argo(viewer) == "Failed"
    assert viewer.get(URL).json()["incident_id"] == str(opened.id)
    with api.database.transaction() as session:
        incidents.resolve(session, opened.id, "anna", Resolution.BY_HAND, CLOCK.now())
    assert argo(viewer) == "Successful"


def test_the_verdict_says_who_said_what(api: Installation, viewer: httpx.Client) -> None:
    say(api, Health.HEALTHY, Health.DEGRADED)
    verdict = viewer.get(URL).json()
    assert (verdict["passed"], verdict["version"], verdict["serving"]) == (False, 1, 1)
    assert verdict["summary"] == "blank_rate is degraded"
    assert {each["monitor"]: each["health"] for each in verdict["monitors"]} == {
        "conditional_drift": "healthy",
        "blank_rate": "degraded",
    }


def test_a_generator_that_does_not_exist_is_an_error(viewer: httpx.Client) -> None:
    assert viewer.get("/api/v1/verdicts/nobody").json()["code"] == "generator_not_found"


@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ({}, 401),
        ({"key": "sl_guess"}, 401),
        ({"key": "viewer", "version": "new"}, 422),
        ({"key": "viewer", "version": "0"}, 422),
        ({"key": "viewer", "version": "9" * 5_000}, 422),
    ],
)
def test_a_hook_that_may_not_or_makes_no_sense_is_refused(
    api: Installation, metadata: dict[str, str], status: int
) -> None:
    if metadata.get("key") == "viewer":
        metadata = metadata | {"key": api.keys[Role.VIEWER][1]}
    with httpx.Client(base_url=api.url, trust_env=False) as stranger:
        assert stranger.post(f"{URL}/gate", json={"metadata": metadata}).status_code == status


def test_a_clients_key_reads_no_verdicts(api: Installation) -> None:
    with httpx.Client(base_url=api.url, trust_env=False) as stranger:
        call = {"metadata": {"key": api.keys[Role.CLIENT][1]}}
        assert stranger.post(f"{URL}/gate", json=call).status_code == 403
