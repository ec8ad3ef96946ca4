"""A real engine process from its host's side: how it comes up, answers, fails and goes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from registry.parameters import Requested
from safelight.clock import SystemClock
from safelight.serving.child import EngineChild
from safelight.serving.control import EngineSpec
from safelight.serving.dispatch import EngineRefused, HttpEngineClient
from safelight.serving.processes import Processes
from safelight.serving.rendering import Finish
from safelight.serving.wire import Order
from safelight.store.engines import EngineState
from safelight.store.residency import Residency

TOKEN = "a token of this test"
PROCESSES = Processes(SystemClock(), threads=1)


@pytest.fixture(scope="module")
def spec(make_manifest: Any, weights: Path) -> EngineSpec:
    folder = weights / "good"
    return EngineSpec(
        folder=folder,
        manifest=make_manifest(folder),
        device="cpu",
        threads=1,
        max_batch=4,
        max_wait_ms=10.0,
        host="127.0.0.1",
        token=TOKEN,
    )


def wait_for(child: EngineChild, *states: EngineState) -> None:
    end = monotonic() + 60
    while child.status.state not in states:
        assert monotonic() < end, child.status
        sleep(0.02)


@pytest.fixture(scope="module")
def child(spec: EngineSpec) -> Iterator[EngineChild]:
    """In a process that was there before it."""
    PROCESSES.start_ahead()
    started = EngineChild(lambda: spec, SystemClock(), PROCESSES)
    started.start()
    wait_for(started, EngineState.READY, EngineState.FAILED)
    assert PROCESSES.memory_ahead == 0, "it was not taken"
    yield started
    started.release()
    assert started.join(5)


def order(child: EngineChild, spec: EngineSpec, token: str = TOKEN, **requested: Any) -> tuple[Any, bytes]:
    async def play() -> tuple[Any, bytes]:
        client = HttpEngineClient(SecretStr(token))
        parameters = spec.manifest.resolve(Requested(prompt="a red apple", **requested), fallback_seed=7)
        try:
            return await client.order(f"http://127.0.0.1:{child.status.port}", Order(parameters=parameters, seconds=30))
        finally:
            await client.close()

    return asyncio.run(play())


def test_it_makes_the_image_its_seed_asks_for(child: EngineChild, spec: EngineSpec) -> None:
    facts, png = order(child, spec)
    assert (facts.finish, facts.batch_size, facts.scheduler) == (Finish.COMPLETE, 1, "DDIMScheduler")
    assert facts.environment_digest == child.status.environment_digest
    assert facts.environment["threads"] == 1
    assert png.startswith(b"\x89PNG")
    assert order(child, spec)[1] == png
    assert order(child, spec, seed=8)[1] != png


def test_it_listens_to_nobody_without_its_token(child: EngineChild, spec: EngineSpec) -> None:
    with pytest.raises(EngineRefused):
        order(child, spec, token="a guess")


def test_whoever_asks_learns_that_it_lives(child: EngineChild) -> None:
    reply = httpx.get(f"http://127.0.0.1:{child.status.port}/health", trust_env=False)
    assert reply.json() == {"in_flight": 0}


def test_the_token_shows_in_no_list_of_processes(child: EngineChild) -> None:
    process = Path("/proc") / str(child.status.pid)
    assert TOKEN.encode() not in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()


def test_a_version_it_cannot_run_whole_is_not_run_at_all(spec: EngineSpec) -> None:
    sharpen = {"name": "sharpen", "revision": "1", "config": {}}
    manifest = spec.manifest.model_validate(spec.manifest.model_dump(mode="json") | {"filters": [sharpen]})
    child = EngineChild(lambda: spec.model_copy(update={"manifest": manifest}), SystemClock(), PROCESSES)
    child.start()
    assert child.join(60)
    assert child.status.state is EngineState.FAILED
    assert "filter sharpen" in child.status.detail


def test_a_checkpoint_that_cannot_be_fetched_leaves_no_process() -> None:
    def prepare() -> EngineSpec:
        raise OSError("the disk is full")

    child = EngineChild(prepare, SystemClock(), PROCESSES)
    child.start()
    assert child.join(5)
    assert (child.status.state, child.status.detail) == (EngineState.FAILED, "OSError: the disk is full")
    assert child.status.pid is not None
    assert not _lives(child.status.pid)


def test_its_process_starts_while_the_checkpoint_is_fetched_and_ends_when_it_is_let_go(spec: EngineSpec) -> None:
    fetching, fetched = Event(), Event()

    def prepare() -> EngineSpec:
        fetching.set()
        assert fetched.wait(30)
        return spec

    child = EngineChild(prepare, SystemClock(), PROCESSES)
    child.start()
    assert fetching.wait(30)
    pid = child.status.pid
    assert pid is not None
    assert _lives(pid)
    child.release()
    fetched.set()
    assert child.join(10)
    assert child.status.state is EngineState.STOPPED
    assert not _lives(pid)


def test_an_engine_tells_how_long_each_part_of_getting_ready_took(child: EngineChild) -> None:
    parts = (child.status.fetch_seconds, child.status.load_seconds, child.status.check_seconds)
    assert all(part is not None and part >= 0 for part in parts)
    child.has_read(3, 4)
    assert (child.status.bytes_read, child.status.bytes_total) == (3, 4)


def test_one_that_is_let_go_while_it_is_prepared_never_starts(spec: EngineSpec) -> None:
    child = EngineChild(lambda: spec, SystemClock(), PROCESSES)
    child.release()
    child.start()
    assert child.join(5)
    assert (child.status.state, child.status.pid) == (EngineState.STOPPED, None)


def test_it_dies_with_its_host() -> None:
    """The host is killed, not ended: nothing but the pipe can tell the engine."""
    host = subprocess.Popen([sys.executable, "-c", _HOST], stdout=subprocess.PIPE)
    assert host.stdout is not None
    engine = int(host.stdout.readline())
    host.kill()
    host.wait()
    host.stdout.close()
    end = monotonic() + 10
    while _lives(engine):
        assert monotonic() < end
        sleep(0.02)


_HOST = """
import subprocess, sys, time
engine = subprocess.Popen([sys.executable, "-m", "safelight.serving.engine"], stdin=subprocess.PIPE)
print(engine.pid, flush=True)
time.sleep(60)
"""


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def test_one_that_stands_by_tells_what_it_takes_and_serves_when_it_is_woken(spec: EngineSpec) -> None:
    child = EngineChild(lambda: spec.model_copy(update={"residency": Residency.HOST}), SystemClock(), PROCESSES)
    child.start()
    wait_for(child, EngineState.STANDBY, EngineState.FAILED)
    asleep = child.status
    assert (asleep.state, asleep.port) == (EngineState.STANDBY, None)
    assert asleep.host_bytes is not None
    assert asleep.host_bytes > 100_000_000
    child.wake()
    wait_for(child, EngineState.READY, EngineState.FAILED)
    assert order(child, spec)[1].startswith(b"\x89PNG")
    child.release()
    assert child.join(5)
    assert child.status.state is EngineState.STOPPED


def test_one_on_the_disk_is_fetched_and_no_process(spec: EngineSpec) -> None:
    child = EngineChild(lambda: spec, SystemClock(), PROCESSES, residency=Residency.DISK)
    child.start()
    wait_for(child, EngineState.STANDBY)
    assert child.status.pid is None
    child.release()
    assert child.join(5)
    assert (child.status.state, child.status.pid) == (EngineState.STOPPED, None)


def test_one_that_is_woken_while_its_checkpoint_is_fetched_does_not_stand_by(spec: EngineSpec) -> None:
    def prepare() -> EngineSpec:
        woken.wake()
        return spec.model_copy(update={"residency": Residency.HOST})

    woken = EngineChild(prepare, SystemClock(), PROCESSES)
    woken.start()
    wait_for(woken, EngineState.READY, EngineState.FAILED)
    woken.release()
    assert woken.join(5)
    assert woken.status.state is EngineState.STOPPED
