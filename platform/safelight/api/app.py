"""The HTTP application."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from safelight.api import page, problems
from safelight.api.body_limit import BodyLimit
from safelight.api.platform import Platform
from safelight.api.routes import (
    attributes,
    backfills,
    baselines,
    canaries,
    compare,
    erasures,
    evidence,
    gates,
    generations,
    generators,
    guard,
    health,
    incidents,
    ingest,
    jobs,
    keys,
    ledger,
    metrics,
    monitors,
    notifications,
    openai,
    probes,
    registry,
    releases,
    replays,
    reports,
    rollback_links,
    runbooks,
    session,
    shared_images,
    slices,
    stream,
    targets,
    verdicts,
    versions,
)
from safelight.settings import ApiSettings

# What a process does from its first request to its last; yields the collaborators.
Lifetime = Callable[[], AbstractAsyncContextManager[Platform]]


def create_app(settings: ApiSettings, lifetime: Lifetime) -> FastAPI:
    """The application. Nothing is connected before it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with lifetime() as platform:
            app.state.platform = platform
            yield

    app = FastAPI(
        title="Safelight",
        version="1",
        description="Monitoring and rollback for text-to-image generators.",
        lifespan=lifespan,
        telemetry={"tracing": False},  # ours begins a request's span, and tells the caller which it is
        docs_url=None,  # FastAPI's would be loaded from elsewhere: the page has its own
        redoc_url=None,
        responses={"default": {"model": problems.Problem, "description": "RFC 9457 problem details"}},
    )
    for noun in (
        jobs,  # before the generations, which take any other word for an id
        generations,  # these and the next are asked for most, and routes are tried one after the other
        openai,
        ingest,
        session,
        generators,
        guard,
        versions,
        compare,
        reports,
        releases,
        canaries,
        gates,
        rollback_links,
        ledger,
        registry,
        targets,
        replays,
        monitors,
        verdicts,
        attributes,
        baselines,
        slices,
        backfills,
        probes,
        incidents,
        runbooks,
        notifications,
        shared_images,
        keys,
        erasures,
        evidence,
        stream,
        health,
        metrics,
    ):
        app.include_router(noun.router)
    app.include_router(notifications.secrets)
    app.include_router(targets.secrets)
    page.mount(app)
    problems.install(app)
    app.add_middleware(BodyLimit, max_bytes=settings.max_body_bytes)
    return app
