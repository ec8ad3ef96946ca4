"""Another way to serve the same pipeline, in a process group of its own."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.installation import free_port

_ROOT = Path(__file__).parents[1]
_START_WITHIN = 300.0
_STOP_WITHIN = 60.0


@contextmanager
def peer(python: str | Path, module: str, folder: Path, batch: int) -> Iterator[str]:
    """Its address: what `module` serves of the checkpoint of a folder, run by the interpreter of its environment.

    Raises TimeoutError, and RuntimeError where it ended instead of answering.
    """
    port = free_port()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{_ROOT}:{_ROOT / 'platform'}"}
    command = [str(python), "-m", module, str(folder), str(port), str(batch)]
    process = subprocess.Popen(command, env=environment, cwd=_ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait_until_predicting(process, f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait(_STOP_WITHIN)


def _wait_until_predicting(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _START_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}; see what it wrote above")
        try:
            if httpx.post(f"{url}/predict", json={"seed": 1}, timeout=60, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"{url} did not answer within {_START_WITHIN:.0f} s")
