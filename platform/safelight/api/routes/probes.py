"""Probes: fixed prompts and seeds, what they are and what they gave."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from anyio.to_thread import run_sync
from fastapi import APIRouter, Query, Request

from safelight.access import Principal
from safelight.api.auth import Operator, Reader
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.access import ShortName
from safelight.api.schemas.page import Items, Limit, Page
from safelight.api.schemas.probes import (
    DrawProbeSet,
    NewProbeRun,
    NewProbeSet,
    ProbePair,
    ProbeRunDetail,
    ProbeRunInfo,
    ProbeSetDetail,
    ProbeSetInfo,
    run_detail,
)
from safelight.errors import Kind, SafelightError
from safelight.probing import keeping, requesting
from safelight.probing.sets import Probe, read, read_csv, read_lines
from safelight.store import probe_images, probe_sets, probes, versions
from safelight.store.probe_sets import KnownProbeSet
from safelight.store.probes import Purpose

router = APIRouter(prefix="/api/v1/probes", tags=["probes"], route_class=IdempotentRoute)

_CSV = "text/csv"
_NDJSON = "application/x-ndjson"
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _CSV: {"schema": {"type": "string", "description": "A header with 'prompt', then one probe a line"}},
            _NDJSON: {"schema": {"type": "string", "description": "One probe a line, as in POST /probes/sets"}},
        },
    }
}


@router.get("/sets")
def list_sets(generator: str, platform: PlatformDep, _reader: Reader) -> Items[ProbeSetInfo]:
    """All of a generator, the newest first."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        return Items(items=[ProbeSetInfo.of(each) for each in probe_sets.of_generator(session, generator)])


@router.get("/sets/{set_id}")
def get_set(set_id: UUID, platform: PlatformDep, _reader: Reader) -> ProbeSetDetail:
    """A set with its probes."""
    with platform.database.reading() as session:
        return ProbeSetDetail.of(probe_sets.get(session, set_id))


@router.post("/sets", status_code=201)
def create_set(new: NewProbeSet, platform: PlatformDep, operator: Operator) -> ProbeSetInfo:
    """Keep a set of one's own; the version that serves has to be able to make it."""
    return ProbeSetInfo.of(_keep(platform, operator, new.generator, new.name, read(new.probes)))


@router.post("/sets/upload", status_code=201, openapi_extra=_BODY)
async def upload_set(
    generator: str, name: Annotated[ShortName, Query()], request: Request, platform: PlatformDep, operator: Operator
) -> ProbeSetInfo:
    """Keep a set from a CSV file or from JSON lines."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in (_CSV, _NDJSON):
        raise SafelightError(
            Kind.INVALID,
            "media_type_unsupported",
            f"Send the probes as {_CSV} or {_NDJSON}; this is {media or 'neither'}.",
        )
    body = await request.body()

    def keep() -> KnownProbeSet:
        text = keeping.decoded(body)
        return _keep(platform, operator, generator, name, read_csv(text) if media == _CSV else read_lines(text))

    return ProbeSetInfo.of(await run_sync(keep))


@router.post("/sets/draw", status_code=201)
def draw_set(draw: DrawProbeSet, platform: PlatformDep, operator: Operator) -> ProbeSetInfo:
    """Keep a set of what people asked for lately. Off unless the setting `probing.production_prompts` allows it."""
    if not platform.settings.probing.production_prompts:
        raise SafelightError(
            Kind.FORBIDDEN,
            "production_prompts_not_allowed",
            "Prompts of people are not used as probes here. Set probing.production_prompts to allow it.",
        )
    with platform.database.transaction() as session:
        now = platform.clock.now()
        kept = keeping.draw(session, draw.generator, draw.name, draw.count, actor=operator.name, now=now)
    return ProbeSetInfo.of(kept)


@router.get("/runs")
def list_runs(
    generator: str,
    platform: PlatformDep,
    _reader: Reader,
    version: int | None = None,
    purpose: Purpose | None = None,
    before: UUID | None = None,
    limit: Limit = 50,
) -> Page[ProbeRunInfo]:
    """What was probed and what it said, the newest first."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        found = probes.page(session, generator, version=version, purpose=purpose, before=before, limit=limit)
    last = str(found[-1].id) if len(found) == limit else None
    return Page(items=[ProbeRunInfo.of(run) for run in found], next=last)


@router.get("/runs/{run_id}")
def get_run(run_id: UUID, platform: PlatformDep, _reader: Reader) -> ProbeRunDetail:
    """A run with its images beside the stored ones."""
    with platform.database.reading() as session:
        run = probes.get(session, run_id)
        asked = [Probe.model_validate(each) for each in probe_sets.get(session, run.set_id).probes]
        made = [each for each in probe_images.of_run(session, run.id) if each.repeat == 0]
        stored = probe_images.of_run(session, run.reference_id) if run.reference_id else []
    beside = {each.place: each for each in stored if each.repeat == 0}
    return run_detail(run, [ProbePair.of(asked[each.place], each, beside.get(each.place)) for each in made])


@router.post("/runs", status_code=HTTPStatus.ACCEPTED)
def order_run(new: NewProbeRun, platform: PlatformDep, operator: Operator) -> ProbeRunInfo:
    """Have a version make probes: look at the run until it is judged."""
    now = platform.clock.now()
    with platform.database.transaction() as session:
        if new.store_outputs:
            run = requesting.store_outputs(
                session,
                generator=new.generator,
                version=new.version,
                probe_set=new.probe_set,
                actor=operator.name,
                now=now,
            )
        else:
            run = requesting.request(
                session,
                generator=new.generator,
                version=new.version,
                against=new.against,
                probe_set=new.probe_set,
                pairs=new.pairs,
                actor=operator.name,
                now=now,
            )
    return ProbeRunInfo.of(run)


@router.post("/runs/{run_id}/cancel")
def cancel_run(run_id: UUID, platform: PlatformDep, operator: Operator) -> ProbeRunInfo:
    """Stop a run that is not judged yet; one that is stays as it is."""
    with platform.database.transaction() as session:
        run = probes.get(session, run_id)
        if run.open:
            run = probes.cancel(session, run_id, f"cancelled by {operator.name}", platform.clock.now())
    return ProbeRunInfo.of(run)


def _keep(platform: Platform, actor: Principal, generator: str, name: str, found: list[Probe]) -> KnownProbeSet:
    now = platform.clock.now()
    with platform.database.transaction() as session:
        return keeping.keep(session, generator, name, "imported", found, actor=actor.name, now=now)
