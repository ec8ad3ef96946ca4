"""Baselines: what "as it was" means, version by version, and how those being made come along."""

from uuid import UUID

from fastapi import APIRouter, Response

from safelight.api.auth import Operator, Reader, ReaderOrMaker
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.api.schemas.baselines import (
    BaselineDetail,
    BaselineInfo,
    BaselineJobInfo,
    NewBaseline,
    ReadinessInfo,
    ReplayBaseline,
    SightInfo,
    SightPoint,
    TopicInfo,
)
from safelight.api.schemas.page import Items, Limit, Page
from safelight.store import access, baseline_jobs, baselines, versions
from safelight.watching.inspecting import Insight, inspect
from safelight.watching.ordering import Ordered, order_logged, order_replay
from safelight.watching.readiness import Readiness, readiness

router = APIRouter(prefix="/api/v1", tags=["baselines"], route_class=IdempotentRoute)


@router.get("/baselines")
def list_baselines(
    generator: str, platform: PlatformDep, _reader: Reader, version: int | None = None
) -> Items[BaselineInfo]:
    """All of a generator, or of one version, the newest first."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        found = baselines.of_generator(session, generator)
    wanted = [each for each in found if version is None or each.version == version]
    return Items(items=[BaselineInfo.model_validate(baseline) for baseline in wanted])


@router.get("/baselines/{baseline_id}")
def get_baseline(baseline_id: UUID, platform: PlatformDep, _reader: Reader) -> BaselineDetail:
    """A baseline, what it is about, and how small a change it lets the monitors see."""
    with platform.database.reading() as session:
        known = baselines.get(session, baseline_id)
        ready = readiness(session, known, platform.clock.now())
        return _detail(inspect(session, known, platform.lenses, platform.settings.watching), ready)


@router.get("/baselines/{baseline_id}/lens", response_class=Response)
def get_lens(baseline_id: UUID, platform: PlatformDep, _reader: ReaderOrMaker) -> Response:
    """The lens itself, for a region that looks at its own images (safelight.scoring.regional)."""
    with platform.database.reading() as session:
        known = baselines.get(session, baseline_id)
        return Response(baselines.lens(session, known.id), media_type="application/octet-stream")


@router.post("/baselines", status_code=202)
def create_baseline(new: NewBaseline, platform: PlatformDep, operator: Operator) -> BaselineJobInfo:
    """Have a baseline made in the background; the job says how far it has come and, in the end, which it is."""
    now = platform.clock.now()
    wanted = Ordered(new.generator, new.version, new.name, operator.name)
    with platform.database.transaction() as session:
        if isinstance(new, ReplayBaseline):
            job = order_replay(session, wanted, new.prompts, now, new.probe_set)
        else:
            job = order_logged(session, wanted, new.source, new.start, new.end, now)
    return BaselineJobInfo.model_validate(job)


@router.get("/baseline-jobs")
def list_baseline_jobs(
    generator: str, platform: PlatformDep, _reader: Reader, before: UUID | None = None, limit: Limit = 50
) -> Page[BaselineJobInfo]:
    """Baselines that are being made, and those that were; the newest first."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        found = baseline_jobs.page(session, generator, before, limit)
    last = str(found[-1].id) if len(found) == limit else None
    return Page(items=[BaselineJobInfo.model_validate(job) for job in found], next=last)


@router.get("/baseline-jobs/{job_id}")
def get_baseline_job(job_id: UUID, platform: PlatformDep, _reader: Reader) -> BaselineJobInfo:
    with platform.database.reading() as session:
        return BaselineJobInfo.model_validate(baseline_jobs.get(session, job_id))


@router.post("/baseline-jobs/{job_id}/cancel")
def cancel_baseline_job(job_id: UUID, platform: PlatformDep, operator: Operator) -> BaselineJobInfo:
    """Stop making a baseline; images that were made for it stay in the log."""
    now = platform.clock.now()
    with platform.database.transaction() as session:
        job = baseline_jobs.cancel(session, job_id, now)
        access.record_audit(session, now, operator.name, "baseline.cancelled", f"{job.generator} {job.name}")
    return BaselineJobInfo.model_validate(job)


def _detail(found: Insight, ready: Readiness | None) -> BaselineDetail:
    total = max(1, sum(topic.n for topic in found.topics))
    return BaselineDetail(
        **BaselineInfo.model_validate(found.baseline).model_dump(),
        readiness=None if ready is None else ReadinessInfo.model_validate(ready),
        sight=None
        if found.sight is None
        else SightInfo(
            alpha=found.sight.alpha,
            points=[SightPoint(n=n, effect=effect) for n, effect in found.sight.points],
            floor=found.sight.floor,
            half_needs=found.sight.half_needs,
        ),
        topics=[TopicInfo(n=n, share=n / total, words=list(words)) for n, words in found.topics],
    )
