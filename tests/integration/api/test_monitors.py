"""Monitors and baselines over HTTP: who may, what comes back, and what is refused without a trace."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from monitors.verdict import Health, Reason, Verdict
from safelight.access import Role
from safelight.store import monitors, traffic, verdicts
from safelight.store.tables import BaselineJob, MonitorRow, TrafficBucket, VerdictRow
from safelight.store.traffic import LATENCY_CLASSES, Traffic
from safelight.store.verdicts import NewVerdict
from safelight.watching.monitors import defaults

from .conftest import CLOCK, Installation  # noqa: TID252
from .test_refusals import refused, unchanged  # noqa: F401, TID252

URL = "/api/v1/monitors/sprites"
QUICK = {"kind": "blank_rate", "tolerance": 0.01, "longest_seconds": 600}


@pytest.fixture
def admin(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.ADMIN) as client:
        yield client


@pytest.fixture
def operator(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.OPERATOR) as client:
        yield client


@pytest.fixture(autouse=True)
def watched(api: Installation) -> Iterator[None]:
    with api.database.transaction() as session:
        monitors.add_missing(session, defaults("sprites", CLOCK.now()))
    yield
    with api.database.transaction() as session:
        for table in (VerdictRow, MonitorRow, BaselineJob):
            session.execute(delete(table))


def test_a_monitor_is_made_shown_replaced_switched_and_forgotten(admin: httpx.Client, operator: httpx.Client) -> None:
    made = admin.put(f"{URL}/quick", json={"document": QUICK}).json()
    assert made["document"] == QUICK | {"share": 1.0, "critical": True}
    assert (made["kind"], made["enabled"], made["default"]) == ("blank_rate", True, False)
    assert 0 < made["budget"]["false_alarms_per_month"] < 1
    assert made["budget"]["alpha"] * made["budget"]["comparisons_per_month"] == pytest.approx(
        made["budget"]["false_alarms_per_month"]
    )
    before = operator.get(f"{URL}/service_health").json()["budget"]["false_alarms_per_month"]
    assert operator.patch(f"{URL}/quick", json={"enabled": False}).json()["budget"] is None
    assert operator.get(f"{URL}/service_health").json()["budget"]["false_alarms_per_month"] > before
    replaced = admin.put(f"{URL}/quick", json={"document": QUICK | {"share": 3}, "enabled": False}).json()
    assert (replaced["document"]["share"], replaced["enabled"]) == (3.0, False)
    listed = operator.get("/api/v1/monitors", params={"generator": "sprites"}).json()["items"]
    assert "quick" in [each["name"] for each in listed]
    assert admin.delete(f"{URL}/quick").status_code == 204
    refused(operator.get(f"{URL}/quick"), 404, "monitor_not_found")
    actions = [each["action"] for each in admin.get("/api/v1/audit").json()["items"]]
    assert actions[:4] == ["monitor.deleted", "monitor.replaced", "monitor.disabled", "monitor.created"]


def test_many_are_applied_or_none(admin: httpx.Client) -> None:
    wanted = [{"generator": "sprites", "name": name, "document": QUICK} for name in ("one", "two")]
    changes = [
        each["change"] for each in admin.post("/api/v1/monitors/apply", json={"monitors": wanted}).json()["items"]
    ]
    assert changes == ["created", "created"]
    wanted[0]["document"] = QUICK | {"tolerance": 0.02}
    wanted.append({"generator": "sprites", "name": "three", "document": {"kind": "astrology"}})
    problem = refused(admin.post("/api/v1/monitors/apply", json={"monitors": wanted}), 422, "monitors_invalid")
    assert [(each["monitor"], each["field"]) for each in problem["errors"]] == [("sprites three", "kind")]
    assert admin.get(f"{URL}/one").json()["document"]["tolerance"] == 0.01


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", f"{URL}/mine", {"document": QUICK}),
        ("DELETE", f"{URL}/blank_rate", None),
        ("POST", "/api/v1/monitors/apply", {"monitors": [{"generator": "sprites", "name": "x", "document": QUICK}]}),
    ],
)
def test_what_is_watched_is_an_admins_to_say(
    operator: httpx.Client,
    unchanged: None,  # noqa: F811
    method: str,
    path: str,
    body: Any,
) -> None:
    refused(operator.request(method, path, json=body), 403, "not_allowed")


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (f"{URL}/No Name", {"document": QUICK}, 422, "monitors_invalid"),
        (f"{URL}/blank_rate", {"document": {"kind": "service_health"}}, 422, "monitors_invalid"),
        (f"{URL}/service_health", {"document": {"kind": "service_health", "max_errors": 1}}, 422, "monitors_invalid"),
        (f"{URL}/quick", {"document": QUICK, "enabld": True}, 422, "invalid_request"),
        ("/api/v1/monitors/nobody/quick", {"document": QUICK}, 422, "monitors_invalid"),
    ],
)
def test_a_document_that_makes_no_sense(
    admin: httpx.Client,
    unchanged: None,  # noqa: F811
    path: str,
    body: Any,
    status: int,
    code: str,
) -> None:
    refused(admin.put(path, json=body), status, code)


def test_a_default_monitor_is_not_deleted(admin: httpx.Client, unchanged: None) -> None:  # noqa: F811
    refused(admin.delete(f"{URL}/blank_rate"), 409, "monitor_is_default")


def test_a_monitor_answers_whoever_asks_and_keeps_nothing(operator: httpx.Client, unchanged: None) -> None:  # noqa: F811
    answer = operator.post(f"{URL}/service_health/run").json()
    assert (answer["ad_hoc"], answer["monitor"], answer["version"]) == (True, "service_health", 1)
    assert answer["health"] == "inconclusive"
    refused(operator.post(f"{URL}/nothing/run"), 404, "monitor_not_found")


def test_a_dry_run_says_what_would_have_been_and_keeps_nothing(operator: httpx.Client, unchanged: None) -> None:  # noqa: F811
    now = CLOCK.now()
    past = {"from": (now - timedelta(minutes=10)).isoformat(), "to": (now + timedelta(minutes=2)).isoformat()}
    found = operator.post(f"{URL}/dry-run", json={"document": {"kind": "service_health"}, **past}).json()
    assert (found["ticks"], found["alarms"]) == (12, [])
    assert found["silent"] >= 9, "nothing served yet"
    assert sum(found["healths"].values()) == found["ticks"] - found["silent"]
    long_ago = past | {"from": (now - timedelta(days=30)).isoformat()}
    refused(operator.post(f"{URL}/dry-run", json={"document": QUICK, **long_ago}), 422, "too_many_ticks")
    refused(operator.post(f"{URL}/dry-run", json={"document": {}, **past}), 422, "monitor_invalid")


def test_verdicts_are_read_by_range_health_and_page(api: Installation, operator: httpx.Client) -> None:
    start = CLOCK.now().replace(microsecond=0) - timedelta(hours=1)
    healths = [Health.HEALTHY, Health.DEGRADED, Health.HEALTHY, Health.INCONCLUSIVE, Health.DEGRADED]
    with api.database.transaction() as session:
        for minute, health in enumerate(healths):
            said = NewVerdict("blank_rate", True, 1, Verdict(health, Reason.WITHIN_BUDGET, str(minute)))
            verdicts.add(session, "sprites", start + timedelta(minutes=minute), [said])

    def read(**asked: Any) -> tuple[list[str], str | None]:
        page = operator.get(f"{URL}/blank_rate/verdicts", params=asked).json()
        return [each["summary"] for each in page["items"]], page["next"]

    assert read() == (["4", "3", "2", "1", "0"], None)
    assert read(health="degraded") == (["4", "1"], None)
    middle = {"from": (start + timedelta(minutes=1)).isoformat(), "to": (start + timedelta(minutes=4)).isoformat()}
    first, following = read(limit=2, **middle)
    assert first == ["3", "2"]
    assert read(limit=2, before=following, **middle) == (["1"], None)
    refused(operator.get(f"{URL}/blank_rate/verdicts", params={"from": "2026-01-01T00:00:00"}), 422, "invalid_request")


@pytest.mark.parametrize(("arm", "served"), [("stable", True), ("canary", True), ("replay", False), ("probe", False)])
def test_only_what_people_asked_for_is_traffic(
    api: Installation, operator: httpx.Client, arm: str, served: bool
) -> None:
    bucket = Traffic("sprites", 1, arm, CLOCK.now(), 10, 0, 0, 0, (0,) * LATENCY_CLASSES, 0.0)
    with api.database.transaction() as session:
        traffic.add(session, [bucket])
    status = operator.get("/api/v1/generators/sprites").json()
    with api.database.transaction() as session:
        session.execute(delete(TrafficBucket))
    assert (status["images_per_minute"] > 0) is served


def test_a_baseline_is_asked_for_followed_and_cancelled(operator: httpx.Client) -> None:
    now = CLOCK.now()
    order = {
        "generator": "sprites",
        "version": 1,
        "name": "first",
        "source": "traffic",
        "from": (now - timedelta(hours=1)).isoformat(),
        "to": now.isoformat(),
    }
    accepted = operator.post("/api/v1/baselines", json=order)
    assert accepted.status_code == 202
    job = accepted.json()
    assert (job["state"], job["phase"], job["done"], job["total"]) == ("queued", "fitting", 0, 0)
    refused(operator.post("/api/v1/baselines", json=order), 409, "baseline_exists")
    assert operator.get("/api/v1/baseline-jobs", params={"generator": "sprites"}).json()["items"] == [job]
    cancelled = operator.post(f"/api/v1/baseline-jobs/{job['id']}/cancel").json()
    assert cancelled["state"] == "cancelled"
    assert operator.get(f"/api/v1/baseline-jobs/{job['id']}").json() == cancelled
    refused(operator.post(f"/api/v1/baseline-jobs/{job['id']}/cancel"), 409, "baseline_job_ended")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"source": "hearsay"}, 422, "invalid_request"),
        ({"version": 99}, 404, "version_not_found"),
        ({"from": "2999-01-01T00:00:00Z", "to": "2999-01-02T00:00:00Z"}, 422, "range_invalid"),
        ({"from": "2026-01-01T00:00:00"}, 422, "invalid_request"),
        ({"source": "replay", "prompts": 5}, 422, "invalid_request"),
    ],
)
def test_a_baseline_that_cannot_be(
    operator: httpx.Client,
    unchanged: None,  # noqa: F811
    changed: dict[str, Any],
    status: int,
    code: str,
) -> None:
    order = {"generator": "sprites", "version": 1, "name": "x", "source": "traffic"}
    if changed.get("source") != "replay":
        order |= {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z"}
    refused(operator.post("/api/v1/baselines", json=order | changed), status, code)


def test_a_replay_needs_prompts(operator: httpx.Client, unchanged: None) -> None:  # noqa: F811
    order = {"generator": "sprites", "version": 2, "name": "candidate", "source": "replay"}
    refused(operator.post("/api/v1/baselines", json=order), 409, "too_few_prompts")
    refused(operator.post("/api/v1/baselines", json=order | {"probe_set": "none"}), 404, "probe_set_not_found")
