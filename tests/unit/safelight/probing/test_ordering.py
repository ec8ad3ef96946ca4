"""When an engine's probes are due, and which of them."""

from collections import Counter
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from monitors.probes import Comparison
from monitors.scan import Rule
from safelight.probing.ordering import Due, Place, due, few
from safelight.store.probe_sets import KnownProbeSet
from safelight.store.probes import KnownRun, Purpose, RunState

from .test_assigning import run  # noqa: TID252

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
INTERVAL = timedelta(minutes=5)
SET = KnownProbeSet(
    UUID(int=2), "studio", "synthetic", "bundled", "", tuple({"prompt": str(i)} for i in range(32)), NOON, "test"
)
OWN = Place("studio", 2, None, SET, 16)
SOUND = Comparison(Rule.ANY_CHANGE, 16, 0, 0, 0, 0, 0.0, 0.0, 0.0, 1.0, 1.0)


def judged(minutes_ago: float, size: int = 16, *, odd: bool = False, **changed: object) -> KnownRun:
    found = asdict(SOUND) | {"rule": "any_change", "p_changed": 0.001 if odd else 1.0}
    known = run(
        host="one",
        state=RunState.JUDGED,
        places=tuple(range(size)),
        ordered_at=NOON - timedelta(minutes=minutes_ago),
        result={"comparison": found},
    )
    return replace(known, **changed)  # type: ignore[arg-type]  # fields by name


def test_everything_is_made_first_and_then_a_few_every_few_minutes() -> None:
    assert due("one", [], OWN, INTERVAL, NOON) is Due.ALL
    assert due("one", [judged(6, 32)], OWN, INTERVAL, NOON) is Due.A_FEW
    assert due("one", [judged(4), judged(60, 32)], OWN, INTERVAL, NOON) is Due.NOTHING
    assert due("one", [judged(6), judged(60, 32)], OWN, INTERVAL, NOON) is Due.A_FEW
    assert due("one", [judged(6, 16)], OWN, INTERVAL, NOON) is Due.ALL


def test_stored_outputs_count_as_everything_where_they_were_made() -> None:
    stored = judged(6, 32, purpose=Purpose.BASELINE, result={})
    assert due("one", [stored], OWN, INTERVAL, NOON) is Due.A_FEW
    assert due("two", [stored], OWN, INTERVAL, NOON) is Due.ALL


def test_everything_is_made_for_as_long_as_the_last_ones_were_odd() -> None:
    assert due("one", [judged(6, 32, odd=True)], OWN, INTERVAL, NOON) is Due.ALL


def test_nothing_is_ordered_twice() -> None:
    assert due("one", [judged(60, state=RunState.MAKING)], OWN, INTERVAL, NOON) is Due.NOTHING


def test_probes_of_an_incident_and_other_engines_are_not_counted() -> None:
    others = [judged(1, incident_id=UUID(int=7)), judged(1, host="two"), judged(1, state=RunState.CANCELLED)]
    assert due("one", [*others, judged(6, 32)], OWN, INTERVAL, NOON) is Due.A_FEW


def test_a_new_question_begins_with_everything() -> None:
    against_its_predecessor = judged(6, 32, against=1)
    assert due("one", [against_its_predecessor], OWN, INTERVAL, NOON) is Due.ALL


def test_handfuls_go_round_and_leave_nothing_out() -> None:
    seen = Counter(place for number in range(11) for place in few(range(176), 16, number))
    assert set(seen) == set(range(176))
    assert set(seen.values()) == {1}
    assert few(range(10), 16, 3) == tuple((48 + i) % 10 for i in range(10))
