"""Where an engine's weights are. Apart from the table of engines: engines themselves need the words, and no SQL."""

from enum import StrEnum


class Residency(StrEnum):
    """Where an engine's weights are, or are to be."""

    DEVICE = "device"
    HOST = "host"
    """In the host's memory, loaded."""
    DISK = "disk"
    """Fetched and verified, in no process."""
