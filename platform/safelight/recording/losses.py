"""What was served without being recorded, counted until the database knows of it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from threading import Lock

from safelight.clock import bucket_start
from safelight.recording.generation import Generation
from safelight.store.traffic import Traffic


class Losses:
    """Counts the unlogged generations of this process. The monitors read them from the buckets of traffic."""

    def __init__(self, bucket_seconds: int) -> None:
        self._bucket_seconds = bucket_seconds
        self._lock = Lock()
        self._total = 0
        self._untold: Counter[tuple[str, int, str, datetime]] = Counter()

    @property
    def total(self) -> int:
        """How many since the process started."""
        return self._total

    def add(self, generation: Generation) -> None:
        start = bucket_start(generation.created_at, self._bucket_seconds)
        with self._lock:
            self._total += 1
            self._untold[generation.generator, generation.version, generation.arm.value, start] += 1

    def take(self) -> list[Traffic]:
        """What the database has not been told; whoever cannot tell it puts it back."""
        with self._lock:
            taken, self._untold = self._untold, Counter()
        return [Traffic.of_unlogged(*key, count) for key, count in taken.items()]

    def put_back(self, taken: Iterable[Traffic]) -> None:
        with self._lock:
            for each in taken:
                self._untold[each.key] += each.unlogged
