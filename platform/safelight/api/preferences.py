"""The `Prefer` header of RFC 7240: how somebody would like a request to be handled."""

import re
from dataclasses import dataclass

RESPOND_ASYNC = "respond-async"
_WAIT = re.compile(r"wait\s*=\s*\"?([0-9]{1,6})\"?")


@dataclass(frozen=True)
class Preferences:
    """`wait`: seconds after which an answer is of no use any more."""

    respond_async: bool = False
    wait: float | None = None


def preferences(header: str | None) -> Preferences:
    """What is understood of a header; by the RFC the rest is ignored, and the first of two that contradict counts."""
    parts = [part.strip().lower() for part in (header or "").split(",")]
    waits = [float(found[1]) for part in parts if (found := _WAIT.fullmatch(part)) and int(found[1]) > 0]
    return Preferences(RESPOND_ASYNC in parts, waits[0] if waits else None)
