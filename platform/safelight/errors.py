"""Domain errors. They know no HTTP: `api/problems.py` maps each kind to a status."""

from enum import StrEnum


class Kind(StrEnum):
    """What sort of failure an error is; decides how it is reported, never what it says."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"


class SafelightError(Exception):
    """A refusal or failure with a stable `code` and a sentence that says what to do next.

    Messages reach users and logs: they never contain a secret.
    """

    def __init__(self, kind: Kind, code: str, message: str, **details: object) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.message = message
        self.details = details


def not_found(what: str, identifier: object) -> SafelightError:
    """The usual error for something that does not exist."""
    return SafelightError(
        Kind.NOT_FOUND, f"{what}_not_found", f"There is no {what} {identifier!s}. List them to see which exist."
    )
