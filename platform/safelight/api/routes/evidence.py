"""Evidence for auditors."""

from datetime import UTC
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from safelight.api.auth import Operator
from safelight.api.platform import PlatformDep
from safelight.auditing.archive import zipped
from safelight.auditing.pack import evidence
from safelight.auditing.records import Period

router = APIRouter(prefix="/api/v1", tags=["audit"])


@router.get(
    "/evidence",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/zip": {}}}},
)
def get_evidence(
    generator: str,
    platform: PlatformDep,
    _operator: Operator,
    since: Annotated[AwareDatetime, Query(description="With its time zone")],
    until: Annotated[AwareDatetime | None, Query(description="Not included; left out: now")] = None,
) -> StreamingResponse:
    """A zip for an auditor: one page, and every record of the period as JSON, mapped to NIST AI RMF, NIST AI 600-1 and
    ISO/IEC 42001. It is written while it is read, and takes as long as there are records."""
    now = platform.clock.now()
    # In UTC from here on: what no calendar has there is refused while there is still somebody to tell.
    period = Period(generator, since.astimezone(UTC), (until or now).astimezone(UTC), platform.settings.watching)
    files = evidence(platform.database, period, now)
    name = f"evidence-{generator}-{period.since:%Y%m%d}-{period.until:%Y%m%d}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(zipped(files, now), media_type="application/zip", headers=headers)
