"""Versions side by side."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from safelight.api.auth import Reader
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.compare import ComparisonRequest
from safelight.comparing.documents import VersionComparison
from safelight.comparing.versions import compare
from safelight.errors import Kind, SafelightError

router = APIRouter(prefix="/api/v1/compare", tags=["versions"])

_USUAL_RANGE = timedelta(days=31)


@router.get("")
def compare_versions(
    generator: str,
    versions: Annotated[str, Query(description="Two to four numbers, separated by commas; the first is the reference")],
    platform: PlatformDep,
    _reader: Reader,
    start: Annotated[AwareDatetime | None, Query(alias="from", description="With its time zone")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="With its time zone")] = None,
) -> VersionComparison:
    """Alignment, diversity, broken rate, latency, feedback, cost and distances, each with its interval and its n.

    Over a range of time (left out: the last 31 days), from counts and from at most 2,000 images of each version. Takes
    seconds. What is too little to say a figure of has none.
    """
    return _compared(platform, generator, _numbers(versions), start, end)


# A question, not a deed: asked twice it changes nothing, so no Idempotency-Key is needed.
@router.post("")
def compare_versions_by_document(
    wanted: ComparisonRequest, platform: PlatformDep, _reader: Reader
) -> VersionComparison:
    """The same, asked by a document."""
    return _compared(platform, wanted.generator, wanted.versions, wanted.start, wanted.end)


def _compared(
    platform: Platform, generator: str, numbers: list[int], start: datetime | None, end: datetime | None
) -> VersionComparison:
    end = end or platform.clock.now()
    start = start or end - _USUAL_RANGE
    with platform.database.reading() as session:
        return compare(session, generator, numbers, start, end, platform.settings.engine.price_per_hour)


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise SafelightError(
            Kind.INVALID, "versions_invalid", "'versions' are numbers separated by commas, such as 1,2."
        ) from None
