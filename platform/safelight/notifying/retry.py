"""What comes after an attempt to deliver: the retry schedule of the Standard Webhooks specification, as a decision.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

# The pause before the second attempt, the third ... : a little over three days in all.
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
MOST_ATTEMPTS = len(PAUSES) + 1
# A pause is stretched by up to this share of itself, so that a crowd does not come back all at once.
_JITTER = 0.1
_LONGEST_RETRY_AFTER = timedelta(hours=24)


class Failure(StrEnum):
    """Why no answer came."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    FORBIDDEN_ADDRESS = "forbidden_address"


@dataclass(frozen=True)
class Answered:
    """The receiver answered."""

    status: int
    retry_after: timedelta | None = None


Outcome: TypeAlias = Answered | Failure


@dataclass(frozen=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True)
class Retry:
    """Worth another attempt."""

    at: datetime


@dataclass(frozen=True)
class GiveUp:
    """The schedule is exhausted."""


@dataclass(frozen=True)
class Disable:
    """The receiver wants nothing more, ever."""


Step: TypeAlias = Delivered | Retry | GiveUp | Disable


def next_step(attempt: int, outcome: Outcome, now: datetime, jitter: float) -> Step:
    """What to do after attempt number `attempt` (from 1); `jitter` is a random number in [0, 1)."""
    if isinstance(outcome, Answered):
        if 200 <= outcome.status < 300:
            return Delivered()
        if outcome.status == 410:
            return Disable()
    if attempt >= MOST_ATTEMPTS:
        return GiveUp()
    pause = PAUSES[attempt - 1] * (1 + _JITTER * jitter)
    if isinstance(outcome, Answered) and outcome.retry_after is not None:
        # A receiver may ask for more time, not for less, and not for ever.
        pause = max(pause, min(outcome.retry_after, _LONGEST_RETRY_AFTER))
    return Retry(now + pause)
