"""Runbooks: what to do when a monitor alarms."""

from fastapi import APIRouter

from safelight.api.auth import Operator, Reader
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.api.schemas.incidents import RunbookInfo, RunbookText
from safelight.handouts.markdown import to_html
from safelight.responding import runbooks
from safelight.responding.runbooks import Runbook
from safelight.store import versions

router = APIRouter(prefix="/api/v1/runbooks", tags=["incidents"], route_class=IdempotentRoute)


@router.get("/{generator}/{monitor}")
def get_runbook(generator: str, monitor: str, platform: PlatformDep, _reader: Reader) -> RunbookInfo:
    """The generator's own one, else the bundled one for monitors of this kind."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        return runbook_document(runbooks.find(session, generator, monitor))


@router.put("/{generator}/{monitor}")
def put_runbook(
    generator: str, monitor: str, wanted: RunbookText, platform: PlatformDep, operator: Operator
) -> RunbookInfo:
    """Put words of your own in place."""
    with platform.database.transaction() as session:
        now = platform.clock.now()
        return runbook_document(runbooks.write(session, generator, monitor, wanted.text, operator.name, now))


@router.delete("/{generator}/{monitor}")
def reset_runbook(generator: str, monitor: str, platform: PlatformDep, operator: Operator) -> RunbookInfo:
    """Go back to the bundled one, which is answered."""
    with platform.database.transaction() as session:
        return runbook_document(runbooks.reset(session, generator, monitor, operator.name, platform.clock.now()))


def runbook_document(found: Runbook) -> RunbookInfo:
    return RunbookInfo(**vars(found), html=to_html(found.text))
