"""LitServe in an environment of its own, which borrows torch and diffusers from ours."""

import os
import subprocess
import sysconfig
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.installation import free_port

_ROOT = Path(__file__).parents[1]
_LITSERVE = "litserve==0.2.19"
_INSTALL_WITHIN = 600.0
_START_WITHIN = 120.0


@contextmanager
def litserve(folder: Path, batch: int) -> Iterator[str | None]:
    """Its address, with the checkpoint of a folder behind it; None where it cannot be installed."""
    python = _environment()
    if python is None:
        yield None
        return
    port = free_port()
    command = [str(python), "-m", "benchmarks.litserve_peer", str(folder), str(port), str(batch)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{_ROOT}:{_ROOT / 'platform'}"}
    process = subprocess.Popen(command, env=environment, cwd=_ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        _wait_until_answering(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait(20)


def _environment() -> Path | None:
    folder = _ROOT / ".benchmarks" / "litserve"
    python, complete = folder / "bin" / "python", folder / ".complete"
    if not complete.exists():
        venv.create(folder, with_pip=True)
        borrowed = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
        (Path(borrowed) / "ours.pth").write_text(sysconfig.get_path("purelib"))
        try:
            install = [str(python), "-m", "pip", "install", "--quiet", _LITSERVE]
            subprocess.run(install, check=True, timeout=_INSTALL_WITHIN, capture_output=True, text=True)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(f"LitServe is not measured: {getattr(error, 'stderr', None) or error}")
            return None
        complete.touch()
    return python


def _wait_until_answering(url: str) -> None:
    deadline = time.monotonic() + _START_WITHIN
    while time.monotonic() < deadline:
        try:
            if httpx.post(f"{url}/predict", json={"seed": 1}, timeout=60, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"LitServe did not answer within {_START_WITHIN:.0f} s")
