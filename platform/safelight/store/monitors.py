"""Monitor definitions, as documents that `watching.monitors` understands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.errors import not_found
from safelight.store.tables.monitoring import MonitorRow
from safelight.store.upsert import insert


@dataclass(frozen=True)
class StoredMonitor:
    generator: str
    name: str
    kind: str
    document: dict[str, Any]
    enabled: bool
    created_at: datetime


def add_missing(session: Session, monitors: Sequence[StoredMonitor]) -> None:
    """Add those whose names the generator does not have yet; the others stay as people made them."""
    for monitor in monitors:
        session.execute(insert(session, MonitorRow).values(**vars(monitor)).on_conflict_do_nothing())


def all_of(session: Session, generator: str) -> list[StoredMonitor]:
    """Every monitor of a generator, enabled or not, by name."""
    query = select(MonitorRow).where(MonitorRow.generator == generator).order_by(MonitorRow.name)
    return [_monitor(row) for row in session.scalars(query)]


def find(session: Session, generator: str, name: str) -> StoredMonitor | None:
    row = session.get(MonitorRow, (generator, name), populate_existing=True)
    return _monitor(row) if row else None


def get(session: Session, generator: str, name: str) -> StoredMonitor:
    """Raises `monitor_not_found`."""
    return _monitor(_row(session, generator, name))


def put(session: Session, monitor: StoredMonitor) -> None:
    """Add a monitor, or replace the one of its name, which keeps its age. The caller has validated the document."""
    statement = insert(session, MonitorRow).values(**vars(monitor))
    replaced = {"kind": monitor.kind, "document": monitor.document, "enabled": monitor.enabled}
    session.execute(statement.on_conflict_do_update(index_elements=["generator", "name"], set_=replaced))


def switch(session: Session, generator: str, name: str, *, enabled: bool) -> StoredMonitor:
    """Raises `monitor_not_found`."""
    row = _row(session, generator, name)
    row.enabled = enabled
    session.flush()
    return _monitor(row)


def remove(session: Session, generator: str, name: str) -> None:
    """What it answered stays on record. Raises `monitor_not_found`."""
    session.delete(_row(session, generator, name))
    session.flush()


def _row(session: Session, generator: str, name: str) -> MonitorRow:
    row = session.get(MonitorRow, (generator, name), populate_existing=True)
    if row is None:
        raise not_found("monitor", name)
    return row


def _monitor(row: MonitorRow) -> StoredMonitor:
    return StoredMonitor(row.generator, row.name, row.kind, row.document, row.enabled, row.created_at)
