"""Rolling back by the link of a message. It needs no key: the link is signed, and works once.

Both routes take the token in the request's body: an address would be in logs. No cookie counts here, so that no page of
another site has anything to make use of.
"""

from anyio.to_thread import run_sync
from fastapi import APIRouter

from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.releases import Release
from safelight.api.schemas.rollback_links import LinkToken, RollbackLink, UseLink
from safelight.api.status import release_document
from safelight.releasing.service import ALIVE
from safelight.responding import links
from safelight.store import engines, versions

router = APIRouter(prefix="/api/v1/rollback-links", tags=["releases"])


@router.post("/look")
def look(ask: LinkToken, platform: PlatformDep) -> RollbackLink:
    """What a link would do; changes nothing."""
    return _link(platform, ask.token)


@router.post("/use", status_code=202)
async def use(ask: UseLink, platform: PlatformDep) -> Release:
    """Roll back, once. A link that was used, has expired, or was made for another state, says so and does nothing."""

    def run() -> Release:
        with platform.database.transaction() as session:
            release = links.use(session, platform.releasing, ask.token, ask.reason, platform.clock.now())
            return release_document(session, release)

    document = await run_sync(run)
    await platform.gateway.refresh()
    return document


def _link(platform: Platform, token: str) -> RollbackLink:
    now = platform.clock.now()
    with platform.database.reading() as session:
        found = links.look(session, token, now)
        claim = found.claim
        warm = engines.ready_versions(session, claim.generator, now - ALIVE)
        warm |= versions.external(session, claim.generator)
    return RollbackLink(
        state=found.state,
        explanation=found.explanation,
        expires_at=found.expires_at,
        generator=claim.generator,
        incident_id=claim.incident_id,
        title=found.incident.title,
        from_version=claim.serving,
        to_version=claim.target,
        warm=claim.target in warm,
        release_state=found.release.state if found.release else None,
    )
