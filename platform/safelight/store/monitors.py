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


def change(
    session: Session, generator: str, name: str, *, document: dict[str, Any] | None = None, enabled: bool | None = None
) -> StoredMonitor:
    """Raises `monitor_not_found`. The caller has validated the document."""
    row = session.get(MonitorRow, (generator, name))
    if row is None:
        raise not_found("monitor", name)
    if document is not None:
        row.document = document
    if enabled is not None:
        row.enabled = enabled
    session.flush()
    return _monitor(row)


def _monitor(row: MonitorRow) -> StoredMonitor:
    return StoredMonitor(row.generator, row.name, row.kind, row.document, row.enabled, row.created_at)
