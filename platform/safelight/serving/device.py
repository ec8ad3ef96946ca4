"""How much memory is taken: of the device that an engine runs on, of the machine, and by the engine itself."""

import os
from dataclasses import dataclass
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_STATM = Path("/proc/self/statm")
_GROUP = Path("/sys/fs/cgroup")
"""Of control groups (version 2), as a container sees its own."""


@dataclass(frozen=True)
class Memory:
    """In bytes. What other processes hold on the same device is taken too."""

    used: int
    total: int

    @property
    def free(self) -> int:
        return self.total - self.used


def memory(device: str) -> Memory | None:
    """Of the GPU that `device` (auto, cpu, cuda, cuda:1 ...) means; None where that is none."""
    import torch  # an engine has it loaded long since

    if device.startswith("cpu") or not torch.cuda.is_available():
        return None
    free, total = torch.cuda.mem_get_info(None if device == "auto" else device)
    return Memory(total - free, total)


def host_memory(meminfo: Path = _MEMINFO, group: Path = _GROUP) -> Memory:
    """Of this machine, by what Linux reckons that a process can still take without swapping; or of its container."""
    told = dict(line.split(":", 1) for line in meminfo.read_text().splitlines())
    total, available = (int(told[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    machine, container = Memory(total - available, total), group_memory(group)
    return machine if container is None else min(machine, container, key=lambda each: each.free)


def group_memory(group: Path) -> Memory | None:
    """Of a control group; None where it is given no limit. Cached files are let go of before anything is refused."""
    try:
        limit, used = ((group / name).read_text().strip() for name in ("memory.max", "memory.current"))
        counted = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except OSError:  # the machine's own group has no such files
        return None
    if limit == "max":
        return None
    return Memory(max(int(used) - int(counted.get("inactive_file", 0)), 0), int(limit))


def own_memory(device: str) -> tuple[int, int | None]:
    """Bytes that this process takes of the host's memory, and of its GPU's; None where it has none.

    Of the GPU the most that PyTorch has held so far, which it keeps for the next image.
    """
    import torch

    resident = int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    if device.startswith("cpu") or not torch.cuda.is_available():
        return resident, None
    return resident, torch.cuda.max_memory_reserved(None if device == "auto" else device)
