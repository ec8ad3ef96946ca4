"""LitServe in an environment of its own, which borrows torch and diffusers from ours."""

import subprocess
import sysconfig
import venv
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_LITSERVE = "litserve==0.2.19"
_INSTALL_WITHIN = 600.0


def interpreter() -> Path | None:
    """Of that environment, made when it is missing; None where LitServe cannot be installed."""
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
