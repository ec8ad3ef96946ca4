"""Jobs run again and again, never beside themselves, whatever they raise."""

import logging
import threading

import pytest
from prometheus_client import REGISTRY

from safelight.watching.schedule import Job, Schedule


def test_a_job_that_fails_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    again = threading.Event()
    runs: list[int] = []

    def fail() -> None:
        runs.append(len(runs))
        if len(runs) == 3:
            again.set()
        raise RuntimeError("this time not")

    schedule = Schedule([Job("failing", 0.02, fail)])
    with caplog.at_level(logging.ERROR):
        schedule.start()
        assert again.wait(10)
        schedule.stop()
    assert "failing failed" in caplog.text
    assert REGISTRY.get_sample_value("safelight_loop_failures_total", {"loop": "failing"}) == len(runs)


def test_a_slow_job_never_runs_beside_itself() -> None:
    inside, at_once, done = threading.Lock(), [], threading.Event()

    def work() -> None:
        alone = inside.acquire(blocking=False)
        at_once.append(not alone)
        threading.Event().wait(0.1)
        if alone:
            inside.release()
        if len(at_once) == 3:
            done.set()

    schedule = Schedule([Job("slow", 0.02, work)])
    schedule.start()
    assert done.wait(10)
    schedule.stop()
    assert not any(at_once)


def test_stopping_waits_for_what_is_running() -> None:
    started, ended = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        threading.Event().wait(0.1)
        ended.set()

    schedule = Schedule([Job("working", 0.02, work)])
    schedule.start()
    assert started.wait(10)
    schedule.stop()
    assert ended.is_set()
