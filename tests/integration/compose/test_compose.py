"""The compose file is well formed, keeps no secret of its own, and names only what exists.

No container runs here: two independent readers (the compose specification's JSON schema, and docker-compose's own
parser) take the file, and every variable and command in it is checked against the code.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from typer.testing import CliRunner

from safelight.cli import app
from safelight.settings import Settings

ROOT = Path(__file__).parents[3]
COMPOSE = ROOT / "docker-compose.yml"

SECRETS = ("POSTGRES_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY", "SAFELIGHT_ENGINE_TOKEN")


def config(**variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        ["docker-compose", "--file", COMPOSE, "config"],
        check=False,
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services as docker-compose resolves them, every secret given."""
    resolved = config(**{name: f"given-{name.lower()}" for name in SECRETS})
    assert resolved.returncode == 0, resolved.stderr
    loaded: dict[str, Any] = yaml.safe_load(resolved.stdout)["services"]
    return loaded


def test_it_follows_the_compose_specification() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE],
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("missing", SECRETS)
def test_a_secret_that_is_not_given_is_asked_for(missing: str) -> None:
    refused = config(**{name: "given" for name in SECRETS if name != missing})
    assert refused.returncode != 0
    assert "choose one in .env" in refused.stderr


def test_the_example_names_every_secret_and_gives_none() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == [f"{name}=" for name in SECRETS]


def known_variables(model: type[BaseModel] = Settings, prefix: str = "SAFELIGHT_") -> set[str]:
    names: set[str] = set()
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name.upper()}"
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            names |= known_variables(nested, f"{variable}__")
        else:
            names.add(variable)
    return names


def test_every_variable_is_a_setting(services: dict[str, Any]) -> None:
    given = {name for service in services.values() for name in service["environment"] if name.startswith("SAFELIGHT_")}
    in_image = set(re.findall(r"\bSAFELIGHT_\w+(?==)", (ROOT / "Dockerfile").read_text()))
    assert given
    assert given | in_image <= known_variables()


@pytest.mark.parametrize("service", ["api", "engine", "worker", "migrate"])
def test_every_command_exists(services: dict[str, Any], service: str) -> None:
    asked = CliRunner().invoke(app, [*services[service]["command"], "--help"])
    assert asked.exit_code == 0, asked.output


def test_what_runs_on_is_watched_and_what_ends_is_not(services: dict[str, Any]) -> None:
    one_shot = {name for name, service in services.items() if service["restart"] == "no"}
    watched = {name for name, service in services.items() if "healthcheck" in service}
    assert one_shot == {"migrate", "mlflow-schema"}
    assert watched == services.keys() - one_shot


def test_state_is_kept_in_named_volumes(services: dict[str, Any]) -> None:
    kept = {name: [mount.split(":")[0] for mount in service.get("volumes", [])] for name, service in services.items()}
    assert kept["postgres"] == ["postgres"]
    assert kept["objects"] == ["objects"]
    assert kept["api"] == kept["worker"] == kept["engine"] == ["safelight"]


def test_links_lead_where_people_reach_it() -> None:
    address = "https://safelight.example.org"
    resolved = config(**dict.fromkeys(SECRETS, "given"), SAFELIGHT_PUBLIC_URL=address).stdout
    told = {name: yaml.safe_load(resolved)["services"][name]["environment"] for name in ("api", "worker")}
    assert {name: each["SAFELIGHT_API__PUBLIC_URL"] for name, each in told.items()} == {
        "api": address,
        "worker": address,
    }


def test_only_the_dashboard_is_published_and_only_to_this_machine(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert published == {"api": ["127.0.0.1:8484:8484/tcp"]}


def test_mlflow_keeps_to_its_schema_and_to_itself(services: dict[str, Any]) -> None:
    environment = services["mlflow"]["environment"]
    assert environment["MLFLOW_BACKEND_STORE_URI"].endswith("?options=-csearch_path%3Dmlflow")
    assert json.loads(environment["MLFLOW_DISABLE_TELEMETRY"]) is True
    assert json.loads(environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"]) is False
