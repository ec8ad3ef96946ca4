"""The guard's stop switch."""

from fastapi import APIRouter

from safelight.api.auth import Operator, Reader
from safelight.api.platform import PlatformDep
from safelight.api.schemas.guard import GuardStatus, Switch
from safelight.responding import stopping
from safelight.store import guard
from safelight.store.database import Session

router = APIRouter(prefix="/api/v1/guard", tags=["guard"])


@router.get("")
def get_guard(platform: PlatformDep, _reader: Reader) -> GuardStatus:
    """Whether the guard may act."""
    with platform.database.reading() as session:
        return _status(session)


@router.post("/stop")
def stop(ask: Switch, platform: PlatformDep, operator: Operator) -> GuardStatus:
    """From now on nothing is rolled back automatically, for no generator; what a person does is done as ever.

    Monitors, incidents, probes and messages go on.
    """
    with platform.database.transaction() as session:
        stopping.stop(session, operator.name, ask.reason, platform.clock.now())
        return _status(session)


@router.post("/resume")
def resume(ask: Switch, platform: PlatformDep, operator: Operator) -> GuardStatus:
    """Let the guard act again, as each generator's policy says."""
    with platform.database.transaction() as session:
        stopping.resume(session, operator.name, ask.reason, platform.clock.now())
        return _status(session)


def _status(session: Session) -> GuardStatus:
    standing = guard.stopped(session)
    if standing is None:
        return GuardStatus(stopped=False)
    return GuardStatus(stopped=True, since=standing.stopped_at, by=standing.stopped_by, reason=standing.reason)
