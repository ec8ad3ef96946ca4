"""Bringing one's own: a checkpoint with adapters, and variants of it that cost less."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from safetensors.numpy import save_file

from registry.fakes import write_checkpoint
from safelight.access import Role
from safelight.store import variant_reports
from tests.integration.api.conftest import Installation

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
MANIFEST = {
    "dtype": "float16",
    "defaults": {"steps": 10, "guidance": 3.0, "width": 64, "height": 64},
    "limits": {"min_side": 64, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 300},
    "golden": [{"prompt": "an apple", "seed": 7}],
}


@pytest.fixture
def lora(tmp_path: Path) -> str:
    save_file({"unet.to_q.lora_A.weight": np.ones((2, 4), np.float16)}, tmp_path / "sketch.safetensors")
    return str(tmp_path / "sketch.safetensors")


def register(client: httpx.Client, generator: str, folder: Path, **more: Any) -> httpx.Response:
    if not folder.exists():
        write_checkpoint(folder)
    body = {"generator": generator, "folder": str(folder), "manifest": MANIFEST, **more}
    return client.post("/api/v1/versions", json=body)


def test_adapters_from_elsewhere_become_part_of_the_version(api: Installation, tmp_path: Path, lora: str) -> None:
    with api.client(Role.ADMIN) as client:
        plain = register(client, "adapted", tmp_path / "one").json()
        adapted = register(
            client, "adapted", tmp_path / "one", adapters=[{"name": "sketch", "file": lora, "scale": 0.5}]
        ).json()
    assert (plain["number"], adapted["number"]) == (1, 2)
    assert adapted["manifest"]["adapters"] == [{"name": "sketch", "file": "adapters/sketch.safetensors", "scale": 0.5}]
    assert adapted["manifest"]["checkpoint"] != plain["manifest"]["checkpoint"]


@pytest.mark.parametrize(
    ("adapter", "status", "code"),
    [
        ({"name": "sketch", "file": "/nowhere.safetensors"}, 422, "manifest_adapter_missing"),
        ({"name": "a b", "file": "x.safetensors"}, 422, "invalid_request"),
        ({"name": "sketch", "file": "x.safetensors", "scale": "much"}, 422, "invalid_request"),
        ({"name": "sketch"}, 422, "invalid_request"),
    ],
)
def test_an_adapter_that_cannot_be_is_refused(
    adapter: dict[str, Any], status: int, code: str, api: Installation, tmp_path: Path
) -> None:
    with api.client(Role.ADMIN) as client:
        answer = register(client, "refused", tmp_path / "one", adapters=[adapter])
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert client.get("/api/v1/versions", params={"generator": "refused"}).status_code == 404


def test_a_variant_is_a_version_that_names_its_parent(api: Installation, tmp_path: Path) -> None:
    with api.client(Role.ADMIN) as client:
        parent = register(client, "cheaper", tmp_path / "one").json()
    changes = {"quantisation": {"scheme": "int8_weight_only"}, "steps": 4}
    with api.client(Role.OPERATOR) as client:
        variant = client.post("/api/v1/versions/cheaper/1/variants", json=changes)
        again = client.post("/api/v1/versions/cheaper/1/variants", json=changes)
        shown = client.get("/api/v1/versions/cheaper/2").json()
    assert variant.status_code == 201
    assert variant.json()["number"] == again.json()["number"] == 2
    assert (parent["parent"], shown["parent"]) == (None, 1)
    assert shown["manifest"]["parent"] == parent["digest"]
    assert shown["manifest"]["checkpoint"] == parent["manifest"]["checkpoint"]
    assert shown["manifest"]["defaults"]["steps"] == 4


@pytest.mark.parametrize(
    ("path", "changes", "status", "code"),
    [
        ("odd/1", {}, 422, "manifest_variant_unchanged"),
        ("odd/1", {"steps": 51}, 422, "manifest_invalid"),
        ("odd/1", {"steps": 0}, 422, "invalid_request"),
        ("odd/1", {"dtype": "int8"}, 422, "invalid_request"),
        ("odd/1", {"colour": "red"}, 422, "invalid_request"),
        ("odd/9", {"steps": 4}, 404, "unknown_version"),
        ("nobody/1", {"steps": 4}, 404, "unknown_generator"),
    ],
)
def test_a_variant_that_cannot_be_is_refused(
    path: str, changes: dict[str, Any], status: int, code: str, api: Installation, tmp_path: Path
) -> None:
    with api.client(Role.ADMIN) as client:
        register(client, "odd", tmp_path / "one")
        answer = client.post(f"/api/v1/versions/{path}/variants", json=changes)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert len(client.get("/api/v1/versions", params={"generator": "odd"}).json()["items"]) == 1
    with api.client(Role.VIEWER) as client:
        assert client.post(f"/api/v1/versions/{path}/variants", json=changes).status_code == 403


def test_the_newest_report_of_a_variant_is_shown(api: Installation, tmp_path: Path) -> None:
    with api.client(Role.ADMIN) as client:
        register(client, "measured", tmp_path / "one")
        client.post("/api/v1/versions/measured/1/variants", json={"steps": 4}).raise_for_status()
    with api.client(Role.VIEWER) as client:
        for path in ("measured/2", "measured/9"):
            assert client.get(f"/api/v1/versions/{path}/variant-report").status_code == 404
        for seconds in (2.0, 1.0):
            with api.database.transaction() as session:
                variant_reports.add(session, "measured", 2, _report(seconds), now=MOMENT, actor="tester")
        shown = client.get("/api/v1/versions/measured/2/variant-report").raise_for_status().json()
    assert (shown["parent"], shown["variant_cost"]["seconds_p50"]) == (1, 1.0)


def _report(seconds: float) -> dict[str, Any]:
    few = {"value": None, "n": 0, "needed": 30}
    side = {"alignment": few, "broken_rate": few, "diversity": few, "seconds_p50": few}
    cost = {"seconds_p50": seconds, "host_bytes": 1, "device_bytes": None}
    trial = {
        "pairs": 0, "compared": 0, "old": side, "new": side, "alignment_change": few, "diversity_change": few,
        "newly_broken": 0, "mended": 0, "p_broken": 1.0, "embedding_change": 0.0, "p_changed": 1.0, "p_worse": 1.0,
        "slowdown": few, "margin": 0.01, "conclusion": "cannot_tell", "statement": "too few",
    }  # fmt: skip
    return {
        "generator": "measured", "version": 2, "parent": 1, "made_at": "2026-01-01T00:00:00Z", "runs_on": "cpu",
        "embedder_digest": "sha256:e", "changes": [], "parent_cost": cost, "variant_cost": cost, "speedup": None,
        "memory_ratio": 1.0, "trial": trial,
    }  # fmt: skip
