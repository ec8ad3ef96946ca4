"""Generators and their policies."""

from fastapi import APIRouter

from safelight.api import status
from safelight.api.auth import Operator, Reader
from safelight.api.platform import PlatformDep
from safelight.api.schemas.generators import GeneratorStatus
from safelight.api.schemas.page import Items
from safelight.api.schemas.releases import PolicyDocument
from safelight.responding.policy import MOST_PER_HOUR
from safelight.store import access, guard, incidents, versions
from safelight.store.database import Session

router = APIRouter(prefix="/api/v1", tags=["generators"])


@router.get("/generators")
def list_generators(platform: PlatformDep, _reader: Reader) -> Items[GeneratorStatus]:
    """What serves, since when, is it healthy, what fired."""
    return Items(items=status.statuses(platform))


@router.get("/generators/{generator}")
def get_generator(generator: str, platform: PlatformDep, _reader: Reader) -> GeneratorStatus:
    return status.status(platform, generator)


@router.get("/policies/{generator}")
def get_policy(generator: str, platform: PlatformDep, _reader: Reader) -> PolicyDocument:
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        return _policy(session, generator)


@router.put("/policies/{generator}")
def set_policy(generator: str, document: PolicyDocument, platform: PlatformDep, operator: Operator) -> PolicyDocument:
    """Say what may be done about an incident without asking."""
    now = platform.clock.now()
    with platform.database.transaction() as session:
        versions.require_generator(session, generator)
        incidents.set_policy(session, generator, document.mode, operator.name, now)
        if document.most_per_hour is not None:
            guard.set_most_per_hour(session, generator, document.most_per_hour, operator.name, now)
        policy = _policy(session, generator)
        detail = f"{policy.mode}, at most {policy.most_per_hour} an hour"
        access.record_audit(session, now, operator.name, "policy.set", generator, detail)
    return policy


def _policy(session: Session, generator: str) -> PolicyDocument:
    most = guard.most_per_hour(session, generator) or MOST_PER_HOUR
    return PolicyDocument(mode=incidents.policy(session, generator), most_per_hour=most)
