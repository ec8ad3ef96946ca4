"""Identifiers sort by time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from safelight.ids import first_id_at, made_at, new_id

moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001 - made aware in the next step
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)


def test_new_ids_are_uuid7_and_rise() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert {identifier.version for identifier in ids} == {7}


@given(moments)
def test_the_bound_of_a_moment_is_a_uuid7_of_that_moment(moment: datetime) -> None:
    bound = first_id_at(moment)
    assert bound.version == 7
    assert abs(made_at(bound) - moment) < timedelta(milliseconds=1)


def test_the_bound_lies_below_every_id_made_from_then_on() -> None:
    before = datetime.now(UTC)
    assert first_id_at(before) <= new_id() < first_id_at(before + timedelta(seconds=10))


def test_what_is_earlier_than_any_id_is_bounded_by_the_smallest() -> None:
    assert first_id_at(datetime(1, 1, 1, tzinfo=UTC)) == first_id_at(datetime(1970, 1, 1, tzinfo=UTC)) < new_id()
