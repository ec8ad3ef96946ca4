"""The processes that engines live in, one of them started ahead."""

import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

import pytest

from safelight.clock import ManualClock
from safelight.serving.processes import Processes

CLOCK_START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(CLOCK_START)


@pytest.fixture
def processes(clock: ManualClock) -> Iterator[Processes]:
    made = Processes(clock, threads=1)
    yield made
    made.end_ahead()


@pytest.fixture
def born(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The process of each that was started, in order."""
    started: list[int] = []
    real = subprocess.Popen

    def popen(*args: object, **how: object) -> subprocess.Popen[bytes]:
        process = real(*args, **how)  # type: ignore[call-overload]
        started.append(process.pid)
        return process  # type: ignore[no-any-return]

    monkeypatch.setattr(subprocess, "Popen", popen)
    return started


def let_go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_what_was_started_ahead_is_what_is_taken_and_only_once(processes: Processes, born: list[int]) -> None:
    processes.start_ahead()
    processes.start_ahead()
    first, second = processes.take(), processes.take()
    assert [first.pid, second.pid] == born
    assert processes.memory_ahead == 0
    let_go(first)
    let_go(second)


def test_one_that_died_waiting_is_not_handed_out(processes: Processes, born: list[int]) -> None:
    processes.start_ahead()
    kill(born[0])
    taken = processes.take()
    assert taken.pid == born[1]
    assert taken.poll() is None
    let_go(taken)


def test_one_that_dies_again_and_again_is_replaced_ever_less_often(
    processes: Processes, clock: ManualClock, born: list[int]
) -> None:
    for seconds in (1.0, 2.0, 4.0):
        processes.start_ahead()
        kill(born[-1])
        before = len(born)
        processes.start_ahead()
        clock.advance(seconds - 0.1)
        processes.start_ahead()
        assert len(born) == before
        clock.advance(0.2)
    processes.start_ahead()
    assert len(born) == 4


def test_once_one_was_taken_alive_deaths_of_before_are_forgotten(
    processes: Processes, clock: ManualClock, born: list[int]
) -> None:
    for rest in (1.0, 2.0, 4.0):
        processes.start_ahead()
        kill(born[-1])
        processes.start_ahead()
        clock.advance(rest)
    processes.start_ahead()
    let_go(processes.take())
    processes.start_ahead()
    kill(born[-1])
    before = len(born)
    processes.start_ahead()
    clock.advance(1.0)
    processes.start_ahead()
    assert len(born) == before + 1


def test_what_it_takes_is_known_and_it_goes_when_it_is_let_go(processes: Processes, born: list[int]) -> None:
    processes.start_ahead()
    wait_until_it_takes_memory(processes)
    processes.end_ahead()
    assert processes.memory_ahead == 0
    assert not Path(f"/proc/{born[0]}").exists()


def wait_until_it_takes_memory(processes: Processes) -> None:
    end = monotonic() + 30
    while processes.memory_ahead < 1_000_000:
        assert monotonic() < end
        sleep(0.02)


def kill(pid: int) -> None:
    """From outside, as the system does when memory runs out; waited for, and left to whoever started it to bury."""
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
