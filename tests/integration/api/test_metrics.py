"""What is scraped: by the official tools, and by the dashboard and the alerts that we ship."""

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from safelight.access import Role
from safelight.telemetry.exposing import expose
from tests.integration.api.conftest import Installation

DOCS = Path(__file__).parents[3] / "docs"
EXPRESSION = re.compile(r"\bsafelight_[a-z_]+")
PATIENCE = 30.0


@pytest.fixture(scope="module")
def text(api: Installation) -> str:
    """The metrics of an API that has made an image, refused one and recorded what others made."""
    with api.client(Role.ADMIN) as client:
        client.post("/api/v1/generations", json={"generator": "sprites", "prompt": "a red fox"}).raise_for_status()
        line = {"generator": "sprites", "version": 1, "outcome": "failed", "error_code": "oom", "prompt": "a red fox"}
        client.post("/api/v1/ingest", json=line).raise_for_status()
    with api.client(Role.VIEWER) as client:
        return client.get("/metrics").raise_for_status().text


def value(text: str, name: str, **labels: str) -> float:
    (found,) = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and sample.labels.items() >= labels.items()
    ]
    return found


def test_what_is_exported_holds_to_the_conventions(text: str) -> None:
    ours = re.sub(r"(?m)^(# (HELP|TYPE) )?(python|process)_.*\n", "", text)
    done = subprocess.run(["promtool", "check", "metrics"], input=ours, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_happened_is_counted(text: str) -> None:
    served = {"generator": "sprites", "version": "1", "arm": "stable", "outcome": "served"}
    assert value(text, "safelight_generations_total", **served) >= 1
    assert value(text, "safelight_generations_total", **served | {"outcome": "failed"}) >= 1
    assert value(text, "safelight_generation_seconds_count", generator="sprites") >= 1
    assert value(text, "safelight_queue_seconds_count", generator="sprites") >= 1
    assert value(text, "safelight_batch_size_sum", generator="sprites") >= 1
    assert value(text, "safelight_step_seconds_count", generator="sprites") >= 1
    assert value(text, "safelight_engine_seconds_total", generator="sprites", version="1") > 0
    assert value(text, "safelight_engines", generator="sprites", state="ready") == 1
    assert value(text, "safelight_waiting_images", generator="sprites") == 0
    assert value(text, "safelight_unlogged_generations_total") == 0
    assert value(text, "safelight_journal_backlog_generations") >= 2
    assert 0 < value(text, "safelight_journal_fill_ratio") < 1


def test_without_a_price_nothing_is_said_to_be_free(text: str) -> None:
    assert "safelight_cost" not in text


def test_nobody_without_a_key_reads_them(api: Installation) -> None:
    with api.client(Role.VIEWER) as client:
        assert client.get("/metrics", headers={"Authorization": ""}).status_code == 401


def exported(text: str) -> set[str]:
    """The families, and the names that their samples have."""
    families = re.findall(r"^# TYPE (safelight_\w+) (\w+)$", text, flags=re.MULTILINE)
    parts = {"histogram": ("_bucket", "_sum", "_count")}
    # Without a price there is no cost; test_cost shows that there is one with it.
    return {name + part for name, kind in families for part in parts.get(kind, ("",))} | {"safelight_cost_total"}


def test_every_metric_of_the_dashboard_is_exported(text: str) -> None:
    dashboard = json.loads((DOCS / "grafana" / "safelight.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += [each["query"] for each in dashboard["templating"]["list"]]
    named = set(EXPRESSION.findall(" ".join(expressions)))
    assert len(named) > 20
    assert named <= exported(text)


def test_every_metric_of_the_alerts_is_exported_and_their_rules_hold(text: str) -> None:
    rules = DOCS / "prometheus" / "alerts.yml"
    done = subprocess.run(["promtool", "check", "rules", str(rules)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(EXPRESSION.findall(rules.read_text())) <= exported(text)


def test_every_metric_of_the_document_is_exported(text: str) -> None:
    named = set(re.findall(r"`(safelight_[a-z_]+)`", (DOCS / "metrics.md").read_text()))
    parts = {name for name in named if name + "_count" in exported(text)}
    assert len(named) > 25
    assert named - parts <= exported(text) | {"safelight_price_per_engine_hour"}


LOOKS = 'safelight_monitor_ticks_total{result="done"}'
NOBODY_TOLD = 'safelight_deliveries_total{kind="slack", result="disable"}'


@pytest.mark.parametrize(
    ("series", "values", "alert", "fires"),
    [
        (LOOKS, "0+6x160", "SafelightNotWatching", False),
        (LOOKS, "0+6x40 stale", "SafelightNotWatching", True),
        (LOOKS, "stale", "SafelightNotWatching", True),
        (NOBODY_TOLD, "0x160", "SafelightCannotTell", False),
        (NOBODY_TOLD, "0x80 1x80", "SafelightCannotTell", True),
    ],
)
def test_an_alert_rings_where_it_should(tmp_path: Path, series: str, values: str, alert: str, fires: bool) -> None:
    """As the values come in every quarter of a minute; at forty minutes it rings or does not."""
    query = f"count(ALERTS{{alertname='{alert}', alertstate='firing'}})"
    played = {
        "interval": "15s",
        "input_series": [{"series": series, "values": values}],
        "promql_expr_test": [
            {"expr": query, "eval_time": "40m", "exp_samples": [{"labels": "{}", "value": 1}] if fires else []}
        ],
    }
    rules = {"rule_files": [str(DOCS / "prometheus" / "alerts.yml")], "tests": [played]}
    (tmp_path / "played.yml").write_text(json.dumps(rules))
    command = ["promtool", "test", "rules", "played.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_that_we_ship_is_one(tmp_path: Path) -> None:
    for name in ("prometheus.yml", "alerts.yml"):
        (tmp_path / name).write_text((DOCS / "prometheus" / name).read_text())
    (tmp_path / "viewer.key").write_text("a key")
    command = ["promtool", "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def prometheus(api: Installation, text: str, tmp_path: Path) -> Iterator[str]:
    """The real one, set up as our file says but for the addresses and the interval."""
    worker, port = free_port(), free_port()
    expose("127.0.0.1", worker)
    config = (DOCS / "prometheus" / "prometheus.yml").read_text()
    config = config.replace("127.0.0.1:8484", api.url.removeprefix("http://")).replace("9484", str(worker))
    (tmp_path / "prometheus.yml").write_text(config.replace("15s", "500ms"))
    (tmp_path / "alerts.yml").write_text((DOCS / "prometheus" / "alerts.yml").read_text())
    (tmp_path / "viewer.key").write_text(api.keys[Role.VIEWER][1])
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"http://127.0.0.1:{port}/api/v1"
    process.terminate()
    process.wait(20)


def asked(address: str) -> Any:
    """What Prometheus answers; None while it starts."""
    try:
        answer = httpx.get(address, trust_env=False)
    except httpx.TransportError:
        return None
    return answer.json()["data"] if answer.is_success else None


def test_a_real_prometheus_scrapes_the_api_and_the_worker(prometheus: str) -> None:
    deadline = time.monotonic() + PATIENCE
    targets: list[Any] = []
    while len(targets) < 2 or any(target["health"] != "up" for target in targets):
        assert time.monotonic() < deadline, targets
        time.sleep(0.2)
        targets = (asked(f"{prometheus}/targets") or {"activeTargets": []})["activeTargets"]
    found = asked(f"{prometheus}/query?query=safelight_generations_total")["result"]
    assert {each["metric"]["outcome"] for each in found} >= {"served", "failed"}
    rules = asked(f"{prometheus}/rules")["groups"][0]["rules"]
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
