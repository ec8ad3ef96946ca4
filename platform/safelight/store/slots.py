"""Ticks of the monitors: a unique row for each, so that none runs twice and none goes missing unseen."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from safelight.store.tables.monitoring import MonitorSlot
from safelight.store.tables.releases import Generator
from safelight.store.upsert import insert


class SlotState(StrEnum):
    DONE = "done"
    FAILED = "failed"
    MISSED = "missed"


@dataclass(frozen=True)
class Slot:
    generator: str
    slot: datetime
    worker: str
    state: SlotState
    recorded_at: datetime
    detail: str


def record(
    session: Session, generator: str, slot: datetime, state: SlotState, worker: str, now: datetime, detail: str = ""
) -> bool:
    """Claim a slot by saying how it ended. False when somebody else has: then nothing else of the tick may be kept."""
    statement = insert(session, MonitorSlot).values(
        generator=generator,
        slot=slot,
        worker=worker,
        state=state.value,
        recorded_at=now,
        detail=detail,
    )
    return session.scalar(statement.on_conflict_do_nothing().returning(MonitorSlot.slot)) is not None


def newest(session: Session, generator: str) -> datetime | None:
    return session.scalar(select(func.max(MonitorSlot.slot)).where(MonitorSlot.generator == generator))


def page(session: Session, generator: str, before: datetime | None = None, limit: int = 100) -> list[Slot]:
    """The newest first."""
    query = select(MonitorSlot).where(MonitorSlot.generator == generator).order_by(MonitorSlot.slot.desc()).limit(limit)
    if before is not None:
        query = query.where(MonitorSlot.slot < before)
    return [
        Slot(row.generator, row.slot, row.worker, SlotState(row.state), row.recorded_at, row.detail)
        for row in session.scalars(query)
    ]


def forget(session: Session, before: datetime, limit: int) -> int:
    """Delete the oldest slots of one generator before a moment, at most so many; returns how many, 0 when all are gone.

    A generator's newest stays, however old: no slot up to it is run again.
    """
    for name in session.scalars(select(Generator.name)).all():
        last = newest(session, name)
        if last is None:
            continue
        query = select(MonitorSlot.slot).where(MonitorSlot.generator == name, MonitorSlot.slot < min(before, last))
        old = session.scalars(query.order_by(MonitorSlot.slot).limit(limit)).all()
        if old:
            session.execute(delete(MonitorSlot).where(MonitorSlot.generator == name, MonitorSlot.slot <= old[-1]))
            return len(old)
    return 0
