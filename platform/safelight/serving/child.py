"""The host's side of one engine: start the process, fetch the checkpoint, listen to it, let go of it."""

import logging
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from safelight.clock import Clock
from safelight.serving.control import EngineSpec, Report, ReportKind
from safelight.serving.processes import Processes
from safelight.store.engines import EngineState
from safelight.store.residency import Residency

logger = logging.getLogger(__name__)

SILENCE_SECONDS = 30.0
"""A ready engine that says nothing for so long hangs and is killed."""


@dataclass(frozen=True)
class ChildStatus:
    """What is known of the process. `heard_at` is monotonic time.

    `bytes_read` of `bytes_total` of the checkpoint have been verified. Then the seconds that each part of getting
    ready has taken: fetching and verifying the checkpoint, loading it, checking its golden images.
    """

    state: EngineState
    heard_at: float
    detail: str = ""
    pid: int | None = None
    port: int | None = None
    environment_digest: str | None = None
    in_flight: int = 0
    host_bytes: int | None = None
    device_bytes: int | None = None
    memory_used: int | None = None
    memory_total: int | None = None
    bytes_read: int | None = None
    bytes_total: int | None = None
    fetch_seconds: float | None = None
    load_seconds: float | None = None
    check_seconds: float | None = None

    @property
    def ended(self) -> bool:
        return self.state in (EngineState.FAILED, EngineState.STOPPED)


class EngineChild:
    """One engine process from its preparation to its end; a thread of its own follows it all the way."""

    def __init__(
        self,
        prepare: Callable[[], EngineSpec],
        clock: Clock,
        processes: Processes,
        *,
        residency: Residency = Residency.DEVICE,
    ) -> None:
        """`prepare` may take long (it fetches and verifies the checkpoint) and runs in the thread.

        Meanwhile the process imports what it needs, unless it has; what is to wait on the disk takes none.
        """
        self._prepare = prepare
        self._clock = clock
        self._processes = processes
        self._residency = residency
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._told = self._woken = False
        self._released = threading.Event()
        self._status = ChildStatus(EngineState.STARTING, clock.monotonic(), "fetching the checkpoint")
        self._since = clock.monotonic()
        self._thread = threading.Thread(target=self._live, name="engine-child", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def status(self) -> ChildStatus:
        with self._lock:
            return self._status

    @property
    def hangs(self) -> bool:
        """Whether it was ready once and has fallen silent."""
        status = self.status
        return status.state is EngineState.READY and self._clock.monotonic() - status.heard_at > SILENCE_SECONDS

    def has_read(self, done: int, total: int) -> None:
        """Told while the checkpoint is verified: so many of its bytes have been read."""
        self._update(bytes_read=done, bytes_total=total, detail="verifying the checkpoint")

    def release(self) -> None:
        """Let the engine finish what it has, within its farewell time, and end."""
        self._released.set()
        self._let_go()

    def wake(self) -> None:
        """Have an engine that waits in the host's memory go to its device, be checked, and take requests."""
        with self._lock:
            self._woken = True
            if self._told:
                self._write(b"wake\n")

    def kill(self) -> None:
        """End the process at once."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def join(self, seconds: float) -> bool:
        """Wait for the end; whether it came in time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _live(self) -> None:
        if self._residency is Residency.DISK:
            if self._prepared() is not None:
                self._update(state=EngineState.STANDBY, detail="waits on this machine's disk")
                self._released.wait()
                self._update(state=EngineState.STOPPED, detail="not needed any more")
            return
        process = self._spawn()
        if process is None or process.stdout is None:
            self._update(state=EngineState.STOPPED, detail="not needed any more")
            return
        spec = self._prepared()
        if spec is None:
            process.kill()
        else:
            self._tell(spec)
        for line in process.stdout:
            self._hear(Report.model_validate_json(line))
        code = process.wait()
        process.stdout.close()
        self._let_go()
        self._conclude(code)

    def _prepared(self) -> EngineSpec | None:
        begun = self._clock.monotonic()
        try:
            spec = self._prepare()
        except Exception as error:
            # Whatever keeps a version from being loaded is this engine's failure, never the host's.
            logger.exception("an engine cannot be prepared")
            self._update(state=EngineState.FAILED, detail=f"{type(error).__name__}: {error}"[:500])
            return None
        self._since = self._clock.monotonic()
        self._update(fetch_seconds=self._since - begun)
        return spec

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._released.is_set():
                return None
            self._process = self._processes.take()
            self._status = replace(self._status, pid=self._process.pid)
            return self._process

    def _tell(self, spec: EngineSpec) -> None:
        """What to load. Nothing of a checkpoint is loaded before it has been verified."""
        with self._lock:
            self._told = True
            self._status = replace(self._status, detail="loading")
            self._write(spec.model_dump_json().encode() + b"\n")
            if self._woken:
                self._write(b"wake\n")

    def _write(self, line: bytes) -> None:
        """Say something to the process, unless it was let go. Ask for the lock before."""
        if self._process is None or self._process.stdin is None or self._process.stdin.closed:
            return
        # A child that dies at once breaks the pipe; how it ended is told by its exit status.
        with suppress(BrokenPipeError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _let_go(self) -> None:
        # What a process that is gone was not told any more would be told now.
        with self._lock, suppress(BrokenPipeError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()

    def _hear(self, report: Report) -> None:
        match report.kind:
            case ReportKind.STANDBY:
                self._update(state=EngineState.STANDBY, detail="waits in the host's memory", **_measured(report))
            case ReportKind.VERIFYING:
                self._update(state=EngineState.STARTING, detail="drawing its golden images", load_seconds=self._lap())
            case ReportKind.READY:
                self._update(
                    state=EngineState.READY,
                    detail="",
                    port=report.port,
                    environment_digest=report.environment_digest,
                    check_seconds=self._lap(),
                )
            case ReportKind.BEAT:
                self._update(in_flight=report.in_flight, **_measured(report))
            case ReportKind.FAILED:
                self._update(state=EngineState.FAILED, detail=report.detail)

    def _lap(self) -> float:
        """Seconds since the part before ended. Only the thread that follows the process asks."""
        before, self._since = self._since, self._clock.monotonic()
        return self._since - before

    def _conclude(self, code: int) -> None:
        if self.status.ended:
            return
        if self._released.is_set():
            self._update(state=EngineState.STOPPED, detail="", in_flight=0)
        else:
            self._update(state=EngineState.FAILED, detail=f"the process ended by itself ({_reason(code)})", in_flight=0)

    def _update(self, **changed: Any) -> None:
        with self._lock:
            self._status = replace(self._status, heard_at=self._clock.monotonic(), **changed)


def _measured(report: Report) -> dict[str, int | None]:
    return {
        "host_bytes": report.host_bytes,
        "device_bytes": report.device_bytes,
        "memory_used": report.memory_used,
        "memory_total": report.memory_total,
    }


def _reason(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"
