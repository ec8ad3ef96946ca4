"""Dyadic windows over consecutive time buckets: the last 1, 2, 4, ... buckets."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Generic, Protocol, Self, TypeVar


class Mergeable(Protocol):
    def __add__(self, other: Self, /) -> Self: ...


T = TypeVar("T", bound=Mergeable)


@dataclass(frozen=True)
class Bucket(Generic[T]):
    """What fell into one stretch of time; `content` is None where nothing did."""

    start: datetime
    content: T | None


@dataclass(frozen=True)
class Window(Generic[T]):
    start: datetime
    seconds: float
    content: T | None


def one_by_one(contents: Sequence[T]) -> T:
    return reduce(operator.add, contents)


def dyadic_windows(
    buckets: Sequence[Bucket[T]],
    width: timedelta,
    longest: timedelta,
    since: datetime | None = None,
    total: Callable[[Sequence[T]], T] = one_by_one,
) -> list[Window[T]]:
    """Windows of 1, 2, 4, ... buckets, all ending with the newest, none longer than `longest`.

    None begins before `since`: what lies behind a release, a restart or a repair says nothing about what serves now.
    Where the buckets reach back less far than a window, it is cut to what there is, once. `total` adds up what several
    buckets hold. Raises ValueError for buckets that are not consecutive, oldest first.
    """
    starts = [bucket.start for bucket in buckets]
    if any(later - earlier != width for earlier, later in itertools.pairwise(starts)):
        raise ValueError(f"buckets must follow one another every {width.total_seconds():g} s, oldest first")
    usable = [bucket for bucket in buckets if since is None or bucket.start >= since]
    usable = usable[-max(1, longest // width) :]
    windows: list[Window[T]] = []
    content: T | None = None
    done, size = 0, 1
    while done < len(usable):
        reach = min(size, len(usable))
        fresh = usable[len(usable) - reach : len(usable) - done]
        parts = [bucket.content for bucket in fresh if bucket.content is not None]
        parts = parts if content is None else [*parts, content]
        content = total(parts) if parts else None
        windows.append(Window(usable[-reach].start, reach * width.total_seconds(), content))
        done, size = reach, 2 * size
    return windows


def window_count(width: timedelta, longest: timedelta) -> int:
    """The most windows that `dyadic_windows` makes: what a false-alarm budget is divided by."""
    return (max(1, longest // width) - 1).bit_length() + 1


def spoken(seconds: float) -> str:
    """A duration as people say it, by its two largest units: 2 minutes 40 seconds."""
    if seconds < 60:
        return f"{seconds:g} second{'' if seconds == 1 else 's'}"
    said: list[str] = []
    left = round(seconds)
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        count, left = divmod(left, size)
        if count:
            said.append(f"{count} {unit}{'' if count == 1 else 's'}")
        if len(said) == 2 or (said and not count):
            break
    return " ".join(said)
