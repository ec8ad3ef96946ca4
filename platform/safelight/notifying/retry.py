"""What comes after an attempt to deliver: the retry schedule of the Standard Webhooks specification, as a decision.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from collections.abc import Collection
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
    LOOKUP_TIMEOUT = "lookup_timeout"
    NAME_UNKNOWN = "name_unknown"
    UNREACHABLE = "unreachable"
    CUT_OFF = "cut_off"
    BAD_CERTIFICATE = "bad_certificate"
    FORBIDDEN_ADDRESS = "forbidden_address"
    FAULT = "fault"
    """Safelight's own: the worker's log says which."""


@dataclass(frozen=True)
class Answered:
    """The receiver answered."""

    status: int
    retry_after: timedelta | None = None


Outcome: TypeAlias = Answered | Failure


def error_of(outcome: Outcome) -> str:
    """What the log says of an attempt: nothing where it was delivered."""
    if not isinstance(outcome, Answered):
        return outcome.value
    if 300 <= outcome.status < 400:
        return f"status {outcome.status}: a redirect, not followed"
    return "" if 200 <= outcome.status < 300 else f"status {outcome.status}"


@dataclass(frozen=True)
class Delivered:
    """The receiver has it."""


@dataclass(frozen=True)
class Retry:
    """Worth another attempt."""

    at: datetime


@dataclass(frozen=True)
class GiveUp:
    """The schedule is exhausted, or the receiver will never take this message."""


@dataclass(frozen=True)
class Disable:
    """The receiver wants nothing more, ever."""


Step: TypeAlias = Delivered | Retry | GiveUp | Disable


def next_step(
    attempt: int, outcome: Outcome, now: datetime, jitter: float, refusals: Collection[int] = frozenset()
) -> Step:
    """What to do after attempt number `attempt` (from 1); `jitter` is a random number in [0, 1).

    `refusals` are the statuses by which a receiver says that the same message will never be taken.
    """
    if isinstance(outcome, Answered):
        if 200 <= outcome.status < 300:
            return Delivered()
        if outcome.status == 410:
            return Disable()
        if outcome.status in refusals:
            return GiveUp()
    if attempt >= MOST_ATTEMPTS:
        return GiveUp()
    pause = PAUSES[attempt - 1] * (1 + _JITTER * jitter)
    if isinstance(outcome, Answered) and outcome.retry_after is not None:
        # A receiver may ask for more time, not for less, and not for ever.
        pause = max(pause, min(outcome.retry_after, _LONGEST_RETRY_AFTER))
    return Retry(now + pause)
