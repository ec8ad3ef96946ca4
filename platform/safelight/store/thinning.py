"""Verdicts of long ago: which are due to be thinned, and leaving one of them to stand for several."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, TextClause, delete, select, text, update
from sqlalchemy.orm import Session

from monitors.verdict import Health
from safelight.store.tables.ageing import FRESH
from safelight.store.tables.monitoring import VerdictRow


@dataclass(frozen=True)
class Answer:
    """What tells one verdict from the next. It stands for so many `ticks` in a row, of which its own is the last."""

    id: int
    monitor: str
    version: int | None
    critical: bool
    health: Health
    reason: str
    ticks: int


@dataclass(frozen=True)
class Stretch:
    """Verdicts about one generator that were not looked at yet, of slots in [start, end)."""

    generator: str
    start: datetime
    end: datetime


def oldest_due(session: Session, before: datetime) -> tuple[str, datetime] | None:
    """The generator and the slot of the oldest verdict before a moment that was not looked at; None when all were."""
    query = select(VerdictRow.generator, VerdictRow.slot).where(text(FRESH), VerdictRow.slot < before)
    found = session.execute(query.order_by(VerdictRow.slot).limit(1)).one_or_none()
    return None if found is None else (found.generator, found.slot)


def answers(session: Session, where: Stretch) -> list[Answer]:
    """Locked, monitor by monitor, the oldest first."""
    of = VerdictRow
    query = select(of.id, of.monitor, of.version, of.critical, of.health, of.reason, of.ticks)
    found = query.where(*_within(where)).order_by(of.monitor, of.id).with_for_update()
    return [
        Answer(number, monitor, version, critical, Health(health), reason, ticks)
        for number, monitor, version, critical, health, reason, ticks in session.execute(found)
    ]


def thin(session: Session, where: Stretch, kept: Mapping[int, int]) -> None:
    """Keep the verdicts named, each for so many ticks; the others of the stretch go.

    Only the present tick adds verdicts: there are none in a stretch of the past that were not among its answers.
    """
    if not kept:
        return
    marked = [{"id": identifier, "ticks": ticks, "rolled_up": True} for identifier, ticks in kept.items()]
    session.execute(update(VerdictRow), marked)
    session.execute(delete(VerdictRow).where(*_within(where)).execution_options(synchronize_session=False))


def _within(where: Stretch) -> list[ColumnElement[bool] | TextClause]:
    return [
        text(FRESH),
        VerdictRow.generator == where.generator,
        VerdictRow.slot >= where.start,
        VerdictRow.slot < where.end,
    ]
