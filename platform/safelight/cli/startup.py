"""`safelight up`: look before starting, start everything, and say where it is."""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import typer

from safelight import wiring
from safelight.access import Role
from safelight.cli.access import login_link
from safelight.errors import Kind, SafelightError
from safelight.settings import Settings
from safelight.store.migrate import upgrade
from safelight.studio.prompts import Mix
from safelight.supervisor import Program, Supervisor

_READY_WITHIN = 90.0
_POLL_SECONDS = 0.2
# Somebody watching a demonstration should see a verdict within the minute, not within the hour.
_DEMO = {
    "SAFELIGHT_WATCHING__BUCKET_SECONDS": "10",
    "SAFELIGHT_WATCHING__TICK_SECONDS": "10",
    "SAFELIGHT_PROBING__INTERVAL_SECONDS": "60",
}


def start(settings: Settings, *, demo: Sequence[str] | None, port: int | None, stop: threading.Event) -> None:
    """Run one of each process until `stop` is set, and the demonstration, if it is given arguments.

    Raises SafelightError when it cannot begin.
    """
    settings = _with_port(settings, port)
    _check_folder(settings.data_dir)
    _check_port(settings.api.host, settings.api.port)
    database = wiring.database(settings)
    upgrade(database)
    database.dispose()
    programs = [_program(name) for name in ("api", "engine", "worker")]
    if demo is not None:
        programs.append(_program("demo", *demo))
    environment = {
        "SAFELIGHT_DATA_DIR": str(settings.data_dir.resolve()),
        "SAFELIGHT_API__PORT": str(settings.api.port),
        # Engines end together with the gateway here: there is nothing to wait for.
        "SAFELIGHT_API__DRAIN_SECONDS": "1",
        # Two cores are common, and torch asks for all of them in every process.
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        **(_DEMO if demo is not None else {}),
    }
    announcer = threading.Thread(target=_announce, args=(settings, stop), name="announcer", daemon=True)
    announcer.start()
    Supervisor(programs, environment, wiring.clock()).run(stop)


def _program(name: str, *arguments: str) -> Program:
    return Program(name, (sys.executable, "-m", "safelight.cli", name, *arguments))


def _with_port(settings: Settings, port: int | None) -> Settings:
    if port is None:
        return settings
    return settings.model_copy(update={"api": settings.api.model_copy(update={"port": port})})


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".write-check"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SafelightError(
            Kind.INVALID,
            "data_dir_not_writable",
            f"The data folder {folder} cannot be written ({error.strerror}). "
            "Give this user the right to write there, or set SAFELIGHT_DATA_DIR to a folder where it may.",
        ) from error


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SafelightError(
                Kind.INVALID,
                "port_taken",
                f"Port {port} on {host} cannot be used ({error.strerror}). "
                f"Stop what uses it, or choose another: safelight up --port {port + 1}, or make up PORT={port + 1}",
            ) from error


def _announce(settings: Settings, stop: threading.Event) -> None:
    """Print the one line people wait for, once the dashboard answers."""
    with httpx.Client(trust_env=False, timeout=2.0) as client:
        for _ in range(int(_READY_WITHIN / _POLL_SECONDS)):
            if stop.wait(_POLL_SECONDS):
                return
            try:
                ready = client.get(f"{settings.api.url}/readyz").is_success
            except httpx.TransportError:
                ready = False
            if ready:
                link = login_link(settings, "admin", Role.ADMIN)
                typer.echo(f"\nSafelight is at {settings.public_url} - log in once with {link}\n")
                sys.stdout.flush()
                return
    typer.echo("The dashboard did not answer in time; the lines above say why.", err=True)


def run_demo(settings: Settings, rate: float, mix: str, stop: threading.Event) -> None:
    """Register and release the studio's versions, then send them traffic until `stop` is set."""
    from safelight.studio import demo  # brings in the statistics

    database, clock = wiring.database(settings), wiring.clock()
    demo.seed(wiring.registration(settings))
    key = demo.traffic_key(database, clock)
    traffic = demo.send_traffic(settings.api.url, key, lambda: rate, Mix(mix), clock, stop)
    # People ask while the first versions are released: the first image is seen as soon as there is one.
    with ThreadPoolExecutor(1) as background:
        released = background.submit(demo.release_in_turn, database, wiring.releasing(), clock, stop)
        released.add_done_callback(lambda done: stop.set() if done.exception() else None)
        asyncio.run(traffic)
        released.result()
