"""Real processes, started, restarted and ended."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from safelight.clock import SystemClock
from safelight.supervisor import STOP_WITHIN, Program, Supervisor

PATIENCE = 30.0
# Each process adds a line with its id to a file of its own, then does as it is told.
SCRIPT = """
import os, signal, sys, time
from safelight.supervisor import die_with_supervisor
die_with_supervisor()
path, deed = sys.argv[1:]
if deed == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(path, "a") as file:
    file.write(f"{os.getpid()}\\n")
if deed == "fail":
    sys.exit(3)
time.sleep(600)
"""


def _program(folder: Path, name: str, deed: str) -> Program:
    return Program(name, (sys.executable, "-c", SCRIPT, str(folder / name), deed))


def _starts(folder: Path, name: str) -> list[int]:
    file = folder / name
    return [int(line) for line in file.read_text().splitlines()] if file.exists() else []


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    # A child that nobody waited for is still listed, but does nothing any more.
    return state != "Z"


@pytest.fixture
def run() -> Iterator[Callable[[list[Program]], threading.Event]]:
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def start(programs: list[Program]) -> threading.Event:
        supervisor = Supervisor(programs, {}, SystemClock())
        thread = threading.Thread(target=supervisor.run, args=(stop,))
        thread.start()
        threads.append(thread)
        return stop

    yield start
    stop.set()
    for thread in threads:
        thread.join()


def test_a_program_that_fails_is_started_again(tmp_path: Path, run: Callable[[list[Program]], threading.Event]) -> None:
    run([_program(tmp_path, "weak", "fail"), _program(tmp_path, "strong", "stay")])
    _wait(lambda: len(_starts(tmp_path, "weak")) >= 2)
    assert len(_starts(tmp_path, "strong")) == 1


def test_all_end_together_even_one_that_will_not_listen(
    tmp_path: Path, run: Callable[[list[Program]], threading.Event]
) -> None:
    stop = run([_program(tmp_path, "polite", "stay"), _program(tmp_path, "stubborn", "deaf")])
    _wait(lambda: bool(_starts(tmp_path, "polite") and _starts(tmp_path, "stubborn")))
    pids = _starts(tmp_path, "polite") + _starts(tmp_path, "stubborn")
    stop.set()
    _wait(lambda: not any(_alive(pid) for pid in pids))
    assert STOP_WITHIN < 5


def test_a_supervisor_that_is_killed_leaves_nothing_behind(tmp_path: Path) -> None:
    program = _program(tmp_path, "orphan", "stay")
    script = (
        "import sys, threading\n"
        "from safelight.clock import SystemClock\n"
        "from safelight.supervisor import Program, Supervisor\n"
        "Supervisor([Program('orphan', sys.argv[1:])], {}, SystemClock()).run(threading.Event())\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", script, *program.command])
    _wait(lambda: bool(_starts(tmp_path, "orphan")))
    orphan = _starts(tmp_path, "orphan")[0]
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait()
    _wait(lambda: not _alive(orphan))
