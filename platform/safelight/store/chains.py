"""The ledger's chains, read: entry by entry, in pieces, and none of it by going through all that came before."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, Select, func, select, tuple_
from sqlalchemy.orm import Session

from registry.ledger import Entry, EntryKind
from safelight.store.database import Database
from safelight.store.ledger import DEFAULT_SCOPE, to_entry
from safelight.store.tables.releases import LedgerEntry

_PIECE = 500


def live_at(session: Session, generator: str, moment: datetime, scope: str = DEFAULT_SCOPE) -> Entry | None:
    """The entry that put in place what served at a moment; None before the first promote."""
    query = _of(generator, scope).where(LedgerEntry.kind != EntryKind.ACCEPT.value, LedgerEntry.at <= moment)
    row = session.scalar(query.order_by(LedgerEntry.at.desc(), LedgerEntry.seq.desc()).limit(1))
    return to_entry(row) if row else None


def number_at(session: Session, generator: str, moment: datetime, scope: str = DEFAULT_SCOPE) -> int:
    """How many entries the chain had at a moment."""
    query = select(LedgerEntry.seq).where(
        LedgerEntry.generator == generator, LedgerEntry.scope == scope, LedgerEntry.at <= moment
    )
    return session.scalar(query.order_by(LedgerEntry.at.desc(), LedgerEntry.seq.desc()).limit(1)) or 0


def entry(session: Session, generator: str, seq: int, scope: str = DEFAULT_SCOPE) -> Entry | None:
    row = session.get(LedgerEntry, (generator, scope, seq))
    return to_entry(row) if row else None


def before(session: Session, generator: str, seq: int, scope: str = DEFAULT_SCOPE) -> Entry | None:
    """The last entry before another one that put something in place."""
    query = _of(generator, scope).where(LedgerEntry.seq < seq, LedgerEntry.kind != EntryKind.ACCEPT.value)
    row = session.scalar(query.order_by(LedgerEntry.seq.desc()).limit(1))
    return to_entry(row) if row else None


def after(session: Session, generator: str, seq: int, scope: str = DEFAULT_SCOPE) -> Entry | None:
    """The first entry after another one that put something in place."""
    query = _of(generator, scope).where(LedgerEntry.seq > seq, LedgerEntry.kind != EntryKind.ACCEPT.value)
    row = session.scalar(query.order_by(LedgerEntry.seq).limit(1))
    return to_entry(row) if row else None


def head(session: Session, generator: str, scope: str = DEFAULT_SCOPE) -> Entry | None:
    """The newest entry; None where there is none."""
    row = session.scalar(_of(generator, scope).order_by(LedgerEntry.seq.desc()).limit(1))
    return to_entry(row) if row else None


def decisive(session: Session, generator: str, scope: str = DEFAULT_SCOPE, *, upto: int | None = None) -> list[Entry]:
    """The entries that the rules of `registry.rules` go by, of a chain or of its entries up to a number.

    However often versions have taken turns, that is five of each at most, and each is found by an index.
    """
    chain = (LedgerEntry.generator == generator, LedgerEntry.scope == scope)
    until = () if upto is None else (LedgerEntry.seq <= upto,)
    # From each version to the next greater one, by the index. What was left has been put in place before.
    versions = select(func.min(LedgerEntry.to_version).label("number")).where(*chain).cte("versions", recursive=True)
    greater = select(func.min(LedgerEntry.to_version)).where(*chain, LedgerEntry.to_version > versions.c.number)
    versions = versions.union_all(
        select(greater.correlate(versions).scalar_subquery()).where(versions.c.number.is_not(None))
    )

    def newest(*which: ColumnElement[bool]) -> ScalarSelect[int]:
        query = select(LedgerEntry.seq).where(*chain, *until, *which).order_by(LedgerEntry.seq.desc()).limit(1)
        return query.correlate(versions).scalar_subquery()

    to, left = LedgerEntry.to_version == versions.c.number, LedgerEntry.from_version == versions.c.number
    rollback = LedgerEntry.kind == EntryKind.ROLLBACK.value
    found = session.execute(
        select(
            *(newest(to, LedgerEntry.kind == kind.value) for kind in EntryKind),
            newest(left, rollback),
            newest(left, rollback, LedgerEntry.incident_id.is_not(None)),
        ).where(versions.c.number.is_not(None))
    )
    numbers = sorted({seq for each in found for seq in each if seq is not None})
    # As many as a power of two: SQLite's driver keeps statements prepared, and each number of values is another one.
    numbers += numbers[-1:] * ((1 << (len(numbers) - 1).bit_length()) - len(numbers))
    # Columns, not objects that the session would track: there are five of each version.
    rows = select(LedgerEntry.__table__).where(*chain, LedgerEntry.seq.in_(numbers)).order_by(LedgerEntry.seq)
    return [to_entry(row) for row in session.execute(rows)]


def leading_to(
    session: Session, generator: str, version: int, scope: str = DEFAULT_SCOPE, *, upto: int | None = None
) -> list[Entry]:
    """`decisive` up to a version's last promote: what tells which others had served before. All, where it has none."""
    query = _of(generator, scope).where(LedgerEntry.to_version == version, LedgerEntry.kind == EntryKind.PROMOTE.value)
    if upto is not None:
        query = query.where(LedgerEntry.seq <= upto)
    promote = session.scalar(query.order_by(LedgerEntry.seq.desc()).limit(1))
    return decisive(session, generator, scope, upto=promote.seq if promote else upto)


def page(session: Session, generator: str, before: int | None, limit: int, scope: str = DEFAULT_SCOPE) -> list[Entry]:
    """The newest first."""
    query = _of(generator, scope).order_by(LedgerEntry.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(LedgerEntry.seq < before)
    return [to_entry(row) for row in session.scalars(query)]


def known(session: Session, generator: str | None = None) -> list[tuple[str, str]]:
    """Every chain, or those of one generator, as generator and scope: found by the key, one look a chain."""
    chain = tuple_(LedgerEntry.generator, LedgerEntry.scope)
    first = select(LedgerEntry.generator, LedgerEntry.scope).order_by(LedgerEntry.generator, LedgerEntry.scope).limit(1)
    if generator is not None:
        first = first.where(LedgerEntry.generator == generator)
    found: list[tuple[str, str]] = []
    row = session.execute(first).one_or_none()
    while row is not None:
        found.append((row.generator, row.scope))
        row = session.execute(first.where(chain > found[-1])).one_or_none()
    return found


def entries(database: Database, generator: str, scope: str = DEFAULT_SCOPE) -> Iterator[Entry]:
    """The whole chain, oldest first, read piece by piece: whoever takes it slowly keeps no transaction open."""
    last = 0
    while True:
        with database.reading() as session:
            query = _of(generator, scope).where(LedgerEntry.seq > last).order_by(LedgerEntry.seq).limit(_PIECE)
            piece = [to_entry(row) for row in session.scalars(query)]
        yield from piece
        if len(piece) < _PIECE:
            return
        last = piece[-1].seq


def _of(generator: str, scope: str) -> Select[LedgerEntry]:
    return select(LedgerEntry).where(LedgerEntry.generator == generator, LedgerEntry.scope == scope)
