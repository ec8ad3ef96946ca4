"""The release ledger's rows. They are only ever added; `registry.ledger` decides what an entry is."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, or_, select
from sqlalchemy.orm import Session, aliased

from registry.ledger import Draft, Entry, EntryKind, append
from safelight.store.tables.releases import Generator, LedgerEntry

DEFAULT_SCOPE = "default"


def chain(session: Session, generator: str, scope: str = DEFAULT_SCOPE) -> list[Entry]:
    """The whole chain, oldest first. What decides goes by `chains.decisive`, which does not grow."""
    query = select(LedgerEntry).where(LedgerEntry.generator == generator, LedgerEntry.scope == scope)
    return [to_entry(row) for row in session.scalars(query.order_by(LedgerEntry.seq))]


def newest_release(session: Session, generator: str, scope: str = DEFAULT_SCOPE) -> Entry | None:
    """The entry that put in place what should serve now; None before the first promote."""
    row = session.scalar(
        select(LedgerEntry)
        .where(
            LedgerEntry.generator == generator,
            LedgerEntry.scope == scope,
            LedgerEntry.kind != EntryKind.ACCEPT.value,
        )
        .order_by(LedgerEntry.seq.desc())
        .limit(1)
    )
    return to_entry(row) if row else None


_newest = aliased(LedgerEntry)
# Made once: making it takes ten times as long as it does to be answered. Newest first and no further, by the key: a
# maximum would read each generator's whole ledger.
_NEWEST_RELEASES = (
    select(LedgerEntry)
    .join(Generator, Generator.name == LedgerEntry.generator)
    .where(
        LedgerEntry.scope == bindparam("scope"),
        LedgerEntry.seq
        == select(_newest.seq)
        .where(
            _newest.generator == Generator.name,
            _newest.scope == bindparam("scope"),
            _newest.kind != EntryKind.ACCEPT.value,
        )
        .order_by(_newest.seq.desc())
        .limit(1)
        .scalar_subquery(),
    )
)


def newest_releases(session: Session, scope: str = DEFAULT_SCOPE) -> dict[str, Entry]:
    """`newest_release` of every generator that has one, in one look: gateways ask for it all the time."""
    return {row.generator: to_entry(row) for row in session.scalars(_NEWEST_RELEASES, {"scope": scope})}


def quarantined(session: Session, generator: str, version: int, scope: str = DEFAULT_SCOPE) -> Entry | None:
    """What `registry.rules.quarantined` says of one version, by one look at the newest entry that decides it."""
    fled = and_(
        LedgerEntry.kind == EntryKind.ROLLBACK.value,
        LedgerEntry.from_version == version,
        LedgerEntry.incident_id.is_not(None),
    )
    accepted = and_(LedgerEntry.kind == EntryKind.ACCEPT.value, LedgerEntry.to_version == version)
    row = session.scalar(
        select(LedgerEntry)
        .where(LedgerEntry.generator == generator, LedgerEntry.scope == scope, or_(fled, accepted))
        .order_by(LedgerEntry.seq.desc())
        .limit(1)
    )
    return to_entry(row) if row is not None and row.kind == EntryKind.ROLLBACK.value else None


def add(session: Session, draft: Draft, now: datetime) -> Entry:
    """Append to the chain. Call it in the transaction of `lock`, after which the chain was read."""
    query = select(LedgerEntry).where(LedgerEntry.generator == draft.generator, LedgerEntry.scope == draft.scope)
    tail = session.scalar(query.order_by(LedgerEntry.seq.desc()).limit(1))
    entry = append(to_entry(tail) if tail else None, draft, now)
    session.add(LedgerEntry(**asdict(entry)))
    session.flush()
    return entry


def lock(session: Session, generator: str) -> None:
    """Keep every other writer of the generator's chains and releases waiting until this transaction ends."""
    session.execute(select(Generator.name).where(Generator.name == generator).with_for_update())


def to_entry(row: LedgerEntry | Row[Any]) -> Entry:
    return Entry(
        generator=row.generator,
        scope=row.scope,
        kind=EntryKind(row.kind),
        from_version=row.from_version,
        to_version=row.to_version,
        to_digest=row.to_digest,
        actor=row.actor,
        reason=row.reason,
        incident_id=row.incident_id,
        seq=row.seq,
        at=row.at,
        prev_hash=row.prev_hash,
        hash=row.hash,
    )
