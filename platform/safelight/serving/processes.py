"""The processes that engines live in. One can be kept started ahead: its libraries are imported when it is needed."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from safelight.clock import Clock
from safelight.serving import allocator
from safelight.serving.desired import rest_seconds


class Processes:
    """Starts the processes of one host's engines, each of so many CPU threads. For several threads of the host."""

    def __init__(self, clock: Clock, *, threads: int) -> None:
        self._clock = clock
        self._threads = threads
        self._lock = threading.Lock()
        self._ahead: subprocess.Popen[bytes] | None = None
        self._deaths = 0
        self._rests_until = 0.0

    def take(self) -> subprocess.Popen[bytes]:
        """A process that waits for its EngineSpec: the one that was started ahead if there is one, else a new one."""
        with self._lock:
            ahead, self._ahead = self._living(), None
            if ahead is not None:
                self._deaths = 0
        return ahead or self._start()

    def start_ahead(self) -> None:
        """Have one ready for the next `take`. One that ended by itself is replaced ever less often."""
        with self._lock:
            if self._living() is None and self._clock.monotonic() >= self._rests_until:
                self._ahead = self._start()

    def end_ahead(self) -> None:
        """Let go of the one that was started ahead, if any."""
        with self._lock:
            if self._ahead is not None:
                self._ahead.kill()
                _bury(self._ahead)
                self._ahead = None

    @property
    def memory_ahead(self) -> int:
        """Bytes that would be free without the one started ahead. What it shares with other engines is not counted."""
        with self._lock:
            living = self._living()
            return 0 if living is None else _own_bytes(living.pid)

    def _living(self) -> subprocess.Popen[bytes] | None:
        """The one that was started ahead, unless it has ended meanwhile. Ask for the lock before."""
        if self._ahead is not None and self._ahead.poll() is not None:
            _bury(self._ahead)
            self._ahead = None
            self._deaths += 1
            # None was asked for yet, so nothing is lost by resting from the first on.
            self._rests_until = self._clock.monotonic() + rest_seconds(self._deaths + 1)
        return self._ahead

    def _start(self) -> subprocess.Popen[bytes]:
        one_thread_pool = {"OMP_NUM_THREADS": str(self._threads), "TOKENIZERS_PARALLELISM": "false"}
        return subprocess.Popen(
            [sys.executable, "-m", "safelight.serving.engine"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # How the operator has the C library's memory kept, if at all, holds for engines, too.
            env=allocator.TUNABLES | os.environ | one_thread_pool,
            start_new_session=True,  # a Ctrl-C in the terminal is for the host, which ends its engines in order
        )


def _bury(process: subprocess.Popen[bytes]) -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _own_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)
