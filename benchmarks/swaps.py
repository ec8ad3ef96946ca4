"""Whether an engine's memory comes back: versions are swapped again and again, and what is left is weighed.

    python -m benchmarks.swaps --swaps 100

Each swap is a release: the next version is loaded by the real host into a process of its own, checked, and the one
before it is let go. After each, with exactly one engine ready, this weighs the engine, its host, and on a GPU what is
taken of the device by all. The first swaps are a warm-up: what Python and the libraries keep for good is kept by then.

Of a host its own pages count: those of files are shared, and the system takes them back when it needs to. One thing
that is bounded would grow in it at a moment of chance, and is brought to its bound before the first swap: the table of
interned strings of CPython 3.11, which holds every part of a path while the path lives and is made anew, for three
times what it then holds, when its places are used up.
"""

import argparse
import gc
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import monotonic, sleep

from pydantic import SecretStr

import safelight.studio
from registry.checkpoint import Reading, inspect
from registry.ledger import Draft, EntryKind
from registry.manifest import Manifest, parse_manifest
from registry.versions import Version, fetch_verified
from safelight.clock import SystemClock
from safelight.serving.host import EngineHost
from safelight.settings import EngineSettings
from safelight.store import engines, ledger, migrate, versions
from safelight.store.database import Database
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.versions import KnownVersion

_WEIGHTS = Path(safelight.studio.__file__).parent / "weights"
_CLOCK = SystemClock()
_GENERATOR = "swaps"
_WARM_UP = 5
_INTERNED = 20_000
"""Strings kept for the whole run: with those of Python they are well between two sizes of the table."""
_PASSING = 500_000
"""Strings that come and go before the first swap; the table has its size after some 150,000."""
_LOADED_WITHIN = 120.0
_READY = EngineState.READY


@dataclass(frozen=True)
class Weight:
    """Bytes after one swap; `device` is what all processes hold of the GPU, None without one."""

    engine: int
    host: int
    device: int | None
    processes: int


class Bundles:
    """The studio's two generators under as many numbers as there are swaps."""

    def __init__(self) -> None:
        self._folders = [_WEIGHTS / "good", _WEIGHTS / "better"]
        self._manifests = [_manifest(folder) for folder in self._folders]

    def get(self, generator: str, number: int) -> Version:
        manifest = self._manifests[number % 2]
        return Version(generator, number, manifest.digest, manifest, _CLOCK.now(), str(self._folders[number % 2]))

    def fetch(
        self, version: Version, destination: Path, reading: Reading | None = None, *, trust_unchanged: bool = False
    ) -> Path:
        def download(staging: Path) -> Path:
            return Path(shutil.copytree(version.source, staging / "checkpoint"))

        return fetch_verified(version, destination, download, reading, trust_unchanged=trust_unchanged)


def _manifest(folder: Path) -> Manifest:
    return parse_manifest(
        {
            "checkpoint": inspect(folder).digest,
            "dtype": "float32",
            "defaults": {"steps": 2, "guidance": 1, "width": 64, "height": 64},
            "limits": {"min_side": 64, "max_side": 64, "max_steps": 9, "max_guidance": 9, "max_prompt_length": 500},
            "golden": [{"prompt": "a red apple on a white background", "seed": 1}],
        }
    )


class Swapping:
    """An installation of nothing but a host."""

    def __init__(self, folder: Path, device: str) -> None:
        self.database = Database(f"sqlite:///{folder / 'safelight.db'}")
        migrate.upgrade(self.database)
        self._interned = _settled_interned()
        self._bundles = Bundles()
        self._host = EngineHost(
            database=self.database,
            version_store=self._bundles,
            settings=EngineSettings(device=device, keep_warm=0, start_ahead=False),
            token=SecretStr("a token of this run"),
            checkpoints=folder / "checkpoints",
            name="host",
            clock=_CLOCK,
        )
        with self.database.transaction() as session:
            versions.add_generator(session, _GENERATOR, "", _CLOCK.now())

    def swap(self, number: int) -> Weight:
        self._release(number)
        end = monotonic() + _LOADED_WITHIN
        while True:
            self._host.step()
            living = self._living()
            # Its own weight comes with its first beat.
            if [(each.version, each.state) for each in living] == [(number, EngineState.READY)] and living[
                0
            ].host_bytes:
                return self._weigh(living[0])
            if monotonic() > end:
                raise TimeoutError(f"version {number} was not ready in time: {living}")
            sleep(0.05)

    def close(self) -> None:
        self._host.close()
        self.database.dispose()

    def _release(self, number: int) -> None:
        version = self._bundles.get(_GENERATOR, number)
        known = KnownVersion(_GENERATOR, number, version.digest, version.manifest, "", _CLOCK.now(), "benchmark")
        with self.database.transaction() as session:
            versions.put_version(session, known)
            before = ledger.newest_release(session, _GENERATOR)
            draft = Draft(
                generator=_GENERATOR,
                scope=ledger.DEFAULT_SCOPE,
                kind=EntryKind.PROMOTE,
                from_version=before.to_version if before else None,
                to_version=number,
                to_digest=version.digest,
                actor="benchmark",
                reason="",
            )
            ledger.add(session, draft, _CLOCK.now())

    def _living(self) -> list[KnownEngine]:
        with self.database.reading() as session:
            return [each for each in engines.engines(session, _GENERATOR) if each.state in engines.LIVING]

    def _weigh(self, engine: KnownEngine) -> Weight:
        gc.collect()
        return Weight(engine.host_bytes or 0, _own(os.getpid()), engine.memory_used, len(_children()))


def _settled_interned() -> list[str]:
    kept = [sys.intern(f"kept {number}") for number in range(_INTERNED)]
    for number in range(_PASSING):
        sys.intern(f"passing {number}")
    return kept


def _own(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def _children() -> list[int]:
    return [int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swaps", type=int, default=100)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        swapping, began = Swapping(Path(folder), asked.device), _CLOCK.now()
        try:
            weights = [swapping.swap(number) for number in range(1, _WARM_UP + asked.swaps + 1)]
        finally:
            swapping.close()
        took = _CLOCK.now() - began
    result = _result(weights[_WARM_UP:], took)
    print(json.dumps(result, indent=2))
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2) + "\n")


def _result(weights: list[Weight], took: timedelta) -> dict[str, object]:
    """The medians of the first and of the last tenth, so that one odd page does not decide."""
    tenth = max(len(weights) // 10, 1)
    first, last = weights[:tenth], weights[-tenth:]
    seconds = took.total_seconds() / (len(weights) + _WARM_UP)
    result: dict[str, object] = {"swaps": len(weights), "seconds_per_swap": round(seconds, 2)}
    for name in ("engine", "host", "device"):
        before, after = ([getattr(each, name) for each in some] for some in (first, last))
        if before[0] is None:
            result[name] = "not measured: no GPU"
            continue
        result[name] = {
            "first_mib": round(median(before) / 2**20, 1),
            "last_mib": round(median(after) / 2**20, 1),
            "change_percent": round(100 * (median(after) / median(before) - 1), 2),
        }
    result["processes_left_over"] = max(each.processes for each in weights) - 1
    return result


if __name__ == "__main__":
    main()
