"""Ships what processes of this host left in their journals when they ended for good."""

import logging
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from safelight.recording.claiming import abandoned
from safelight.recording.shipper import Shipper

logger = logging.getLogger(__name__)

_BATCHES = 16


class Adopter:
    """Looks after journals without a process. Any number may run: a journal is one's at a time."""

    def __init__(self, root: Path, shipper: Callable[[Path], Shipper]) -> None:
        """`shipper` makes one that ships the journal in a folder."""
        self._root = root
        self._shipper = shipper

    def run_once(self) -> int:
        """A few batches of each; returns how many generations those were. Raises what shipping raises."""
        shipped = 0
        for claim in abandoned(self._root):
            with claim, closing(self._shipper(claim.folder)) as shipper:
                found = sum(shipper.run_once() for _ in range(_BATCHES))
            if found:
                logger.info("%d generations were left by a process that is gone; they are shipped", found)
            shipped += found
        return shipped
