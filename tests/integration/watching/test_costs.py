"""A tick reads what its windows hold, whatever lies behind them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from safelight.store.tables import SignalBucket, SketchBucket, TrafficBucket, VerdictRow

GROWING = {
    "generations",
    "scores",
    "sketches",
    "signal_buckets",
    "traffic_buckets",
    "feedback_buckets",
    "verdicts",
    "monitor_slots",
    "incidents",
    "ledger",
    "drills",
    "notifications",
}
"""Tables that hold history: a tick may look things up in them, and never go through them."""


@contextmanager
def statements(world: Any) -> Iterator[list[tuple[str, Any]]]:
    """Every statement of the block, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(world.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(world.database.engine, "before_cursor_execute", note)


def plan(world: Any, statement: str, parameters: Any) -> list[str]:
    with world.database.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [str(row[3]) for row in rows]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_statement_of_a_tick_goes_through_a_table_that_grows(world: Any) -> None:
    for _ in range(3):
        world.minute(fidelity=0.5)
    world.log(50, fidelity=0.5)
    while world.scorer.run_once():
        pass
    with statements(world) as seen:
        world.pass_by()
    selects = [each for each in seen if each[0].lstrip().startswith(("SELECT", "WITH"))]
    assert len(selects) > 10
    for statement, parameters in selects:
        scanned = {step.split()[1] for step in plan(world, statement, parameters) if step.startswith("SCAN")}
        assert not scanned & GROWING, statement


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_tick_reads_as_much_after_a_year_as_on_the_first_day(world: Any) -> None:
    for _ in range(3):
        world.minute()
    young = rows_read(world)
    grow_old(world)
    assert rows_read(world) <= young + 10


def rows_read(world: Any) -> int:
    """Rows that one more tick fetches."""
    count = 0
    with statements(world) as seen:
        world.minute()
    for statement, parameters in seen:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            with world.database.engine.connect() as connection:
                count += len(connection.exec_driver_sql(statement, parameters).fetchall())
    return count


def grow_old(world: Any) -> None:
    """What a long time before the windows leaves behind."""
    tables = (SketchBucket, SignalBucket, TrafficBucket, VerdictRow)
    long_ago = world.clock.now() - timedelta(days=300)
    with world.database.transaction() as session:
        for table in tables:
            rows = session.execute(text(f"SELECT * FROM {table.__tablename__} LIMIT 1")).mappings().all()  # noqa: S608 - a table's own name
            for row in rows:
                moment = "slot" if table is VerdictRow else "bucket_start"
                copies = [
                    {**row, moment: str((long_ago + timedelta(minutes=i)).replace(tzinfo=None))} for i in range(2000)
                ]
                if table is VerdictRow:
                    copies = [{**copy, "id": -i - 1} for i, copy in enumerate(copies)]
                columns = ", ".join(copies[0])
                values = ", ".join(f":{name}" for name in copies[0])
                session.execute(text(f"INSERT INTO {table.__tablename__} ({columns}) VALUES ({values})"), copies)  # noqa: S608 - names of columns
