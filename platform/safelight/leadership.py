"""What the jobs that only one worker may do ask of it; `safelight.watching.lease` answers."""

from typing import Protocol


class Leadership(Protocol):
    """Whether this worker is the one that acts."""

    def held(self) -> bool: ...
