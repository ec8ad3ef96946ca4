"""The guard: its stop switch, what it would have done, and the drills that show there is a way back."""

from uuid import UUID

from fastapi import APIRouter

from safelight.api.auth import Operator, Reader
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.api.schemas.guard import (
    Drill,
    GuardStatus,
    NewDrill,
    PolicyDryRun,
    PolicyDryRunOrder,
    PolicyStep,
    Switch,
)
from safelight.api.schemas.page import Limit, Page
from safelight.responding import drilling, stopping
from safelight.responding.policy import Action
from safelight.responding.recalling import rehearsal
from safelight.store import drills, guard, versions
from safelight.store.database import Session

router = APIRouter(prefix="/api/v1", tags=["guard"], route_class=IdempotentRoute)


@router.get("/guard")
def get_guard(platform: PlatformDep, _reader: Reader) -> GuardStatus:
    """Whether the guard may act."""
    with platform.database.reading() as session:
        return _status(session)


@router.post("/guard/stop")
def stop(ask: Switch, platform: PlatformDep, operator: Operator) -> GuardStatus:
    """From now on nothing that serves is changed automatically, for no generator; what a person does is done as ever.

    Held are rollbacks of armed policies, the further steps of canaries, promotes on their way to further scopes, and
    what is put back in the registry. Canaries are called off as ever; monitors, incidents, probes and messages go on.
    """
    with platform.database.transaction() as session:
        stopping.stop(session, operator.name, ask.reason, platform.clock.now())
        return _status(session)


@router.post("/guard/resume")
def resume(ask: Switch, platform: PlatformDep, operator: Operator) -> GuardStatus:
    """Let the guard act again, as each generator's policy says."""
    with platform.database.transaction() as session:
        stopping.resume(session, operator.name, ask.reason, platform.clock.now())
        return _status(session)


@router.post("/policies/{generator}/dry-run")
def try_policy(generator: str, ask: PolicyDryRunOrder, platform: PlatformDep, _reader: Reader) -> PolicyDryRun:
    """What an armed policy would have done in the last days; it changes nothing."""
    with platform.database.reading() as session:
        found = rehearsal(session, generator, ask.days, ask.most_per_hour, platform.clock.now())
    steps = [PolicyStep.model_validate(step) for step in found.steps]
    return PolicyDryRun(
        since=found.since,
        until=found.until,
        most_per_hour=found.most_per_hour,
        incidents=found.incidents,
        whole=found.whole,
        rollbacks=sum(step.action is Action.ROLL_BACK for step in steps),
        steps=steps,
    )


@router.post("/drills", status_code=202)
def order_drill(ask: NewDrill, platform: PlatformDep, operator: Operator) -> Drill:
    """Have a version loaded afresh, in a spare engine that gets no traffic; one that is under way is not doubled."""
    with platform.database.transaction() as session:
        ordered = drilling.ask(session, ask.generator, ask.version, operator.name, platform.clock.now())
    return Drill.model_validate(ordered)


@router.get("/drills")
def list_drills(
    generator: str, platform: PlatformDep, _reader: Reader, before: UUID | None = None, limit: Limit = 50
) -> Page[Drill]:
    """The newest first."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        found = drills.page(session, generator, before, limit)
    last = str(found[-1].id) if len(found) == limit else None
    return Page(items=[Drill.model_validate(drill) for drill in found], next=last)


@router.get("/drills/{drill_id}")
def get_drill(drill_id: UUID, platform: PlatformDep, _reader: Reader) -> Drill:
    with platform.database.reading() as session:
        return Drill.model_validate(drills.require(session, drill_id))


def _status(session: Session) -> GuardStatus:
    standing = guard.stopped(session)
    if standing is None:
        return GuardStatus(stopped=False)
    return GuardStatus(stopped=True, since=standing.stopped_at, by=standing.stopped_by, reason=standing.reason)
