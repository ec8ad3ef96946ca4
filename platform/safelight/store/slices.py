"""Slices: parts of a generator's traffic that are looked at alone, and which values have one of their own."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.settings import SliceAttribute
from safelight.store.tables.monitoring import SliceRow
from safelight.store.tables.releases import Generator

ALL = "all"
"""The slice that holds all traffic."""
IDLE = timedelta(hours=1)
"""A value not seen for this long makes room for another: replicas come and go under ever new names."""
_TOUCHED_EVERY = timedelta(minutes=10)
_REST = " (other)"


@dataclass(frozen=True)
class Slice:
    """Generations with one value of an attribute; without a value, those whose value has no slice of its own."""

    attribute: SliceAttribute
    value: str | None

    @property
    def name(self) -> str:
        return f"{self.attribute}{_REST}" if self.value is None else f"{self.attribute}={self.value}"

    @property
    def rest(self) -> Self:
        return type(self)(self.attribute, None)

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """The inverse of `name`; None for all traffic."""
        if name == ALL:
            return None
        if name.endswith(_REST) and "=" not in name:
            return cls(SliceAttribute(name.removesuffix(_REST)), None)
        attribute, _, value = name.partition("=")
        return cls(SliceAttribute(attribute), value)


def admit(session: Session, generator: str, wanted: Collection[Slice], most: int, now: datetime) -> dict[Slice, Slice]:
    """The slice that each wanted one is counted in: itself where it has a place among the `most`, the rest otherwise.

    A place is kept in the database, so every worker and every restart counts alike.
    """
    known = _known(session, generator)
    fresh = sorted(set(wanted) - known.keys(), key=lambda each: each.name)
    if fresh:
        # Two workers that find the last place free must not both take it.
        session.execute(select(Generator.name).where(Generator.name == generator).with_for_update())
        known = _known(session, generator)
        fresh = [each for each in fresh if each not in known]
        _make_room(session, known, len(fresh), most, now)
        for each in fresh[: max(0, most - len(known))]:
            known[each] = SliceRow(
                generator=generator, attribute=each.attribute, value=each.value, first_seen_at=now, last_seen_at=now
            )
            session.add(known[each])
    for each in known.keys() & set(wanted):
        if now - known[each].last_seen_at >= _TOUCHED_EVERY:
            known[each].last_seen_at = now
    session.flush()
    return {each: each if each in known else each.rest for each in wanted}


def names(session: Session, generator: str) -> list[Slice]:
    """The values that have a slice of their own, in the order of their names."""
    return sorted(_known(session, generator), key=lambda each: each.name)


def _known(session: Session, generator: str) -> dict[Slice, SliceRow]:
    query = select(SliceRow).where(SliceRow.generator == generator).execution_options(populate_existing=True)
    return {Slice(SliceAttribute(row.attribute), row.value): row for row in session.scalars(query)}


def _make_room(session: Session, known: dict[Slice, SliceRow], needed: int, most: int, now: datetime) -> None:
    idle = sorted((row.last_seen_at, each.name, each) for each, row in known.items() if now - row.last_seen_at >= IDLE)
    for _, _, each in idle[: max(0, len(known) + needed - most)]:
        session.delete(known.pop(each))
    session.flush()
