"""Whether a request is let in, and when to come back if not. Pure: the gateway counts, this decides."""

import math
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from safelight.errors import Kind, SafelightError
from safelight.serving.wire import Facts

_GREED = 4
"""A key may hold up to so many times the room that is left, so there is always some for a key that has none yet
(dynamic thresholds; Choudhury and Hahne, 1998). One key alone comes to four fifths of the whole."""
_NEWEST = 0.2
"""Weight of the newest image in what an image takes."""
_LONGEST_WAIT = 600


class Refusal(StrEnum):
    """Why a request is not let in: a stable code."""

    QUEUE_FULL = "too_many_requests"
    SHARE_FULL = "too_many_of_this_key"
    RATE_LIMITED = "rate_limited"
    TOO_LATE = "deadline_unreachable"


_SENTENCES = {
    Refusal.QUEUE_FULL: "As many images wait or are being made as may.",
    Refusal.SHARE_FULL: "This key has as many images waiting as may be while others want some too.",
    Refusal.RATE_LIMITED: "This key has asked for as many images as it may for now.",
    Refusal.TOO_LATE: "So many images wait that this one would not be made in its time.",
}


@dataclass(frozen=True)
class Refused:
    """`after`: seconds after which the same request would probably be let in."""

    reason: Refusal
    after: float

    @property
    def error(self) -> SafelightError:
        kind = Kind.UNAVAILABLE if self.reason is Refusal.TOO_LATE else Kind.BUSY
        seconds = max(1, min(math.ceil(self.after), _LONGEST_WAIT))
        message = f"{_SENTENCES[self.reason]} Try again in {seconds} s."
        return SafelightError(kind, self.reason.value, message, retry_after=seconds)


def refusal(own: int, total: int, images: int, most: int) -> Refusal | None:
    """Whether there is no room for so many images more of an account that has `own` of the `total` that wait.

    A queue that is empty has room for any request.
    """
    if total == 0:
        return None
    left = most - total - images
    if left < 0:
        return Refusal.QUEUE_FULL
    return Refusal.SHARE_FULL if own + images > _GREED * left else None


class Crowd:
    """The images that were let in and are not answered yet, by account."""

    def __init__(self, most: int) -> None:
        """`most` of them in all."""
        self._most = most
        self._of: Counter[str] = Counter()

    @property
    def total(self) -> int:
        return self._of.total()

    def enter(self, account: str, images: int) -> None:
        self._of[account] += images

    def leave(self, account: str, images: int) -> None:
        self._of[account] -= images
        if not self._of[account]:
            del self._of[account]

    def ahead_of(self, account: str, images: int) -> int:
        """How many images are made before the last of so many more of an account: accounts take turns."""
        turns = self._of[account] + images
        return sum(min(count, turns) for other, count in self._of.items() if other != account) + turns - 1

    def refusal_of(self, account: str, images: int) -> Refusal | None:
        """Whether there is no room for so many images more of an account."""
        return refusal(self._of[account], self.total, images, self._most)


class RateLimit:
    """So many images a minute for each account, and so many at once after a pause (GCRA, ITU-T I.371)."""

    def __init__(self, images_per_minute: float | None, burst: int) -> None:
        """Without a rate there is no limit."""
        self._interval = 0.0 if images_per_minute is None else 60 / images_per_minute
        self._tolerance = burst * self._interval
        self._due: dict[str, float] = {}

    def wait(self, account: str, images: int, now: float) -> float:
        """Seconds until so many images are allowed; 0 now, and then they are counted.

        More than a burst are allowed to an account that has paused long enough: they would never be otherwise.
        """
        due = max(self._due.get(account, now), now)
        after = due + images * self._interval
        early = after - now - self._tolerance
        if due > now and early > 1e-9:
            return min(early, due - now)
        if self._interval:
            self._due = {name: at for name, at in self._due.items() if at > now}
            self._due[account] = after
        return 0.0


class Speed:
    """What an image takes of an engine, measured on those that were made lately."""

    def __init__(self) -> None:
        self.seconds_per_image: float | None = None

    def note(self, facts: Facts) -> None:
        measured = facts.engine_ms / 1000 / facts.batch_size
        before = measured if self.seconds_per_image is None else self.seconds_per_image
        self.seconds_per_image = before + _NEWEST * (measured - before)

    def seconds_for(self, images: int, engines: int) -> float:
        """How long so many engines take for so many images; 0 before the first was made."""
        return (self.seconds_per_image or 0.0) * images / max(engines, 1)
