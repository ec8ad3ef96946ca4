"""Gates: what a version has to show before it may serve, and who approves of it."""

from fastapi import APIRouter

from registry.gates.policy import GatePolicy
from registry.gates.result import decide
from registry.manifest import Provenance
from safelight.api.auth import Admin, Operator, Reader
from safelight.api.idempotency import IdempotentRoute
from safelight.api.platform import PlatformDep
from safelight.api.schemas.gate_results import GateInfo
from safelight.api.schemas.gates import (
    ApprovalInfo,
    GateAnswer,
    GatePolicyInfo,
    GateQuestion,
    NewApproval,
    ProvenanceInfo,
)
from safelight.api.schemas.page import Page
from safelight.releasing import gate_policies
from safelight.store import gates, provenances, versions
from safelight.store.database import Session

router = APIRouter(prefix="/api/v1/gates", tags=["gates"], route_class=IdempotentRoute)


@router.post("/check")
def check(question: GateQuestion, platform: PlatformDep, reader: Reader) -> GateAnswer:
    """Would this version pass, promoted by the asker? Orders nothing: what is made for a promote is still pending."""
    with platform.database.reading() as session:
        results = platform.releasing.check(
            session, generator=question.generator, version=question.version, promoter=reader.name
        )
    return GateAnswer(
        generator=question.generator,
        version=question.version,
        decision=decide(results, override=False),
        gates=[GateInfo.model_validate(each) for each in results],
    )


@router.get("/{generator}")
def get_policy(generator: str, platform: PlatformDep, _reader: Reader) -> GatePolicyInfo:
    """A generator that was given none asks for nothing more."""
    with platform.database.reading() as session:
        return _policy(session, generator)


@router.put("/{generator}")
def put_policy(generator: str, policy: GatePolicy, platform: PlatformDep, admin: Admin) -> GatePolicyInfo:
    """Replace the policy. Releases under way are held to it too."""
    with platform.database.transaction() as session:
        gate_policies.put(session, generator, policy, actor=admin.name, now=platform.clock.now())
        return _policy(session, generator)


@router.get("/{generator}/{version}/approvals")
def list_approvals(generator: str, version: int, platform: PlatformDep, _reader: Reader) -> Page[ApprovalInfo]:
    """All of them, the oldest first."""
    with platform.database.reading() as session:
        versions.require_version(session, generator, version)
        given = gates.approvals(session, generator, version)
    return Page(items=[ApprovalInfo.model_validate(each) for each in given], next=None)


@router.post("/{generator}/{version}/approvals", status_code=201)
def approve(
    generator: str, version: int, approval: NewApproval, platform: PlatformDep, operator: Operator
) -> ApprovalInfo:
    """Approve of a version that somebody else registered."""
    now = platform.clock.now()
    with platform.database.transaction() as session:
        gate_policies.approve(session, generator, version, by=operator.name, note=approval.note, now=now)
    return ApprovalInfo(by=operator.name, at=now, note=approval.note)


@router.get("/{generator}/{version}/provenance")
def get_provenance(generator: str, version: int, platform: PlatformDep, _reader: Reader) -> ProvenanceInfo:
    """What the version was made of, and what for: as it was told last, or as its manifest says."""
    with platform.database.reading() as session:
        known = versions.require_version(session, generator, version)
        told = provenances.newest(session, generator, version)
    if told is not None:
        return ProvenanceInfo.model_validate(told)
    return ProvenanceInfo(
        provenance=known.manifest.provenance, told_by=known.registered_by, told_at=known.registered_at
    )


@router.put("/{generator}/{version}/provenance")
def put_provenance(
    generator: str, version: int, provenance: Provenance, platform: PlatformDep, operator: Operator
) -> ProvenanceInfo:
    """Say it after the version was registered. What was said before stays on record."""
    now = platform.clock.now()
    with platform.database.transaction() as session:
        gate_policies.tell_provenance(session, generator, version, provenance, by=operator.name, now=now)
    return ProvenanceInfo(provenance=provenance, told_by=operator.name, told_at=now)


def _policy(session: Session, generator: str) -> GatePolicyInfo:
    versions.require_generator(session, generator)
    known = gates.policy(session, generator)
    return GatePolicyInfo(
        generator=generator, policy=known.policy, updated_at=known.updated_at, updated_by=known.updated_by
    )
