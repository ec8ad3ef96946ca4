"""Probe sets: named, immutable lists of what is asked again and again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.digests import canonical_json, digest_of
from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import new_id
from safelight.store.tables.probes import ProbeSetRow
from safelight.store.upsert import insert

BLOTTED_OUT = "a photograph"
"""What is asked in the place of a prompt that was erased."""


@dataclass(frozen=True)
class KnownProbeSet:
    """`probes` are documents that `probing.sets` understands; a probe is known by its place among them."""

    id: UUID
    generator: str
    name: str
    source: str
    digest: str
    probes: tuple[dict[str, Any], ...]
    created_at: datetime
    created_by: str

    @property
    def plain(self) -> tuple[int, ...]:
        """The places of probes that are no other wording of another."""
        return tuple(place for place, probe in enumerate(self.probes) if probe.get("variant") is None)


def add(
    session: Session,
    *,
    generator: str,
    name: str,
    source: str,
    probes: Sequence[dict[str, Any]],
    now: datetime,
    actor: str,
) -> KnownProbeSet:
    """Keep a set. The same probes under the same name are returned as they stand; others raise `probe_set_exists`."""
    digest = digest_of(canonical_json(list(probes)))
    statement = insert(session, ProbeSetRow).values(
        id=new_id(),
        generator=generator,
        name=name,
        source=source,
        digest=digest,
        probes=list(probes),
        created_at=now,
        created_by=actor,
    )
    session.execute(statement.on_conflict_do_nothing())
    kept = find(session, generator, name)
    if kept is None or kept.digest != digest:
        raise SafelightError(
            Kind.CONFLICT,
            "probe_set_exists",
            f"{generator} has other probes under the name {name!r}. A set never changes: choose another name.",
        )
    return kept


def find(session: Session, generator: str, name: str) -> KnownProbeSet | None:
    query = select(ProbeSetRow).where(ProbeSetRow.generator == generator, ProbeSetRow.name == name)
    row = session.scalar(query)
    return _known(row) if row else None


def require(session: Session, generator: str, name: str) -> KnownProbeSet:
    """Raises `probe_set_not_found`."""
    found = find(session, generator, name)
    if found is None:
        raise not_found("probe_set", name)
    return found


def get(session: Session, set_id: UUID) -> KnownProbeSet:
    """Raises `probe_set_not_found`."""
    row = session.get(ProbeSetRow, set_id)
    if row is None:
        raise not_found("probe_set", set_id)
    return _known(row)


def of_generator(session: Session, generator: str) -> list[KnownProbeSet]:
    """The newest first."""
    query = select(ProbeSetRow).where(ProbeSetRow.generator == generator).order_by(ProbeSetRow.id.desc())
    return [_known(row) for row in session.scalars(query)]


def blot_out(session: Session, known: KnownProbeSet, prompts: Collection[str]) -> None:
    """Put another prompt in the place of each of these: the one change that a set ever sees, for somebody's sake."""
    blotted = [
        {"prompt": BLOTTED_OUT, "seed": probe.get("seed", 0)} if probe["prompt"] in prompts else probe
        for probe in known.probes
    ]
    row = session.get_one(ProbeSetRow, known.id)
    row.probes, row.digest = blotted, digest_of(canonical_json(blotted))
    session.flush()


def _known(row: ProbeSetRow) -> KnownProbeSet:
    return KnownProbeSet(
        row.id, row.generator, row.name, row.source, row.digest, tuple(row.probes), row.created_at, row.created_by
    )
