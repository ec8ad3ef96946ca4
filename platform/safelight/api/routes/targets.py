"""Services that others run: what they are told, what they are seen to serve, and the scopes they are in."""

from datetime import timedelta
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request

from safelight.access import Permission
from safelight.api.auth import Admin, Operator, Reader, Requires, authenticate
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.page import Items
from safelight.api.schemas.targets import (
    CreatedTarget,
    NewSecret,
    NewTarget,
    Observation,
    PlannedRequest,
    Scope,
    Scopes,
    ScopeState,
    Target,
)
from safelight.notifying.addresses import Reach
from safelight.notifying.connection import GuardedBackend
from safelight.releasing.overview import scope_states
from safelight.releasing.scoping import set_scopes
from safelight.releasing.targets import making
from safelight.releasing.targets.observing import confirm, signed_by_target
from safelight.releasing.targets.target import Backend
from safelight.store import targets, versions

router = APIRouter(prefix="/api/v1", tags=["targets"], route_class=IdempotentRoute)
# Apart, because a kept reply would keep the secret; and whoever signs has no key of ours that a reply could be kept by.
secrets = APIRouter(prefix="/api/v1", tags=["targets"])


@router.get("/targets")
def list_targets(platform: PlatformDep, _reader: Reader, generator: str | None = None) -> Items[Target]:
    with platform.database.reading() as session:
        return Items(items=[Target.model_validate(each) for each in targets.all_of(session, generator)])


@secrets.post("/targets", status_code=201)
def create_target(new: NewTarget, platform: PlatformDep, admin: Admin) -> CreatedTarget:
    """Have releases of versions that somebody else serves act on a service, and wait until it is seen to serve them.

    The secret that a webhook's orders are signed with is in this answer and nowhere else.
    """
    now = platform.clock.now()
    with platform.database.transaction() as session:
        made = making.create(
            session,
            generator=new.generator,
            scope=new.scope,
            kind=new.kind,
            url=new.url,
            secret=new.secret.get_secret_value(),
            resource=new.resource,
            reach=Reach.of(platform.settings.notifying),
            actor=admin.name,
            now=now,
        )
    return CreatedTarget(**vars(made.target), secret=made.secret)


@secrets.post("/targets/{target_id}/secret")
def replace_secret(target_id: UUID, new: NewSecret, platform: PlatformDep, admin: Admin) -> CreatedTarget:
    """Take another token; or sign with a new secret, which is in this answer and nowhere else, and for a while with the
    previous one too."""
    now, reach = platform.clock.now(), Reach.of(platform.settings.notifying)
    with platform.database.transaction() as session:
        secret, overlap = new.secret.get_secret_value(), timedelta(hours=new.overlap_hours)
        made = making.replace_secret(session, target_id, secret, reach, admin.name, now, overlap)
    return CreatedTarget(**vars(made.target), secret=made.secret)


@router.get("/targets/{target_id}")
def get_target(target_id: UUID, platform: PlatformDep, _reader: Reader) -> Target:
    with platform.database.reading() as session:
        return Target.model_validate(targets.require(session, target_id))


@router.delete("/targets/{target_id}")
def remove_target(target_id: UUID, platform: PlatformDep, admin: Admin) -> Target:
    """Tell it nothing more: what its service serves is declared from now on, not observed."""
    with platform.database.transaction() as session:
        return Target.model_validate(making.remove(session, target_id, admin.name, platform.clock.now()))


@router.get("/targets/{target_id}/plan")
def plan_target(
    target_id: UUID, platform: PlatformDep, operator: Operator, version: int = Query(ge=1)
) -> PlannedRequest:
    """A dry run: the exact request that a release of the version would make, without the secret it carries."""
    planned = making.plan(
        platform.database, target_id, version, _backend(platform), operator.name, platform.clock.now()
    )
    return PlannedRequest.model_validate(planned)


@router.post("/targets/{target_id}/tell", status_code=202)
def tell_target(target_id: UUID, platform: PlatformDep, operator: Operator) -> Target:
    """Have it serve what it should, at once: also where somebody else has changed it since."""
    with platform.database.transaction() as session:
        return Target.model_validate(making.tell_again(session, target_id, operator.name, platform.clock.now()))


@secrets.post("/targets/{target_id}/observed")
async def observed(target_id: UUID, observation: Observation, request: Request, platform: PlatformDep) -> Target:
    """Confirm what the target serves. Signed by its receiver as its orders are (Standard Webhooks), or with a key."""
    body, headers = await request.body(), {name.lower(): value for name, value in request.headers.items()}
    by_receiver = "webhook-signature" in headers
    principal = None if by_receiver else Requires(Permission.OPERATE).check(await authenticate(request, platform))

    def run() -> Target:
        with platform.database.transaction() as session:
            if principal is None:
                signed_by_target(targets.access(session, target_id, platform.clock.now()), body, headers)
            actor = principal.name if principal else f"target:{target_id}"
            known = confirm(
                session,
                target_id,
                observation.release_id,
                observation.version,
                observation.detail or f"confirmed by {actor}",
                actor,
                platform.clock.now(),
            )
            return Target.model_validate(known)

    return await run_sync(run)


@router.get("/scopes/{generator}")
def get_scopes(generator: str, platform: PlatformDep, _reader: Reader) -> Items[ScopeState]:
    """What should serve in each scope, and what does as far as anybody has seen; in the order of a release."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        states = scope_states(session, generator)
    return Items(
        items=[
            ScopeState(
                name=each.scope.name,
                bake_seconds=each.scope.bake_seconds,
                desired_version=each.desired_version,
                release_id=each.release.id if each.release else None,
                state=each.release.state if each.release else None,
                observed_version=each.observed_version,
                observed_at=each.observed_at,
                detail=each.detail,
                target=Target.model_validate(each.target) if each.target else None,
            )
            for each in states
        ]
    )


@router.put("/scopes/{generator}")
def put_scopes(generator: str, document: Scopes, platform: PlatformDep, admin: Admin) -> Scopes:
    """Name the scopes that a release goes through, in order; `default` comes first and is where releases are asked."""
    with platform.database.transaction() as session:
        kept = set_scopes(
            session,
            generator,
            [(each.name, each.bake_seconds) for each in document.scopes],
            admin.name,
            platform.clock.now(),
        )
    return Scopes(scopes=[Scope.model_validate(each) for each in kept])


def _backend(platform: Platform) -> Backend:
    settings = platform.settings.notifying
    return lambda: GuardedBackend(platform.clock, settings.timeout_seconds, Reach.of(settings))
