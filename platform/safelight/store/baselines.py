"""Baselines: added once, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import new_id
from safelight.store.tables.monitoring import Baseline


class Topic(NamedTuple):
    """One cluster of a lens: how many generations of the baseline fall into it, and the words typical of it."""

    n: int
    words: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NewBaseline:
    """What a baseline is before it has its id. `n` are the generations the lens was fitted on, `blank` those left
    out because they showed nothing; `scalars` are its scalar signals, serialised, for a report to compare with;
    `topics` are in the order of the lens's clusters."""

    generator: str
    version: int
    name: str
    source: str
    embedder_digest: str
    n: int
    blank: int
    data_from: datetime | None
    data_to: datetime | None
    lens: bytes
    lens_digest: str
    scalars: bytes
    topics: Sequence[Topic]
    created_by: str


@dataclass(frozen=True, kw_only=True)
class KnownBaseline:
    """A baseline without its lens, which is big and read only where it is used."""

    id: UUID
    generator: str
    version: int
    name: str
    source: str
    embedder_digest: str
    n: int
    blank: int
    data_from: datetime | None
    data_to: datetime | None
    lens_digest: str
    created_at: datetime
    created_by: str


_KNOWN = (
    Baseline.id,
    Baseline.generator,
    Baseline.version,
    Baseline.name,
    Baseline.source,
    Baseline.embedder_digest,
    Baseline.n,
    Baseline.blank,
    Baseline.data_from,
    Baseline.data_to,
    Baseline.lens_digest,
    Baseline.created_at,
    Baseline.created_by,
)


def add(session: Session, baseline: NewBaseline, now: datetime) -> KnownBaseline:
    """Raises `baseline_exists` where the generator has one of that name: baselines are never overwritten."""
    topics = [topic._asdict() for topic in baseline.topics]
    row = Baseline(id=new_id(), created_at=now, **vars(baseline) | {"topics": topics})
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise exists(baseline.generator, baseline.name) from error
    return get(session, row.id)


def exists(generator: str, name: str) -> SafelightError:
    """The error for a name that is taken."""
    return SafelightError(
        Kind.CONFLICT,
        "baseline_exists",
        f"{generator} already has a baseline named {name!r}, and baselines never change. Choose another name.",
    )


def get(session: Session, baseline_id: UUID) -> KnownBaseline:
    """Raises `baseline_not_found`."""
    row = session.execute(select(*_KNOWN).where(Baseline.id == baseline_id)).mappings().first()
    if row is None:
        raise not_found("baseline", baseline_id)
    return KnownBaseline(**row)


def of_generator(session: Session, generator: str) -> list[KnownBaseline]:
    """All of a generator, the newest first."""
    query = select(*_KNOWN).where(Baseline.generator == generator)
    return [KnownBaseline(**row) for row in session.execute(query.order_by(Baseline.id.desc())).mappings()]


def newest_of(session: Session, generator: str, version: int, embedder_digest: str) -> KnownBaseline | None:
    """The newest of a version, as this embedder sees it."""
    query = select(*_KNOWN).where(
        Baseline.generator == generator, Baseline.version == version, Baseline.embedder_digest == embedder_digest
    )
    row = session.execute(query.order_by(Baseline.created_at.desc(), Baseline.id.desc()).limit(1)).mappings().first()
    return KnownBaseline(**row) if row else None


def newest_of_version(session: Session, generator: str, version: int) -> KnownBaseline | None:
    """The newest of a version, whatever embedder saw it."""
    query = select(*_KNOWN).where(Baseline.generator == generator, Baseline.version == version)
    row = session.execute(query.order_by(Baseline.id.desc()).limit(1)).mappings().first()
    return KnownBaseline(**row) if row else None


def named(session: Session, generator: str, name: str) -> KnownBaseline | None:
    query = select(*_KNOWN).where(Baseline.generator == generator, Baseline.name == name)
    row = session.execute(query).mappings().first()
    return KnownBaseline(**row) if row else None


def topics(session: Session, baseline_id: UUID) -> list[Topic]:
    """In the order of the lens's clusters; none for a baseline that an earlier release made."""
    found = session.scalars(select(Baseline.topics).where(Baseline.id == baseline_id)).one()
    return [Topic(each["n"], tuple(each["words"])) for each in found]


def lens(session: Session, baseline_id: UUID) -> bytes:
    return session.scalars(select(Baseline.lens).where(Baseline.id == baseline_id)).one()


def scalars(session: Session, baseline_id: UUID) -> bytes:
    return session.scalars(select(Baseline.scalars).where(Baseline.id == baseline_id)).one()
