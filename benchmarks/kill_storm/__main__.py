"""The storm: `python -m benchmarks.kill_storm --kills 200`.

First the API process dies once at every named point between the steps that make a generation durable. Then a process
chosen at random is killed again and again, while the database or the image store is away every now and then, and
clients ask all along. In the end all that they were given has to be there, once, to the bit. Exits with 1 otherwise.
"""

import argparse
import asyncio
import os
import random
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.kill_storm.clients import Given, ask
from benchmarks.kill_storm.dying import POINTS
from benchmarks.kill_storm.findings import Findings, compare, wait_until_shipped
from benchmarks.kill_storm.installation import PROCESSES, Installation, prepare
from benchmarks.kill_storm.services import ObjectStore, Postgres, Service
from safelight import wiring
from safelight.settings import Settings
from safelight.studio.demo import release_in_turn

_VICTIMS = ("api", "api", "engine process", "engine", "worker")
_KILLS_AN_OUTAGE = 10
_DRAIN_WITHIN = 300.0
_POINT_WITHIN = 300.0


class Storm:
    """What is done to an installation, and how often."""

    def __init__(self, installation: Installation, services: tuple[Service, ...], seed: int) -> None:
        self._installation = installation
        self._services = services
        self._random = random.Random(seed)  # noqa: S311 - a storm that can be repeated
        self.kills: Counter[str] = Counter()
        self.outages: Counter[str] = Counter()

    def at_every_point(self) -> None:
        for point in POINTS:
            api = self._installation.running["api"]
            api.kill()
            api.wait()
            self._installation.start("api", "benchmarks.kill_storm.dying", point, str(self._random.randint(2, 6)))
            if not self._installation.wait_for_death("api", _POINT_WITHIN):
                said = self._installation.said
                raise TimeoutError(f"the API never came to the point {point!r}; the processes said:\n{said}")
            self.kills[f"api, {point}"] += 1
            print(f"  killed: api, {point}", file=sys.stderr)
            self._installation.start("api")
            self._installation.wait_until_answering()

    def at_random(self, kills: int) -> None:
        outage: threading.Thread | None = None
        for number in range(kills):
            if number % _KILLS_AN_OUTAGE == _KILLS_AN_OUTAGE // 2 and (outage is None or not outage.is_alive()):
                outage = threading.Thread(target=self._outage, args=(number // _KILLS_AN_OUTAGE,))
                outage.start()
            time.sleep(self._random.uniform(0.5, 3.0))
            victim = self._random.choice(_VICTIMS)
            try:
                self._installation.kill(victim)
            except Exception as error:  # noqa: BLE001 - the database that names the engines may be away just now
                print(f"  not killed: {victim} ({type(error).__name__})", file=sys.stderr)
                continue
            self.kills[victim] += 1
            print(f"  killed: {victim} ({number + 1} of {kills})", file=sys.stderr)
            # One in four is killed again while it starts.
            if victim == "api" and (outage is None or not outage.is_alive()) and self._random.random() > 1 / 4:
                self._installation.wait_until_answering()
        if outage is not None:
            outage.join()

    def _outage(self, number: int) -> None:
        service = self._services[number % len(self._services)]
        service.stop()
        time.sleep(self._random.uniform(2.0, 8.0))
        service.start()
        self.outages[service.name] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="at random, after one at every named point")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    # A short path: that of a socket has about 100 characters.
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL's user has to reach its data
        root = Path(folder)
        postgres, store = Postgres(root / "postgres"), ObjectStore()
        environment = {
            "SAFELIGHT_DATA_DIR": str(root / "data"),
            "SAFELIGHT_DATABASE__URL": postgres.url(),
            "SAFELIGHT_API__PORT": str(_free_port()),
            "SAFELIGHT_API__REQUEST_TIMEOUT_SECONDS": "30",
            "SAFELIGHT_ENGINE__DEVICE": "cpu",
            "OMP_NUM_THREADS": "1",
            **store.settings,
        }
        os.environ.update(environment)
        installation = Installation(environment, prepare(root), root / "log")
        try:
            storm, given, findings = _run(installation, (postgres, store), root / "data" / "journal", asked)
        finally:
            installation.stop()
            postgres.stop()
            store.stop()
    _print(storm, given, findings)
    sys.exit(0 if findings.clean else 1)


def _run(
    installation: Installation, services: tuple[Service, ...], journals: Path, asked: argparse.Namespace
) -> tuple[Storm, Given, Findings]:
    for name in PROCESSES:
        installation.start(name)
    installation.wait_until_answering()
    release_in_turn(wiring.database(Settings()), wiring.releasing(), wiring.clock(), threading.Event())
    storm, given = Storm(installation, services, asked.seed), Given()
    stop, loop = asyncio.Event(), asyncio.new_event_loop()
    load = threading.Thread(
        target=lambda: loop.run_until_complete(ask(installation.url, installation.key, asked.clients, given, stop))
    )
    load.start()
    try:
        storm.at_every_point()
        storm.at_random(asked.kills)
        installation.wait_until_answering()
    finally:
        loop.call_soon_threadsafe(stop.set)
        load.join()
    return storm, given, compare(given.images, wait_until_shipped(journals, _DRAIN_WITHIN))


def _print(storm: Storm, given: Given, findings: Findings) -> None:
    print("| killed with -9 | times |\n|---|---|")
    for victim, times in sorted(storm.kills.items()):
        print(f"| {victim} | {times} |")
    for service, times in sorted(storm.outages.items()):
        print(f"| {service} away | {times} |")
    print(f"\n{findings.acknowledged} images were given to clients; {findings.stored} generations are in the database.")
    print(f"Lost: {findings.lost}. Image missing or another one: {findings.differing}.", end=" ")
    print(f"Counted twice or not at all: {findings.miscounted}. Set aside: {findings.set_aside}.")
    print("Answers without an image: " + (", ".join(f"{n} {why}" for why, n in given.refusals.most_common()) or "none"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
