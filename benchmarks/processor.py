"""Processor time that other processes have spent, as Linux keeps it."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds(pid: int) -> float:
    """Of a process and all its threads, those that have ended too."""
    return _seconds(Path(f"/proc/{pid}/stat"))


def by_thread(pid: int) -> dict[int, float]:
    """Of those of its threads that live."""
    return {int(thread.name): _seconds(thread / "stat") for thread in Path(f"/proc/{pid}/task").iterdir()}


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _seconds(stat: Path) -> float:
    # The name, in brackets, may hold spaces: what follows it is numbers.
    numbers = stat.read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / _TICKS
