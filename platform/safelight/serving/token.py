"""The secret that gateways and engines share."""

import os
import secrets
import tempfile
from pathlib import Path

from pydantic import SecretStr

from safelight.settings import Settings

_FILE = "engine.token"


def engine_token(settings: Settings) -> SecretStr:
    """The token of the settings, or else the one in the data folder, which is made on first use.

    Every process of one installation gets the same, whichever of them comes first.
    """
    if settings.engine.token.get_secret_value():
        return settings.engine.token
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    file = settings.data_dir / _FILE
    if not file.exists():
        _create(file)
    return SecretStr(file.read_text())


def _create(file: Path) -> None:
    # Written aside and linked into place: nobody ever reads half a token, and the first to link wins.
    with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f".{_FILE}-") as draft:  # readable by its owner only
        draft.write(secrets.token_urlsafe(32))
        draft.flush()
        try:
            os.link(draft.name, file)
        except FileExistsError:
            return
