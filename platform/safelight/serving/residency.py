"""Where a version that does not serve waits: on the device, in the host's memory or on its disk. Pure.

What serves, and what a release is about to make serve, is always on the device. A version to go back to is kept as
near to it as there is room, the likeliest first: a flip to one on the device takes no time, one in memory has only to
be moved, one on the disk has to be loaded, and none of them has to be fetched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safelight.serving.desired import Bundle
from safelight.store.residency import Residency

PROCESS_BYTES = 1_000_000_000
"""What an engine takes before it holds any weights: the interpreter, the libraries and a GPU's context."""


@dataclass(frozen=True)
class Size:
    """Bytes that an engine takes, as it was measured, or reckoned from its checkpoint's files."""

    host: int
    device: int
    """0 where there is no GPU: the weights are part of what it takes of the host's memory."""

    @classmethod
    def of_files(cls, total: int, *, gpu: bool) -> "Size":
        """Before it was ever loaded. Too much rather than too little: files are seldom smaller than what is loaded."""
        return cls(PROCESS_BYTES, total) if gpu else cls(PROCESS_BYTES + total, 0)

    @property
    def off_device(self) -> "Size":
        """When all of it waits in the host's memory."""
        return Size(self.host + self.device, 0)


@dataclass(frozen=True)
class Room:
    """Bytes left for versions that wait. `device` is None where there is no GPU, or where none has been looked at."""

    host: int
    device: int | None

    def fits(self, size: Size) -> bool:
        # What needs nothing of the device fits also where more than all of it is spoken for.
        return size.host <= self.host and size.device <= max(self.device or 0, 0)

    def without(self, size: Size) -> "Room":
        return Room(self.host - size.host, None if self.device is None else self.device - size.device)

    def with_back(self, size: Size) -> "Room":
        return self.without(Size(-size.host, -size.device))


def settle(waiting: Sequence[Bundle], sizes: Mapping[Bundle, Size], room: Room) -> tuple[list[Bundle], Room]:
    """Each of them where it is to wait, the most important first, and the room that is left then.

    One of unknown size waits on the disk. `sizes` is by the bundle on the device; `room` is what there is when none of
    them is loaded.
    """
    settled = []
    for bundle in waiting:
        residency, taken = _place(sizes.get(bundle), room)
        room = room.without(taken)
        settled.append(bundle._replace(residency=residency))
    return settled, room


def taken(bundle: Bundle, sizes: Mapping[Bundle, Size]) -> Size:
    """What a bundle takes where it is; nothing while its size is unknown."""
    size = sizes.get(bundle.on_device)
    if size is None or bundle.residency is Residency.DISK:
        return Size(0, 0)
    return size.off_device if bundle.residency is Residency.HOST else size


def _place(size: Size | None, room: Room) -> tuple[Residency, Size]:
    if size is not None and room.fits(size):
        return Residency.DEVICE, size
    # Without a GPU the host's memory is the device's: there is no second place in it.
    if size is not None and size.device and room.fits(size.off_device):
        return Residency.HOST, size.off_device
    return Residency.DISK, Size(0, 0)
