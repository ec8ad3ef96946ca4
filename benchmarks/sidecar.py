"""What telling Safelight costs the service that tells: `python -m benchmarks.sidecar`.

A caller tells of so many generations a second, evenly paced, and each call is timed. The ways take turns within one
run: a line in a local log file (the floor), the sidecar with Safelight up, down and never answering, and a plain
synchronous POST (the peer). Safelight is a real API process with its journal and its database, on the same machine.
"""

import argparse
import json
import logging
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from safelight import wiring
from safelight.access import Role
from safelight.client import Recorder, Status
from safelight.settings import ApiSettings, Settings
from safelight.store import access, migrate

GENERATOR = "portraits"
TOLD: dict[str, Any] = {
    "prompt": "a lighthouse at dusk, oil on canvas, heavy brush strokes, warm light from the left, high detail",
    "final_prompt": "a lighthouse at dusk, oil on canvas, heavy brush strokes, warm light, high detail, no text",
    "image_uri": "https://images.example.com/2026/11/23/0190c3f2.png",
    "seed": 7,
    "parameters": {"steps": 30, "guidance": 5.0, "width": 1024, "height": 1024},
    "tenant": "ann",
    "total_ms": 2150.0,
}
_START_WITHIN = 120.0
_FLUSH_WITHIN = 120.0

Tell = Callable[[], object]


@dataclass(frozen=True)
class Turn:
    """`calls` in microseconds; `rate` is of the calls made, `sustained` of records Safelight had taken in the end."""

    calls: list[float]
    rate: float
    sustained: float | None = None
    status: Status | None = None


def paced(tell: Tell, rate: float, seconds: float) -> Turn:
    """Call evenly, as a service would; a call that takes longer than its share delays the next ones."""
    calls: list[float] = []
    started = time.perf_counter()
    for number in range(int(rate * seconds)):
        pause = started + number / rate - time.perf_counter()
        if pause > 0:
            time.sleep(pause)
        elif time.perf_counter() - started > 2 * seconds:
            break  # a way that cannot keep the pace
        begun = time.perf_counter_ns()
        tell()
        calls.append((time.perf_counter_ns() - begun) / 1000)
    return Turn(calls, len(calls) / (time.perf_counter() - started))


def by_recorder(url: str, key: str, rate: float, seconds: float, *, up: bool) -> Turn:
    recorder = Recorder(url, key, generator=GENERATOR, version=1, flush_seconds=0.0)
    recorder.record(**TOLD)  # the thread begins with the first record of a process, not with every one
    time.sleep(0.5)
    started = time.perf_counter()
    turn = paced(lambda: recorder.record(**TOLD), rate, seconds)
    recorder.flush(_FLUSH_WITHIN if up else 0.0)
    status = recorder.status()
    sustained = status.sent / (time.perf_counter() - started)
    recorder.close()
    return Turn(turn.calls, turn.rate, sustained if up else None, status)


def by_post(url: str, key: str, rate: float, seconds: float) -> Turn:
    document = {"generator": GENERATOR, "version": 1, **TOLD}
    with httpx.Client(headers={"authorization": f"Bearer {key}"}, trust_env=False, timeout=60.0) as client:
        return paced(lambda: client.post(f"{url}/api/v1/ingest", json=document).raise_for_status(), rate, seconds)


def by_log(folder: Path, rate: float, seconds: float) -> Turn:
    handler = logging.FileHandler(folder / "generations.log")
    log = logging.getLogger("benchmarks.sidecar.generations")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.handlers = [handler]
    turn = paced(lambda: log.info(json.dumps(TOLD)), rate, seconds)
    handler.close()
    return turn


@contextmanager
def safelight(folder: Path) -> Iterator[tuple[str, str]]:
    """The address and a client's key of an API process."""
    settings = Settings(data_dir=folder, api=ApiSettings(port=_free_port()))
    database = wiring.database(settings)
    migrate.upgrade(database)
    wiring.registration(settings).register_external(GENERATOR, {"name": "portraits:1"}, "benchmark")
    with database.transaction() as session:
        _, key = access.create_key(session, "benchmark", Role.CLIENT, wiring.clock().now())
    database.dispose()
    environment = {
        **os.environ,
        "SAFELIGHT_DATA_DIR": str(folder),
        "SAFELIGHT_API__PORT": str(settings.api.port),
        "OMP_NUM_THREADS": "1",
    }
    process = subprocess.Popen([sys.executable, "-m", "safelight.cli", "api"], env=environment)
    try:
        url = f"http://127.0.0.1:{settings.api.port}"
        _wait_until_answering(url)
        yield url, key
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def never_answering() -> Iterator[str]:
    """Whoever connects is left waiting."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def _wait_until_answering(url: str) -> None:
    deadline = time.monotonic() + _START_WITHIN
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/healthz", trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise TimeoutError(f"the API did not answer within {_START_WITHIN:.0f} s; see what it wrote above")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def measure(rate: float, turns: int, seconds: float) -> dict[str, list[Turn]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="safelight-bench-")))
        url, key = stack.enter_context(safelight(folder))
        slow = stack.enter_context(never_answering())
        nobody = f"http://127.0.0.1:{_free_port()}"
        ways: dict[str, Callable[[], Turn]] = {
            "a line in a log file": lambda: by_log(folder, rate, seconds),
            "sidecar": lambda: by_recorder(url, key, rate, seconds, up=True),
            "sidecar, Safelight down": lambda: by_recorder(nobody, key, rate, seconds, up=False),
            "sidecar, Safelight never answers": lambda: by_recorder(slow, key, rate, seconds, up=False),
            "a synchronous POST": lambda: by_post(url, key, rate, seconds),
        }
        taken: dict[str, list[Turn]] = {name: [] for name in ways}
        for _ in range(turns):
            for name, way in ways.items():
                taken[name].append(way())
    return taken


def table(taken: dict[str, list[Turn]]) -> str:
    lines = [f"{'':34}{'p50 us':>10}{'p99 us':>10}{'max us':>10}{'calls/s':>10}{'taken/s':>10}{'dropped':>9}"]
    for name, turns in taken.items():
        quantiles = [statistics.quantiles(turn.calls, n=100) for turn in turns]
        p50, p99 = (statistics.median(each[place] for each in quantiles) for place in (49, 98))
        worst = max(max(turn.calls) for turn in turns)
        rate = statistics.median(turn.rate for turn in turns)
        sustained = [turn.sustained for turn in turns if turn.sustained is not None]
        dropped = sum(sum(turn.status.dropped.values()) for turn in turns if turn.status is not None and sustained)
        shown = f"{statistics.median(sustained):10.0f}{dropped:9d}" if sustained else f"{'-':>10}{'-':>9}"
        lines.append(f"{name:34}{p50:10.1f}{p99:10.1f}{worst:10.0f}{rate:10.0f}{shown}")
    floor, ours = (taken[name] for name in ("a line in a log file", "sidecar"))
    ratios = [
        statistics.median(mine.calls) / statistics.median(theirs.calls)
        for mine, theirs in zip(ours, floor, strict=True)
    ]
    lines += ["", f"sidecar / log file at the median: {statistics.median(ratios):.2f}"]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=2000.0, help="records a second")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each way, in each turn")
    options = parser.parse_args()
    taken = measure(options.rate, options.turns, options.seconds)
    print(table(taken))
    print(
        f"\n{options.rate:.0f} records/s asked for, {options.turns} turns of {options.seconds:.0f} s, medians of turns"
    )


if __name__ == "__main__":
    main()
