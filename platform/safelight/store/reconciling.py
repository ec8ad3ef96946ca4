"""What is kept of the version registry: where its alias was put, what others changed there, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.reconciling import Change, Edit, EditPolicy, Outcome, Remedy
from safelight.ids import new_id
from safelight.store.tables.reconciling import RegistryFindingRow, RegistryLookRow, RegistryPolicyRow


@dataclass(frozen=True)
class Finding:
    """An edit that was noticed, and what became of it."""

    id: UUID
    generator: str
    edit: Edit
    remedy: Remedy
    detail: str
    release_id: UUID | None
    """The release that an adopted edit became."""
    incident_id: UUID | None
    """The incident that told of it; None: nobody was told yet."""
    noticed_at: datetime
    settled_at: datetime | None
    outcome: Outcome | None


@dataclass(frozen=True)
class Look:
    """The last time the registry was held against the ledger."""

    at: datetime
    alias_version: int | None
    """Where the alias was last put by us."""


def look(session: Session, generator: str) -> Look | None:
    """Whoever else looks waits until this transaction ends."""
    row = session.get(RegistryLookRow, generator, with_for_update=True)
    return Look(row.looked_at, row.alias_version) if row else None


def put_look(session: Session, generator: str, at: datetime, alias_version: int | None) -> None:
    row = session.get(RegistryLookRow, generator)
    if row is None:
        session.add(RegistryLookRow(generator=generator, looked_at=at, alias_version=alias_version))
    else:
        row.looked_at, row.alias_version = at, alias_version
    session.flush()


def last_look(session: Session, generator: str) -> datetime | None:
    return session.scalar(select(RegistryLookRow.looked_at).where(RegistryLookRow.generator == generator))


def policy(session: Session, generator: str) -> EditPolicy:
    row = session.get(RegistryPolicyRow, generator)
    return EditPolicy(row.policy) if row else EditPolicy.PUT_BACK


def set_policy(session: Session, generator: str, policy: EditPolicy, actor: str, now: datetime) -> None:
    session.merge(RegistryPolicyRow(generator=generator, policy=policy.value, updated_at=now, updated_by=actor))
    session.flush()


def notice(session: Session, generator: str, edit: Edit, remedy: Remedy, detail: str, now: datetime) -> Finding:
    """A second finding of the same edit violates `open_key`'s uniqueness while the first stands."""
    row = RegistryFindingRow(
        id=new_id(),
        generator=generator,
        open_key=f"{generator}:{edit.change}:{edit.version}:{edit.found or ''}",
        change=edit.change.value,
        version=edit.version,
        found=edit.found,
        remedy=remedy.value,
        detail=detail,
        noticed_at=now,
    )
    session.add(row)
    session.flush()
    return _finding(row)


def adopt(session: Session, finding_id: UUID, release_id: UUID) -> Finding:
    row = session.get_one(RegistryFindingRow, finding_id)
    row.release_id = release_id
    session.flush()
    return _finding(row)


def change_remedy(session: Session, finding_id: UUID, remedy: Remedy, detail: str) -> Finding:
    row = session.get_one(RegistryFindingRow, finding_id)
    row.remedy, row.detail = remedy.value, detail
    session.flush()
    return _finding(row)


def settle(session: Session, finding_id: UUID, outcome: Outcome, now: datetime) -> Finding:
    row = session.get_one(RegistryFindingRow, finding_id)
    row.open_key, row.settled_at, row.outcome = None, now, outcome.value
    session.flush()
    return _finding(row)


def tell(session: Session, finding_id: UUID, incident_id: UUID) -> None:
    """Note which incident tells of it."""
    session.get_one(RegistryFindingRow, finding_id).incident_id = incident_id
    session.flush()


def standing(session: Session, generator: str) -> list[Finding]:
    """Those that are not settled, the oldest first."""
    query = select(RegistryFindingRow).where(
        RegistryFindingRow.generator == generator, RegistryFindingRow.open_key.is_not(None)
    )
    return [_finding(row) for row in session.scalars(query.order_by(RegistryFindingRow.id))]


def untold(session: Session, limit: int) -> list[Finding]:
    """Those of all generators that no incident tells of yet, the oldest first."""
    query = select(RegistryFindingRow).where(RegistryFindingRow.incident_id.is_(None))
    return [_finding(row) for row in session.scalars(query.order_by(RegistryFindingRow.id).limit(limit))]


def of_incident(session: Session, incident_id: UUID) -> list[Finding]:
    """Those that an incident tells of, the oldest first."""
    query = select(RegistryFindingRow).where(RegistryFindingRow.incident_id == incident_id)
    return [_finding(row) for row in session.scalars(query.order_by(RegistryFindingRow.id))]


def page(session: Session, generator: str, before: UUID | None, limit: int) -> list[Finding]:
    """The newest first."""
    query = select(RegistryFindingRow).where(RegistryFindingRow.generator == generator)
    if before is not None:
        query = query.where(RegistryFindingRow.id < before)
    return [_finding(row) for row in session.scalars(query.order_by(RegistryFindingRow.id.desc()).limit(limit))]


def _finding(row: RegistryFindingRow) -> Finding:
    return Finding(
        id=row.id,
        generator=row.generator,
        edit=Edit(Change(row.change), row.version, row.found),
        remedy=Remedy(row.remedy),
        detail=row.detail,
        release_id=row.release_id,
        incident_id=row.incident_id,
        noticed_at=row.noticed_at,
        settled_at=row.settled_at,
        outcome=Outcome(row.outcome) if row.outcome else None,
    )
