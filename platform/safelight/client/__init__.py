"""For services that make their own images: tell Safelight of them, without it ever being in the way.

Imports httpx and nothing of Safelight's own weight.
"""

from safelight.client.buffer import Dropped
from safelight.client.recorder import Recorder, Status
from safelight.client.versions import Refused, Versions

__all__ = ["Dropped", "Recorder", "Refused", "Status", "Versions"]
