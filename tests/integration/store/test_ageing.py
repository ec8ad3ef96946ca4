"""What is old enough to be made sparser is found without a walk through what is not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from safelight.store import rollup, slots, thinning, versions
from safelight.store.database import Database, Session
from safelight.store.slots import SlotState
from safelight.store.thinning import Stretch

from .plans import plans  # noqa: TID252

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ask", "indices"),
    [
        (
            lambda session: rollup.oldest_due(session, NOON),
            [
                f"ix_{each}_not_rolled_up"
                for each in ("sketches", "traffic_buckets", "signal_buckets", "feedback_buckets")
            ],
        ),
        (lambda session: rollup.forget_sketches(session, NOON, HOUR), ["ix_sketches_rolled_up"]),
        (lambda session: thinning.oldest_due(session, NOON), ["ix_verdicts_not_rolled_up"]),
        (lambda session: thinning.answers(session, Stretch("studio", NOON, NOON + HOUR)), ["verdicts"]),
        (lambda session: slots.forget(session, NOON, 10), ["pk_monitor_slots"]),
    ],
    ids=["roll-up", "sketches", "verdicts", "answers", "slots"],
)
def test_what_is_due_is_found_by_an_index(
    database: Database, ask: Callable[[Session], object], indices: list[str]
) -> None:
    with database.transaction() as session:
        versions.add_generator(session, "studio", "", NOON)
        for minute in range(2):
            slots.record(session, "studio", NOON - minute * HOUR, SlotState.DONE, "one", NOON)
    steps = str(plans(database, ask))
    for index in indices:
        assert index.replace("pk_", "sqlite_autoindex_" if database.is_sqlite else "pk_") in steps, steps
    assert "SCAN verdicts" not in steps
    assert "Seq Scan on verdicts" not in steps
