"""Probe sets and runs by REST."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from safelight.access import Role

from .conftest import Installation  # noqa: TID252

PROBES = [{"prompt": f"a thing, number {i}", "seed": i} for i in range(20)]


@pytest.fixture(scope="module")
def operator(api: Installation) -> Iterator[httpx.Client]:
    with api.client(Role.OPERATOR) as client:
        yield client


def answer(reply: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    document: dict[str, Any] = reply.json()
    return document


def keep(client: httpx.Client, name: str, probes: list[dict[str, Any]], status: int = 201) -> dict[str, Any]:
    body = {"generator": "sprites", "name": name, "probes": probes}
    return answer(client.post("/api/v1/probes/sets", json=body), status)


def test_a_set_is_kept_listed_and_shown(operator: httpx.Client) -> None:
    kept = keep(operator, "mine", PROBES)
    assert (kept["size"], kept["plain"], kept["source"]) == (20, 20, "imported")
    listed = answer(operator.get("/api/v1/probes/sets", params={"generator": "sprites"}))["items"]
    assert kept in listed
    shown = answer(operator.get(f"/api/v1/probes/sets/{kept['id']}"))
    assert [probe["prompt"] for probe in shown["probes"]] == [probe["prompt"] for probe in PROBES]
    assert keep(operator, "mine", PROBES)["id"] == kept["id"]


def test_a_set_never_changes(operator: httpx.Client) -> None:
    keep(operator, "fixed", PROBES)
    assert keep(operator, "fixed", PROBES[1:], status=409)["code"] == "probe_set_exists"


@pytest.mark.parametrize(
    ("media", "text"),
    [
        ("text/csv", "prompt,seed\n" + "\n".join(f"thing {i},{i}" for i in range(16))),
        ("application/x-ndjson", "\n".join(json.dumps({"prompt": f"thing {i}", "seed": i}) for i in range(16))),
    ],
)
def test_a_file_is_taken_as_it_is(operator: httpx.Client, media: str, text: str) -> None:
    where = {"generator": "sprites", "name": f"from {media}"}
    sent = operator.post("/api/v1/probes/sets/upload", params=where, content=text, headers={"content-type": media})
    assert answer(sent, 201)["size"] == 16


@pytest.mark.parametrize(
    ("probes", "said"),
    [
        (PROBES[:3], "too few"),
        ([*PROBES, {"prompt": "x", "steps": 51}], "probe 21: steps"),
        ([*PROBES, {"promt": "x"}], "probe 21"),
    ],
)
def test_a_set_that_cannot_be_made_is_refused(operator: httpx.Client, probes: list[dict[str, Any]], said: str) -> None:
    refused = keep(operator, "broken", probes, status=422)
    assert refused["code"] == "probe_set_invalid"
    assert said in refused["detail"]


def test_prompts_of_people_are_left_alone_unless_allowed(operator: httpx.Client) -> None:
    body = {"generator": "sprites", "name": "drawn"}
    assert answer(operator.post("/api/v1/probes/sets/draw", json=body), 403)["code"] == "production_prompts_not_allowed"


def test_probes_are_ordered_looked_at_and_cancelled(operator: httpx.Client) -> None:
    keep(operator, "mine", PROBES)
    body = {"generator": "sprites", "version": 2, "against": 1, "probe_set": "mine", "pairs": 16}
    ordered = answer(operator.post("/api/v1/probes/runs", json=body), 202)
    assert (ordered["purpose"], ordered["size"], ordered["state"], ordered["verdict"]) == (
        "requested",
        16,
        "ordered",
        None,
    )
    runs = answer(operator.get("/api/v1/probes/runs", params={"generator": "sprites"}))["items"]
    assert [(run["purpose"], run["version"]) for run in runs] == [("requested", 2), ("baseline", 1)]
    assert answer(operator.get(f"/api/v1/probes/runs/{ordered['id']}"))["pairs"] == []
    for run in runs:
        assert answer(operator.post(f"/api/v1/probes/runs/{run['id']}/cancel"))["state"] == "cancelled"


def test_what_does_not_exist_is_named(operator: httpx.Client) -> None:
    unknown = "00000000-0000-7000-8000-000000000000"
    assert answer(operator.get(f"/api/v1/probes/sets/{unknown}"), 404)["code"] == "probe_set_not_found"
    assert answer(operator.get(f"/api/v1/probes/runs/{unknown}"), 404)["code"] == "probe_run_not_found"
    body = {"generator": "sprites", "version": 9}
    assert answer(operator.post("/api/v1/probes/runs", json=body), 404)["code"] == "version_not_found"


def test_a_viewer_orders_nothing(api: Installation) -> None:
    with api.client(Role.VIEWER) as viewer:
        body = {"generator": "sprites", "version": 1}
        assert viewer.post("/api/v1/probes/runs", json=body).status_code == 403
