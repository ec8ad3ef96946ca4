"""Gate policies, what gates said of releases, overrides and approvals."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from registry.gates.evidence import Approval
from registry.gates.policy import GatePolicy, parse_policy
from registry.gates.result import Gate, GateResult, Outcome
from safelight.ids import new_id
from safelight.store.tables.gates import ApprovalRow, GatePolicyRow, GateResultRow, OverrideRow

_ORDER = {gate.value: place for place, gate in enumerate(Gate)}


@dataclass(frozen=True)
class KnownPolicy:
    """A generator's policy; `updated_at` and `updated_by` are None where it was never given one."""

    policy: GatePolicy
    updated_at: datetime | None = None
    updated_by: str | None = None


@dataclass(frozen=True)
class StoredGate:
    """What a gate said of a release when it was last asked."""

    gate: Gate
    outcome: Outcome
    reason: str
    summary: str
    required: bool
    overridden: bool
    figures: dict[str, Any]
    judged_at: datetime


@dataclass(frozen=True)
class Override:
    """Who took responsibility for a release, and why."""

    by: str
    reason: str
    at: datetime


def policy(session: Session, generator: str) -> KnownPolicy:
    """A generator that was given none asks for nothing beside what holds always."""
    row = session.get(GatePolicyRow, generator)
    if row is None:
        return KnownPolicy(GatePolicy())
    return KnownPolicy(parse_policy(row.document), row.updated_at, row.updated_by)


def put_policy(session: Session, generator: str, policy: GatePolicy, actor: str, now: datetime) -> None:
    document = policy.model_dump(mode="json")
    session.merge(GatePolicyRow(generator=generator, document=document, updated_at=now, updated_by=actor))


def results(session: Session, release_id: UUID) -> list[StoredGate]:
    """In the order of `Gate`; none for a release that asks no gate."""
    rows = session.scalars(select(GateResultRow).where(GateResultRow.release_id == release_id))
    return [_stored(row) for row in sorted(rows, key=lambda row: _ORDER[row.gate])]


def put_results(
    session: Session, release_id: UUID, judged: Collection[GateResult], overridden: Collection[Gate], now: datetime
) -> None:
    """Replace what was said before, where anything has changed."""
    before = {
        each.gate: (each.outcome, each.reason, each.summary, each.overridden) for each in results(session, release_id)
    }
    after = {each.gate: (each.outcome, each.reason.value, each.summary, each.gate in overridden) for each in judged}
    if before == after:
        return
    session.execute(delete(GateResultRow).where(GateResultRow.release_id == release_id))
    session.add_all(
        GateResultRow(
            release_id=release_id,
            gate=each.gate.value,
            outcome=each.outcome.value,
            reason=each.reason.value,
            summary=each.summary,
            required=each.required,
            overridden=each.gate in overridden,
            figures=dict(each.figures),
            judged_at=now,
        )
        for each in judged
    )
    session.flush()


def override(session: Session, release_id: UUID) -> Override | None:
    row = session.get(OverrideRow, release_id)
    return Override(row.by, row.reason, row.at) if row else None


def add_override(session: Session, release_id: UUID, by: str, reason: str, now: datetime) -> None:
    session.add(OverrideRow(release_id=release_id, by=by, reason=reason, at=now))
    session.flush()


def approvals(session: Session, generator: str, version: int) -> list[Approval]:
    """The oldest first."""
    query = select(ApprovalRow).where(ApprovalRow.generator == generator, ApprovalRow.version == version)
    return [Approval(row.by, row.at, row.note) for row in session.scalars(query.order_by(ApprovalRow.id))]


def approve(session: Session, generator: str, version: int, by: str, note: str, now: datetime) -> None:
    session.add(ApprovalRow(id=new_id(), generator=generator, version=version, by=by, note=note, at=now))
    session.flush()


def _stored(row: GateResultRow) -> StoredGate:
    return StoredGate(
        gate=Gate(row.gate),
        outcome=Outcome(row.outcome),
        reason=row.reason,
        summary=row.summary,
        required=row.required,
        overridden=row.overridden,
        figures=row.figures,
        judged_at=row.judged_at,
    )
