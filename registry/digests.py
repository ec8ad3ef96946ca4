"""The one way this project turns a document into bytes and bytes into a digest."""

import hashlib
import json
from typing import Annotated

from pydantic import StringConstraints

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""``sha256:`` and 64 lower-case hexadecimal digits."""


def canonical_json(document: object) -> bytes:
    """The one JSON text of a document: keys sorted, no spaces, ASCII only.

    Raises ValueError for NaN and infinities (JSON has none) and TypeError for what JSON cannot hold.
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()
