"""For load balancers and orchestrators: is the process alive, and may it be sent requests."""

from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel

from safelight.api.platform import Platform, PlatformDep
from safelight.errors import Kind, SafelightError
from safelight.store.migrate import pending

router = APIRouter(tags=["health"])


class Alive(BaseModel):
    status: str = "ok"


@router.get("/healthz")
async def alive() -> Alive:
    """The process answers. Says nothing about what it depends on."""
    return Alive()


@router.get("/readyz")
async def ready(platform: PlatformDep) -> Alive:
    """The database answers and is migrated. An engine that is still loading does not make the API unready."""
    await run_sync(_check, platform)
    return Alive()


def _check(platform: Platform) -> None:
    try:
        behind = pending(platform.database)
    except SafelightError:
        raise
    except Exception as error:
        raise SafelightError(
            Kind.UNAVAILABLE,
            "database_unavailable",
            "The database does not answer. Check its address and that it runs.",
        ) from error
    if behind:
        raise SafelightError(
            Kind.UNAVAILABLE, "database_not_migrated", "The database is not migrated. Run 'safelight migrate'."
        )
