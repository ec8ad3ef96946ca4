"""What a bare diffusers loop loses to whatever works on the core beside it: `python -m benchmarks.neighbour`.

A service has clients, an API process and a log beside the engine that renders; on a machine of two cores they share
caches and memory with it. What that alone costs is part of what `benchmarks.overhead` measures, and nothing that doing
less in an engine could save. Two neighbours take turns with none: one that only counts and touches no memory, and one
that writes and reads documents of a few megabytes.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.bare import BareLoop
from safelight.studio.versions import build_version

_COUNTS = "while True: pass"
_DOCUMENTS = """
import json
rows = [{"number": number, "text": "x" * 50} for number in range(20_000)]
while True: json.loads(json.dumps(rows))
"""
_NEIGHBOURS = {"none": None, "counts": _COUNTS, "documents": _DOCUMENTS}


@contextmanager
def beside(program: str | None) -> Iterator[None]:
    if program is None:
        yield
        return
    with subprocess.Popen([sys.executable, "-c", program]) as neighbour:
        try:
            yield
        finally:
            neighbour.kill()


def measure(loop: BareLoop, turns: int, seconds: float, batch: int) -> dict[str, list[float]]:
    """Images a second, turn by turn, by neighbour."""
    rates: dict[str, list[float]] = {name: [] for name in _NEIGHBOURS}
    for _ in range(turns):
        for name, program in _NEIGHBOURS.items():
            with beside(program):
                rates[name].append(loop.rate(batch, seconds))
    return rates


def table(rates: dict[str, list[float]]) -> str:
    alone = rates["none"]
    lines = [f"{'neighbour':12}{'images a second':>18}{'of alone':>12}"]
    for name, found in rates.items():
        share = median(rate / without for rate, without in zip(found, alone, strict=True))
        lines.append(f"{name:12}{median(found):18.2f}{share:12.3f}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each, in each turn")
    parser.add_argument("--batch", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="neighbour-") as folder:
        loop = BareLoop(build_version(2, Path(folder) / "bare").folder)
        loop.rate(options.batch, 1.0)  # warms up
        print(table(measure(loop, options.turns, options.seconds, options.batch)))


if __name__ == "__main__":
    main()
