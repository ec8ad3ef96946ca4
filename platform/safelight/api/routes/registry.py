"""What others changed in the version registry, and what is done about it."""

from uuid import UUID

from fastapi import APIRouter

from safelight.api.auth import Operator, Reader
from safelight.api.platform import PlatformDep
from safelight.api.schemas.page import Limit, Page
from safelight.api.schemas.registry import RegistryFinding, RegistryPolicy, RegistryState
from safelight.store import access, guard, reconciling, versions

router = APIRouter(prefix="/api/v1/registry", tags=["registry"])


@router.get("/{generator}")
def get_registry(generator: str, platform: PlatformDep, _reader: Reader) -> RegistryState:
    """When the registry was last held against the ledger, what differs still, and what is done about edits."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        return RegistryState(
            generator=generator,
            policy=reconciling.policy(session, generator),
            looked_at=reconciling.last_look(session, generator),
            standing=[
                RegistryFinding.of(each, guard.stopped(session)) for each in reconciling.standing(session, generator)
            ],
        )


@router.get("/{generator}/findings")
def list_findings(
    generator: str, platform: PlatformDep, _reader: Reader, before: UUID | None = None, limit: Limit = 50
) -> Page[RegistryFinding]:
    """Every edit that was noticed, the newest first, with what became of it."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        found, stop = reconciling.page(session, generator, before, limit), guard.stopped(session)
    last = str(found[-1].id) if len(found) == limit else None
    return Page(items=[RegistryFinding.of(each, stop) for each in found], next=last)


@router.put("/{generator}/policy")
def set_registry_policy(
    generator: str, document: RegistryPolicy, platform: PlatformDep, operator: Operator
) -> RegistryPolicy:
    """Say what becomes of an alias that somebody moves outside Safelight."""
    now = platform.clock.now()
    with platform.database.transaction() as session:
        versions.require_generator(session, generator)
        reconciling.set_policy(session, generator, document.policy, operator.name, now)
        access.record_audit(session, now, operator.name, "registry.policy", generator, document.policy)
    return document
