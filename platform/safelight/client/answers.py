"""What an answer means for the records that were sent. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

# Of a line: the journal has no room or no worker runs yet. Either passes.
_PASSING = frozenset({"journal_full", "embedder_unknown"})
# Of a whole request: a key may be given, an address mended, a server come back.
_TRY_AGAIN = frozenset({401, 403, 404, 408, 425, 429})
_ACCEPTED = 202
_TOO_LARGE = 413
_SERVER_ERROR = 500
_LONGEST_ASKED = 300.0


@dataclass(frozen=True)
class Taken:
    """The places of those to be sent again, and of those that were refused for good; the others are recorded."""

    again: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    why: str = ""
    """The first reason given, where there is one."""


@dataclass(frozen=True)
class TryAgain:
    """None of them was taken; `seconds` is how long the server asks to be left alone."""

    why: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Halve:
    """They are too many at once."""


@dataclass(frozen=True)
class Never:
    """None of them was taken, and none will be."""

    why: str


Meaning: TypeAlias = Taken | TryAgain | Halve | Never


def meaning(sent: int, status: int, headers: Mapping[str, str], body: Any) -> Meaning:
    """Of an answer to `sent` lines at POST /api/v1/ingest; `body` is its JSON, whatever that is."""
    lines = body.get("lines") if isinstance(body, dict) else None
    understood = isinstance(lines, list) and len(lines) == sent and all(isinstance(line, dict) for line in lines)
    if status == _ACCEPTED and understood:
        return _taken(body["lines"])
    code = body.get("code", "") if isinstance(body, dict) else ""
    why = f"{status} {code}".strip()
    if status == _TOO_LARGE:
        return Halve()
    if status in _TRY_AGAIN or status >= _SERVER_ERROR or status < 400:
        return TryAgain(why, _retry_after(headers))
    return Never(why)


def _taken(lines: Sequence[Mapping[str, Any]]) -> Taken:
    codes = [line.get("code") for line in lines]
    again = tuple(place for place, code in enumerate(codes) if code in _PASSING)
    refused = tuple(place for place, code in enumerate(codes) if code is not None and code not in _PASSING)
    first = next((line for line in lines if line.get("code") is not None), {})
    return Taken(again, refused, f"{first.get('code', '')} {first.get('detail', '')}".strip())


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds; a date is left aside, for Safelight sends none."""
    asked = headers.get("retry-after", "")
    return min(float(asked), _LONGEST_ASKED) if asked.isdigit() else 0.0


def pause(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row: doubling to half a minute, `chance` of it spread at random.

    `chance` is uniform on [0, 1): services that lost the same Safelight must not all come back at once.
    """
    return min(0.25 * 2.0 ** min(failures - 1, 10), 30.0) * (0.5 + chance / 2)
