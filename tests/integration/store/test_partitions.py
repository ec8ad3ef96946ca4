"""Monthly partitions: made ahead of time, and late ones take their rows over."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import inspect, select, text

from safelight.ids import first_id_at
from safelight.store.database import Database
from safelight.store.partitions import ensure_partitions
from safelight.store.tables import GenerationRow

DECEMBER = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)


def _row(moment: datetime) -> GenerationRow:
    return GenerationRow(
        id=first_id_at(moment),
        created_at=moment,
        generator="g",
        version=1,
        bundle_digest="d",
        source="engine",
        arm="stable",
        outcome="failed",
        request_id=first_id_at(moment),
        prompt="p",
        parameters={},
        envelope={},
    )


def _partition_of(database: Database, moment: datetime) -> str:
    with database.reading() as session:
        found = session.scalar(
            text("SELECT tableoid::regclass::text FROM generations WHERE id = :id"), {"id": first_id_at(moment)}
        )
    assert isinstance(found, str)
    return found


def test_months_across_a_year_are_made_once(database: Database) -> None:
    with database.transaction() as session:
        made = ensure_partitions(session, DECEMBER, months_ahead=2)
    with database.transaction() as session:
        again = ensure_partitions(session, DECEMBER, months_ahead=2)
    months = [] if database.is_sqlite else ["generations_p2026_12", "generations_p2027_01", "generations_p2027_02"]
    assert (made, again) == (months, [])


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_row_goes_to_the_partition_of_its_time(database: Database) -> None:
    new_year = datetime(2027, 1, 1, tzinfo=UTC)
    with database.transaction() as session:
        ensure_partitions(session, DECEMBER, months_ahead=1)
        session.add_all([_row(DECEMBER), _row(new_year)])
    assert _partition_of(database, DECEMBER) == "generations_p2026_12"
    assert _partition_of(database, new_year) == "generations_p2027_01"


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_rows_that_came_before_their_partition_move_into_it(database: Database) -> None:
    with database.transaction() as session:
        session.add(_row(DECEMBER))
    assert _partition_of(database, DECEMBER) == "generations_default"
    with database.transaction() as session:
        ensure_partitions(session, DECEMBER, months_ahead=0)
    assert _partition_of(database, DECEMBER) == "generations_p2026_12"
    with database.reading() as session:
        assert session.scalars(select(GenerationRow.id)).all() == [first_id_at(DECEMBER)]
    constraint = inspect(database.engine).get_pk_constraint("generations_p2026_12")
    assert constraint["constrained_columns"] == ["id"]
