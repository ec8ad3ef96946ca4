"""What each version takes of this machine's memory, as it is measured, and what that leaves for those that wait."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from safelight.serving.child import ChildStatus
from safelight.serving.desired import Bundle
from safelight.serving.device import Memory, host_memory
from safelight.serving.residency import PROCESS_BYTES, Room, Size, settle, taken
from safelight.store.residency import Residency

_RESERVE = 0.05
"""Of all memory: for images larger than any so far, and for whatever else runs here."""
_NVIDIA = Path("/dev/nvidiactl")


def has_gpu(device: str) -> bool:
    """Whether engines on `device` (auto, cpu, cuda ...) will have one; asking PyTorch would take seconds."""
    return device.startswith("cuda") or (device == "auto" and _NVIDIA.exists())


class Accounts:
    """One host's. Sizes are of bundles on the device."""

    def __init__(self, *, gpu: bool, machine: Callable[[], Memory] = host_memory) -> None:
        self._gpu = gpu
        self._machine = machine
        self._sizes: dict[Bundle, Size] = {}
        self._told: set[Bundle] = set()
        # A GPU of which nothing is known yet has no room.
        self._device = Memory(0, 0)

    def fetched(self, bundle: Bundle, files: int) -> None:
        """Its checkpoint has so many bytes: a first guess at what it will take."""
        self._sizes.setdefault(bundle.on_device, Size.of_files(files, gpu=self._gpu))

    def measured(self, bundle: Bundle, status: ChildStatus) -> None:
        """An engine has told what it takes. The most counts: one with nothing to do is about to have something."""
        if status.memory_total is not None and status.memory_used is not None:
            self._device = Memory(status.memory_used, status.memory_total)
        if bundle.residency is Residency.DEVICE and status.host_bytes is not None:
            known = self._sizes[bundle] if bundle in self._told else Size(0, 0)
            self._told.add(bundle)
            self._sizes[bundle] = Size(max(known.host, status.host_bytes), max(known.device, status.device_bytes or 0))

    def settle(
        self, needed: Sequence[Bundle], waiting: Sequence[Bundle], held: Mapping[Bundle, bool], ahead: int
    ) -> tuple[list[Bundle], bool]:
        """Where the waiting ones are to be, with what is needed on the device, and whether there is room for a process
        beside them that was started ahead.

        `held` says which are ready; `ahead` is what such a process takes so far, which any of them comes before.
        """
        room = self._room(needed, waiting, held).with_back(Size(ahead, 0))
        settled, left = settle(waiting, self._sizes, room)
        return settled, left.fits(Size(PROCESS_BYTES, 0))

    def _room(self, needed: Collection[Bundle], waiting: Collection[Bundle], held: Mapping[Bundle, bool]) -> Room:
        machine, device = self._machine(), self._device
        room = Room(_spare(machine), _spare(device) if self._gpu else None)
        for bundle in held:
            if bundle.on_device in waiting:
                room = room.with_back(taken(bundle, self._sizes))
        for bundle in needed:
            if not held.get(bundle, False):
                room = room.without(taken(bundle, self._sizes))
        return room


def _spare(memory: Memory) -> int:
    return memory.free - int(memory.total * _RESERVE)
