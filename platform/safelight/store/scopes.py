"""The scopes that a release goes through: the generator's first one, then those that follow it, in order."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from safelight.errors import not_found
from safelight.store.ledger import DEFAULT_SCOPE
from safelight.store.tables.targets import ScopeRow


@dataclass(frozen=True)
class Scope:
    """A region or a stage."""

    name: str
    bake_seconds: float
    """How long a promoted version must have served there before the next scope follows."""


def following(session: Session, generator: str) -> list[Scope]:
    """Those after the first one, in order; none unless somebody named some."""
    query = select(ScopeRow).where(ScopeRow.generator == generator).order_by(ScopeRow.place)
    return [Scope(row.scope, row.bake_seconds) for row in session.scalars(query) if row.scope != DEFAULT_SCOPE]


def all_of(session: Session, generator: str) -> list[Scope]:
    """All of them, in order; the first one always is there."""
    first = session.get(ScopeRow, (generator, DEFAULT_SCOPE))
    return [Scope(DEFAULT_SCOPE, first.bake_seconds if first else 0.0), *following(session, generator)]


def with_followers(session: Session) -> list[str]:
    """The generators that have more than their first scope."""
    query = select(ScopeRow.generator).where(ScopeRow.scope != DEFAULT_SCOPE).distinct()
    return sorted(session.scalars(query))


def require(session: Session, generator: str, name: str) -> Scope:
    """Raises `scope_not_found`."""
    found = next((each for each in all_of(session, generator) if each.name == name), None)
    if found is None:
        raise not_found("scope", f"{name} of {generator}")
    return found


def put(session: Session, generator: str, scopes: Sequence[Scope]) -> None:
    """These and no others, in this order. What a scope that is left out serves stays as it is, and its ledger too."""
    session.execute(delete(ScopeRow).where(ScopeRow.generator == generator))
    session.add_all(
        ScopeRow(generator=generator, scope=each.name, place=place, bake_seconds=each.bake_seconds)
        for place, each in enumerate(scopes)
    )
    session.flush()
