"""What must not be kept of a prompt is taken out before anything is written."""

import hashlib
import hmac
import re
from typing import Any

from safelight.recording.generation import Generation
from safelight.settings import RedactionSettings

REDACTED = "redacted"
"""Stands in the envelope of a generation whose prompt is not what was asked for: it cannot be made again."""
_DIGITS = 12


class Redactor:
    """Puts a mark in the place of every match; with a key one that is the same for the same text, and tells it not."""

    def __init__(self, settings: RedactionSettings) -> None:
        self._patterns = [re.compile(pattern) for pattern in settings.patterns]
        self._key = settings.key.get_secret_value().encode()

    def __call__(self, generation: Generation) -> Generation:
        """The record as it may be kept; the same one where nothing of it matches."""
        if not self._patterns:
            return generation
        changed: dict[str, Any] = {"prompt": self._without(generation.prompt)}
        if generation.final_prompt is not None:
            changed["final_prompt"] = self._without(generation.final_prompt)
        # A parameter may be words too: a negative prompt, a style.
        changed["parameters"] = {
            name: self._without(value) if isinstance(value, str) else value
            for name, value in generation.parameters.items()
        }
        if all(getattr(generation, name) == value for name, value in changed.items()):
            return generation
        return generation.model_copy(update=changed | {"envelope": generation.envelope | {REDACTED: True}})

    def _without(self, text: str) -> str:
        for pattern in self._patterns:
            text = pattern.sub(self._mark, text)
        return text

    def _mark(self, match: re.Match[str]) -> str:
        if not self._key:
            return "[redacted]"
        digest = hmac.new(self._key, match.group().encode(), hashlib.sha256).hexdigest()
        return f"[redacted:{digest[:_DIGITS]}]"
