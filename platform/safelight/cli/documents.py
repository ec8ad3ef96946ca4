"""Files that commands are given to read, and those that they are to write."""

import json
from pathlib import Path
from typing import Any

from safelight.errors import Kind, SafelightError


def read_object(file: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises SafelightError `document_invalid`, and OSError where it cannot be read."""
    try:
        told = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise SafelightError(Kind.INVALID, "document_invalid", f"{file} is not JSON: {error}.") from error
    if not isinstance(told, dict):
        raise SafelightError(Kind.INVALID, "document_invalid", f"{file} is not a JSON object: write it as {{...}}.")
    return told


def check_writable(*files: Path | None) -> None:
    """Before work that takes long, not behind it. Raises SafelightError `output_unusable`."""
    for file in files:
        if file is not None and (file.is_dir() or not file.parent.is_dir()):
            why = "it is a folder" if file.is_dir() else f"there is no folder {file.parent}"
            raise SafelightError(Kind.INVALID, "output_unusable", f"{file} cannot be written: {why}.")
