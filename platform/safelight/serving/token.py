"""Secrets that the processes of one installation share: the engines' token, and what signs links to images."""

import os
import secrets
import tempfile
from pathlib import Path

from pydantic import SecretStr

from safelight.settings import Settings

_ENGINES_FILE = "engine.token"
_LINKS_FILE = "links.key"


def engine_token(settings: Settings) -> SecretStr:
    """The token of the settings, or else the one in the data folder, which is made on first use.

    Every process of one installation gets the same, whichever of them comes first.
    """
    return _given_or_made(settings.engine.token, settings.data_dir / _ENGINES_FILE)


def link_key(settings: Settings) -> SecretStr:
    """What signs links to images: of the settings, or else made in the data folder like the engines' token."""
    return _given_or_made(settings.api.link_key, settings.data_dir / _LINKS_FILE)


def _given_or_made(given: SecretStr, file: Path) -> SecretStr:
    if given.get_secret_value():
        return given
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        _create(file)
    return SecretStr(file.read_text())


def _create(file: Path) -> None:
    # Written aside and linked into place: nobody ever reads half a token, and the first to link wins.
    with tempfile.NamedTemporaryFile(
        "w", dir=file.parent, prefix=f".{file.name}-"
    ) as draft:  # readable by its owner only
        draft.write(secrets.token_urlsafe(32))
        draft.flush()
        try:
            os.link(draft.name, file)
        except FileExistsError:
            return
