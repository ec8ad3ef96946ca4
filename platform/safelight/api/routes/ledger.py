"""The ledger: what served when, by whom and why, and whether the record of it still is what was recorded."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from registry.ledger import verify
from safelight.api.auth import Reader
from safelight.api.platform import PlatformDep
from safelight.api.schemas.ledger import Ledger, LedgerVerification, Live
from safelight.api.schemas.page import Limit
from safelight.api.schemas.releases import LedgerLine
from safelight.releasing.anchoring import AnchorFile, verify_chain
from safelight.releasing.exporting import as_csv, as_json
from safelight.store import chains, versions
from safelight.store.ledger import DEFAULT_SCOPE

router = APIRouter(prefix="/api/v1", tags=["releases"])

Scope = Annotated[str, Query(max_length=100, description="The region or stage")]


class Form(StrEnum):
    """What an export is written in."""

    CSV = "csv"
    JSON = "json"

    @property
    def media_type(self) -> str:
        return "text/csv; charset=utf-8" if self is Form.CSV else "application/json"


@router.get("/ledger")
def get_ledger(
    generator: str,
    platform: PlatformDep,
    _reader: Reader,
    scope: Scope = DEFAULT_SCOPE,
    before: Annotated[int | None, Query(description="Entries with smaller numbers only")] = None,
    limit: Limit = 100,
) -> Ledger:
    """The chain of a generator, the newest entry first; those that are answered are verified link by link."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        found = chains.page(session, generator, before, limit, scope)
        oldest = found[-1] if found else None
        tail = chains.entry(session, generator, oldest.seq - 1, scope) if oldest else None
    broken = verify(reversed(found), tail=tail)
    return Ledger(
        items=[LedgerLine.model_validate(entry) for entry in found],
        next=oldest.seq if oldest and len(found) == limit else None,
        verified=broken is None,
        broken_at=broken.seq if broken else None,
        broken_because=broken.reason if broken else None,
    )


@router.get("/ledger/verification")
def get_verification(
    generator: str, platform: PlatformDep, _reader: Reader, scope: Scope = DEFAULT_SCOPE
) -> LedgerVerification:
    """Hold the whole chain against its own hashes, and against the anchor file where `ledger.anchor_file` names one.

    It reads every entry there is: ask for it now and then, not all the time.
    """
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
    path = platform.settings.ledger.anchor_file
    anchors = [each for each in (AnchorFile(path).read() if path else []) if each.chain == (generator, scope)]
    found = verify_chain(platform.database, generator, scope, anchors)
    return LedgerVerification(
        entries=found.entries,
        head=found.head,
        verified=found.broken is None,
        broken_at=found.broken.seq if found.broken else None,
        broken_because=found.broken.reason if found.broken else None,
        anchors=found.anchors,
        anchored_at=anchors[-1].at if anchors else None,
    )


@router.get(
    "/ledger/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, "application/json": {}}}},
)
def export_ledger(
    generator: str,
    platform: PlatformDep,
    _reader: Reader,
    form: Annotated[Form, Query(alias="format")] = Form.CSV,
    scope: Scope = DEFAULT_SCOPE,
) -> StreamingResponse:
    """The whole chain, the oldest entry first, with every value that its hashes are over."""
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
    entries = chains.entries(platform.database, generator, scope)
    pieces: Iterator[str] = as_csv(entries) if form is Form.CSV else as_json(entries)
    headers = {"Content-Disposition": f'attachment; filename="ledger-{generator}.{form}"'}
    return StreamingResponse(pieces, media_type=form.media_type, headers=headers)


@router.get("/live")
def live(
    generator: str,
    platform: PlatformDep,
    _reader: Reader,
    at: Annotated[AwareDatetime | None, Query(description="With its time zone; left out: now")] = None,
    scope: Scope = DEFAULT_SCOPE,
) -> Live:
    """What served at a moment, since when, who decided it and why."""
    moment = at or platform.clock.now()
    with platform.database.reading() as session:
        versions.require_generator(session, generator)
        entry = chains.live_at(session, generator, moment, scope)
    return Live(
        generator=generator,
        at=moment,
        version=entry.to_version if entry else None,
        entry=LedgerLine.model_validate(entry) if entry else None,
    )
