"""When a generation was made, as tables write it; or, where they do not say, an even spread that owns up to it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from safelight.errors import Kind, SafelightError

_NO_TIME = "created_at is no time that a calendar has"
_MILLISECONDS_FROM = 1e11  # as seconds since 1970, that is the year 5138


@dataclass(frozen=True)
class Spread:
    """Times made up: rows in the table's order, evenly from `start` to `end`. Durations then mean nothing."""

    start: datetime
    end: datetime
    rows: int

    def at(self, position: int) -> datetime:
        """The time of the row at `position`, counted from zero."""
        return self.start + (self.end - self.start) * (position / max(1, self.rows))


def spread(start: datetime, end: datetime, rows: int) -> Spread:
    """Raises SafelightError `range_invalid`."""
    if not start < end:
        raise SafelightError(Kind.INVALID, "range_invalid", "The time to spread rows over ends before it begins.")
    return Spread(start, end, rows)


def zone(name: str) -> tzinfo | None:
    """None for no name. Raises SafelightError `timezone_unknown`."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SafelightError(Kind.INVALID, "timezone_unknown", f"There is no time zone {name!r}. Try UTC.") from error


def reader(naive: tzinfo | None) -> Callable[[object], datetime]:
    """Reads ISO 8601, dates with time, and seconds or milliseconds since 1970; `naive` is the zone of times without.

    What it returns is in UTC. It raises ValueError with a reason.
    """

    def read(value: object) -> datetime:
        moment = _moment(value)
        if moment.tzinfo is None:
            if naive is None:
                raise ValueError("created_at has no time zone; say which one is meant with --timezone")
            moment = moment.replace(tzinfo=naive)
        try:
            return moment.astimezone(UTC)
        except OverflowError:  # 0001-01-01, say, which some write for "never", east of Greenwich
            raise ValueError(_NO_TIME) from None

    return read


def _moment(value: object) -> datetime:
    match value:
        case datetime():
            return value
        case bool() | date():
            raise ValueError("created_at is not a time")
        case int() | float():
            return _since_1970(float(value))
        case str():
            return _text(value.strip())
        case _:
            raise ValueError("created_at is not a time")


def _text(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:
        return _since_1970(float(text))
    except ValueError:
        raise ValueError("created_at is neither ISO 8601 nor seconds since 1970") from None


def _since_1970(number: float) -> datetime:
    try:
        seconds = number / 1000 if abs(number) >= _MILLISECONDS_FROM else number
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise ValueError(_NO_TIME) from None
