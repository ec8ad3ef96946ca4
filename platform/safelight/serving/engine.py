"""An engine: a process that loads one version, checks its golden prompts and makes images until its host lets go.

Run by an engine host as `python -m safelight.serving.engine`. It imports its libraries until an EngineSpec comes on its
standard input: the host has fetched and verified the checkpoint. The pipe is also its lifeline: when it closes, because
the host says so or has died, the engine finishes what it has and ends.
"""

import asyncio
import logging
import os
import socket
import sys
import threading
import time
from queue import SimpleQueue
from typing import BinaryIO

import uvicorn
from uvicorn.loops.auto import auto_loop_factory

from safelight.clock import SystemClock
from safelight.serving import engine_app, golden
from safelight.serving.batching import Window
from safelight.serving.control import EngineSpec, Report, ReportKind
from safelight.serving.device import memory, own_memory
from safelight.serving.environment import environment_digest
from safelight.serving.rendering import Pipeline
from safelight.serving.worker import BatchWorker
from safelight.store.residency import Residency

FAREWELL_SECONDS = 2
"""How long an engine that is let go may take over the requests it has."""
BEAT_SECONDS = 1.0


class _Lifeline:
    """The standard input. When it closes this process ends: gracefully once there is a server, at once before."""

    def __init__(self) -> None:
        self.server: uvicorn.Server | None = None
        self._lines: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=self._hold, name="lifeline", daemon=True).start()

    def _hold(self) -> None:
        for line in sys.stdin.buffer:
            self._lines.put(line)
        if self.server is not None:
            self.server.should_exit = True
            time.sleep(FAREWELL_SECONDS + 0.5)
        os._exit(0)

    def hear(self) -> bytes:
        """The next line, waited for: first what to load, then, for an engine that stands by, to wake."""
        return self._lines.get()


class _Reports:
    """The standard output as a channel to the host; what libraries print goes to the log instead."""

    def __init__(self) -> None:
        self._channel: BinaryIO = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)

    def send(self, report: Report) -> None:
        self._channel.write(report.model_dump_json().encode() + b"\n")


async def _serve(pipeline: Pipeline, spec: EngineSpec, reports: _Reports, lifeline: _Lifeline) -> None:
    async with BatchWorker(pipeline, Window(spec.max_batch, spec.max_wait_ms / 1000), SystemClock()) as worker:
        listening = socket.create_server((spec.host, 0), backlog=1024)
        config = uvicorn.Config(
            engine_app.build(worker, spec.token),
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=FAREWELL_SECONDS,
        )
        lifeline.server = uvicorn.Server(config)
        serving = asyncio.create_task(lifeline.server.serve(sockets=[listening]))
        digest = environment_digest(pipeline.environment)
        reports.send(Report(kind=ReportKind.READY, port=listening.getsockname()[1], environment_digest=digest))
        # From the event loop, so that an engine that hangs falls silent.
        while not (await asyncio.wait({serving}, timeout=BEAT_SECONDS))[0]:
            reports.send(_measured(ReportKind.BEAT, spec, worker.in_flight))


def _measured(kind: ReportKind, spec: EngineSpec, in_flight: int = 0) -> Report:
    host, device = own_memory(spec.device)
    # Asking a GPU takes half a gigabyte of it, which one that stands by is to leave free.
    taken = memory(spec.device) if kind is ReportKind.BEAT else None
    used, total = (taken.used, taken.total) if taken else (None, None)
    return Report(
        kind=kind, in_flight=in_flight, host_bytes=host, device_bytes=device, memory_used=used, memory_total=total
    )


def _load(reports: _Reports, lifeline: _Lifeline) -> tuple[Pipeline, EngineSpec]:
    from safelight.serving import pipeline  # seconds of imports: after the lifeline holds

    pipeline.preload()
    spec = EngineSpec.model_validate_json(lifeline.hear())
    prepared = pipeline.prepare(spec.folder, spec.manifest, device=spec.device, threads=spec.threads)
    if spec.residency is Residency.HOST:
        reports.send(_measured(ReportKind.STANDBY, spec))
        lifeline.hear()
    loaded = prepared.settle()
    reports.send(Report(kind=ReportKind.VERIFYING))
    result, prompt = golden.check(loaded, spec.manifest, spec.folder)
    if result is not golden.GoldenResult.PASSED:
        raise ValueError(f"{result}: the golden prompt {prompt!r} gave no acceptable image")
    return loaded, spec


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s engine %(process)d: %(message)s")
    reports = _Reports()
    lifeline = _Lifeline()
    try:
        loaded, spec = _load(reports, lifeline)
    except Exception as error:
        logging.getLogger(__name__).exception("the version cannot be served")
        reports.send(Report(kind=ReportKind.FAILED, detail=f"{type(error).__name__}: {error}"[:500]))
        os._exit(1)
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(_serve(loaded, spec, reports, lifeline))
    os._exit(0)  # a rendering that nobody waits for would hold the interpreter's exit


if __name__ == "__main__":
    main()
