"""What every refusal of this package has in common."""

from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """What a caller can do about an error; one table of the caller maps it to its own answers."""

    INVALID = "invalid"
    """The input is wrong: mend it and try again."""
    NOT_FOUND = "not_found"
    """What was named does not exist."""
    CONFLICT = "conflict"
    """The input is right, but the state has moved or forbids it: look again, then decide."""
    CORRUPT = "corrupt"
    """What is stored is not what was registered: nothing may be served from it."""
    UNAVAILABLE = "unavailable"
    """A peer did not answer: try again later."""


class RegistryError(Exception):
    """A refusal: ``code`` never changes between releases, ``str(error)`` says what to do next."""

    kind: ClassVar[Kind]

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
