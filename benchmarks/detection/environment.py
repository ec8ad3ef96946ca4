"""An environment for the peer whose licence keeps it out of ours: made by the command, in a folder that git ignores."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

from benchmarks.detection.capped import Unanswered

CACHE = Path(__file__).parents[2] / ".benchmarks"
ALIBI_DETECT = "alibi-detect[torch]==0.13.0"
_INSTALL_WITHIN = 900.0


def alibi_detect() -> Path | Unanswered:
    """The interpreter of an environment with alibi-detect (Business Source Licence: free to measure, not to ship)."""
    folder = CACHE / "alibi-detect"
    python, complete = folder / "bin" / "python", folder / ".complete"
    if not complete.exists():
        venv.create(folder, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", ALIBI_DETECT]
        try:
            subprocess.run(install, check=True, timeout=_INSTALL_WITHIN, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            return Unanswered(f"not measured: {error.stderr.strip().splitlines()[-1]}")
        except subprocess.TimeoutExpired:
            return Unanswered(f"not measured: it did not install within {_INSTALL_WITHIN:.0f} s")
        complete.touch()
    return python
