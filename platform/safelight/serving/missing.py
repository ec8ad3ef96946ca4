"""Why no engine holds a version that was to be loaded beside what serves."""

from datetime import datetime, timedelta

from safelight.errors import Kind, SafelightError
from safelight.store import engines
from safelight.store.database import Session

_LOADED_WITHIN = timedelta(minutes=15)


def reason_to_give_up(
    session: Session, generator: str, version: int, since: datetime, now: datetime
) -> SafelightError | None:
    """What kept the version, wanted `since` then, from being loaded; None as long as it may still come."""
    failed = engines.last_failed(session, generator, version, since)
    if failed is not None:
        message = f"Version {version} could not be loaded: {failed.detail}."
        return SafelightError(Kind.UNAVAILABLE, "engine_failed", message)
    if now - since > _LOADED_WITHIN:
        minutes = _LOADED_WITHIN // timedelta(minutes=1)
        message = f"No engine has held version {version} within {minutes} minutes. Does an engine host run?"
        return SafelightError(Kind.UNAVAILABLE, "no_engine_ready", message)
    return None
