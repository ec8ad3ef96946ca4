"""Verdicts for deployment tools: Argo Rollouts asks by GET, Flagger by webhooks. Missing data never passes."""

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request

from monitors.verdict import Health
from safelight.access import Permission
from safelight.api.auth import Reader, Requires, bearer, look_up, not_authenticated
from safelight.api.judging import judge
from safelight.api.platform import Platform, PlatformDep
from safelight.api.schemas.verdicts import DeploymentVerdict, GateCall
from safelight.errors import Kind, SafelightError

router = APIRouter(prefix="/api/v1/verdicts", tags=["deployment tools"])

_may_read = Requires(Permission.READ)
_NUMBER = re.compile("[1-9][0-9]{0,9}")
Version = Annotated[int | None, Query(ge=1, description="Left out: what serves")]


@router.get("/{generator}")
def get_verdict(generator: str, platform: PlatformDep, _reader: Reader, version: Version = None) -> DeploymentVerdict:
    """What the monitors say of a version now, as a metric: health is healthy, degraded, inconclusive or error."""
    with platform.database.reading() as session:
        return judge(session, platform, generator, version)


@router.post("/{generator}/gate")
def gate(
    generator: str, call: GateCall, request: Request, platform: PlatformDep, version: Version = None
) -> DeploymentVerdict:
    """200 when the version is healthy, else 409: for hooks that wait until they may go on."""
    verdict = _asked(generator, call, request, platform, version)
    if not verdict.passed:
        raise SafelightError(
            Kind.CONFLICT, "not_healthy", f"{verdict.health}: {verdict.summary}", health=verdict.health
        )
    return verdict


@router.post("/{generator}/rollback-gate")
def rollback_gate(
    generator: str, call: GateCall, request: Request, platform: PlatformDep, version: Version = None
) -> DeploymentVerdict:
    """200 when the version is degraded, else 409: for hooks that roll back on success. What is not known rolls nothing
    back."""
    verdict = _asked(generator, call, request, platform, version)
    if verdict.health is not Health.DEGRADED:
        raise SafelightError(
            Kind.CONFLICT, "not_degraded", f"{verdict.health}: {verdict.summary}", health=verdict.health
        )
    return verdict


def _asked(
    generator: str, call: GateCall, request: Request, platform: Platform, version: int | None
) -> DeploymentVerdict:
    # Flagger sends no headers of one's own: its key comes in the metadata.
    principal = look_up(platform, bearer(request) or call.metadata.get("key"))
    if principal is None:
        raise not_authenticated()
    _may_read.check(principal)
    with platform.database.reading() as session:
        return judge(session, platform, generator, version or _version(call))


def _version(call: GateCall) -> int | None:
    named = call.metadata.get("version")
    if named is None:
        return None
    if _NUMBER.fullmatch(named) is None:
        raise SafelightError(Kind.INVALID, "version_invalid", "metadata.version is the number of a version, as a text.")
    return int(named)
