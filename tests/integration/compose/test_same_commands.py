"""The compose file's commands and variables as plain processes: a real PostgreSQL, a real MLflow server, S3 over HTTP.

What differs from the containers is addresses, and that nothing isolates the processes.
"""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import boto3
import httpx
import openai
import pytest
import yaml
from moto.server import ThreadedMotoServer
from PIL import Image
from sqlalchemy import create_engine, text

from safelight.studio.versions import build_version

ROOT = Path(__file__).parents[3]
SECRETS = ("POSTGRES_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY", "SAFELIGHT_ENGINE_TOKEN")
PATIENCE = 240.0
GRACE = 15.0

Found = TypeVar("Found")


class Services:
    """The compose file's services, started with other addresses."""

    def __init__(self, addresses: Mapping[str, str], port: int, folder: Path) -> None:
        """`port` is the API's, which in a container is always the same."""
        given = {name: f"given-{name.lower()}" for name in SECRETS}
        resolved = subprocess.run(
            ["docker-compose", "--file", ROOT / "docker-compose.yml", "config"],
            env={"PATH": os.environ["PATH"], **given},
            check=True,
            capture_output=True,
            text=True,
        )
        self._services: dict[str, Any] = yaml.safe_load(resolved.stdout)["services"]
        self._addresses = addresses
        self.url = f"http://127.0.0.1:{port}"
        self._local = {
            "SAFELIGHT_DATA_DIR": str(folder / "data"),
            "SAFELIGHT_API__PORT": str(port),
            # A container's engines are reached by its name; here they are where the host listens.
            "SAFELIGHT_ENGINE__ADVERTISE": "127.0.0.1",
            "OMP_NUM_THREADS": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def command(self, service: str, *more: str) -> list[str]:
        """The image's entry point is `safelight`, unless a service has its own."""
        entry = self._services[service].get("entrypoint") or ["safelight"]
        program = {"safelight": "safelight.cli", "mlflow": "mlflow"}[entry[0]]
        arguments = [*(self._services[service].get("command") or []), *more]
        return [sys.executable, "-m", program, *map(self._here, arguments)]

    def environment(self, service: str) -> dict[str, str]:
        set_here = {name: self._here(str(value)) for name, value in self._services[service]["environment"].items()}
        return {**os.environ, **set_here, **self._local}

    def run(self, service: str, *arguments: str) -> str:
        """Another `safelight` command, with a service's settings."""
        command = [sys.executable, "-m", "safelight.cli", *arguments]
        done = subprocess.run(
            command, env=self.environment(service), check=False, capture_output=True, text=True, cwd=self._folder
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, service: str, *more: str) -> None:
        with (self._folder / f"{service}.log").open("wb") as log:
            self._running[service] = subprocess.Popen(
                self.command(service, *more),
                env=self.environment(service),
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def check(self) -> None:
        """Whoever has ended did so too early."""
        for service, process in self._running.items():
            log = (self._folder / f"{service}.log").read_text()[-3000:]
            assert process.poll() is None, f"{service} ended with {process.returncode}:\n{log}"

    def stop(self, service: str) -> int:
        process = self._running.pop(service)
        process.terminate()
        return process.wait(GRACE)

    def kill_all(self) -> None:
        for process in self._running.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _here(self, value: str) -> str:
        for there, here in self._addresses.items():
            value = value.replace(there, here)
        return value


@pytest.fixture
def services(postgres_cluster: Any, tmp_path: Path) -> Iterator[Services]:
    objects = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    objects.start()
    host, port = objects.get_host_and_port()
    store = f"http://{host}:{port}"
    boto3.client(
        "s3", endpoint_url=store, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    ).create_bucket(Bucket="safelight")
    postgres_cluster.execute("CREATE DATABASE composed")
    url = postgres_cluster.url("composed")
    mlflow, api = _free_port(), _free_port()
    there = "postgresql+psycopg://safelight:given-postgres_password@postgres:5432/safelight"
    started = Services(
        {
            f"{there}?": f"{url}&",
            there: url,
            "http://objects:8333": store,
            "http://mlflow:5000": f"http://127.0.0.1:{mlflow}",
            "mlflow:5000": f"127.0.0.1:{mlflow}",
            "5000": str(mlflow),
            "http://127.0.0.1:8484": f"http://127.0.0.1:{api}",
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - what the containers listen on, replaced
        },
        api,
        tmp_path,
    )
    try:
        yield started
    finally:
        started.kill_all()
        objects.stop()
        postgres_cluster.execute("DROP DATABASE composed WITH (FORCE)")


@pytest.mark.timeout(900)
def test_an_image_goes_through_every_service(services: Services, postgres_cluster: Any, tmp_path: Path) -> None:
    services.run("migrate", "migrate")
    _execute(postgres_cluster, "composed", "CREATE SCHEMA IF NOT EXISTS mlflow")
    services.start("mlflow")
    tracking = services.environment("api")["SAFELIGHT_REGISTRY__TRACKING_URI"]
    _wait(lambda: _answers(f"{tracking}/health"), services)
    built = build_version(2, tmp_path / "checkpoint")
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(built.manifest.model_dump(mode="json", exclude={"checkpoint"})))
    services.run("api", "register", "studio", str(built.folder), "--manifest", str(manifest))
    for service in ("api", "engine", "worker"):
        services.start(service)
    url = services.url
    _wait(lambda: _answers(f"{url}/readyz"), services)
    key = services.run("api", "key", "create", "test", "--role", "admin").splitlines()[0]
    services.run("api", "promote", "studio", "1")

    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=60) as client:
        _wait(lambda: client.get("/api/v1/generators/studio").json()["serving"], services)
        with openai.OpenAI(base_url=f"{url}/v1", api_key=key) as official:
            answer = official.images.generate(model="studio", prompt="a red balloon", size="64x64")
        assert answer.data
        image = Image.open(BytesIO(base64.b64decode(answer.data[0].b64_json or "")))
        assert image.size == (64, 64)

        def scored() -> dict[str, Any] | None:
            items: list[dict[str, Any]] = client.get("/api/v1/generations").json()["items"]
            return next((item for item in items if item["score"] is not None), None)

        made = _wait(scored, services)
        assert made["prompt"] == "a red balloon"
        assert client.get(made["image_url"]).content.startswith(b"\x89PNG")

    def alias() -> bool | None:
        query = {"name": "studio", "alias": "production"}
        found = httpx.get(f"{tracking}/api/2.0/mlflow/registered-models/alias", params=query, trust_env=False)
        return found.is_success or None

    _wait(alias, services)
    assert {service: services.stop(service) for service in ("worker", "engine", "api")} == {
        "worker": 0,
        "engine": 0,
        "api": 0,
    }


def _execute(cluster: Any, database: str, statement: str) -> None:
    engine = create_engine(cluster.url(database), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def _answers(url: str) -> bool | None:
    try:
        return httpx.get(url, trust_env=False, timeout=3).is_success or None
    except httpx.TransportError:
        return None


def _wait(look: Callable[[], Found | None], services: Services) -> Found:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        services.check()
        found = look()
        if found is not None:
            return found
        time.sleep(0.3)
    raise AssertionError("waited in vain")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
