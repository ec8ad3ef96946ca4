"""The class of machine and the libraries a run was made with: figures without them mean little."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.detection.environment import ALIBI_DETECT
from safelight.clock import SystemClock

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "evidently", "torch")


def described() -> str:
    libraries = ", ".join([*(f"{name} {version(name)}" for name in _LIBRARIES), ALIBI_DETECT.replace("==", " ")])
    return (
        f"{SystemClock().now():%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores ({_processor()}), one thread, "
        f"no GPU; Python {platform.python_version()}, {libraries}; monitors as of {revision()}."
    )


def revision() -> str:
    """The last commit that changed the detector."""
    asked = ["git", "log", "-1", "--format=%h", "--", "monitors"]
    found = subprocess.run(asked, cwd=Path(__file__).parents[2], check=False, capture_output=True, text=True).stdout
    return found.strip() or "an unknown commit"


def _processor() -> str:
    """As the kernel calls it; the library's answer is empty on most machines."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
