from collections import Counter
from datetime import timedelta

import pytest

from safelight.comparing.documents import Distance, Figure, Space, VersionComparison
from safelight.comparing.versions import compare
from safelight.errors import SafelightError
from safelight.ids import made_at
from safelight.store import comparisons
from safelight.store.database import Database
from safelight.watching.samples import JUDGED_ARMS
from tests.integration.comparing.conftest import EMBEDDER, NOON, Serve

HOUR = timedelta(hours=1)


def _compared(database: Database, *numbers: int, price: float | None = None) -> VersionComparison:
    with database.reading() as session:
        return compare(session, "portraits", numbers, NOON - HOUR, NOON + 2 * HOUR, price)


def _apart(found: VersionComparison) -> dict[tuple[str, Space], Figure]:
    return {(each.name, each.of): each.figure for each in found.distances}


def _low(figure: Figure) -> float:
    assert figure.low is not None
    return figure.low


def test_a_worse_version_is_worse_by_every_measure_beyond_its_interval(registered: Database, serve: Serve) -> None:
    serve(1, 1000)
    serve(3, 1000, fidelity=0.6, blank=60)
    found = _compared(registered, 1, 3, price=3.6)
    old, new = found.sides
    assert (old.version, old.n, old.sampled, new.version) == (1, 1000, 1000, 3)
    assert found.embedder_digest == EMBEDDER
    assert new.metrics["alignment"].high < _low(old.metrics["alignment"])  # type: ignore[operator]
    assert _low(new.metrics["broken_rate"]) > old.metrics["broken_rate"].high > 0  # type: ignore[operator]
    assert _low(new.metrics["diversity"]) > 1
    assert old.metrics["diversity"].n == new.metrics["diversity"].n == 940
    assert old.metrics["latency_p50_ms"].value == pytest.approx(224.5, abs=1)
    assert old.metrics["failed_rate"].value == pytest.approx(5 / 1005)
    assert old.metrics["cost_per_image"].value == pytest.approx(0.12 / 1000)
    assert new.metrics["cost_per_accepted_image"].value == pytest.approx(0.12 / 940)
    assert new.metrics["cost_per_image"].low is None
    assert all(_low(figure) > 0 for (_, space), figure in _apart(found).items() if space is Space.IMAGES)
    assert found.notes == []


def test_a_version_like_the_other_is_not_told_apart(registered: Database, serve: Serve) -> None:
    serve(1, 1000)
    serve(2, 1000)
    found = _compared(registered, 1, 2)
    for name, figure in _apart(found).items():
        assert figure.high is not None, name
        assert _low(figure) <= 0.001 * figure.n, name
    one, two = (side.metrics["alignment"] for side in found.sides)
    assert _low(one) < two.high  # type: ignore[operator]
    assert "cost_per_image" not in found.sides[0].metrics


def test_other_prompts_are_pointed_out(registered: Database, serve: Serve) -> None:
    serve(1, 1000)
    serve(2, 1000, topics=5)
    found = _compared(registered, 1, 2)
    assert _low(_apart(found)["cmmd", Space.PROMPTS]) > 0
    assert [note.code for note in found.notes] == ["different_prompts"]


def test_too_little_gives_no_figure_but_what_is_needed(registered: Database, serve: Serve) -> None:
    serve(1, 40)
    serve(2, 20)
    found = _compared(registered, 1, 2)
    few = found.sides[1].metrics["alignment"]
    assert (few.value, few.n, few.needed) == (None, 20, 30)
    assert all(each.figure.value is None and each.figure.needed for each in found.distances)
    assert [note.code for note in found.notes] == ["too_few"]


def test_nothing_in_the_range_is_no_error(registered: Database, serve: Serve) -> None:
    serve(1, 100)
    found = _compared(registered, 1, 2)
    assert found.sides[1].n == 0
    assert found.distances == []


def test_a_sample_is_spread_over_the_range_and_bounded(registered: Database, serve: Serve) -> None:
    for hour in range(3):
        serve(1, 100, at=NOON + (hour - 1) * HOUR)

    def read(limit: int) -> Counter[int]:
        with registered.reading() as session:
            rows = comparisons.sampled(
                session,
                "portraits",
                1,
                NOON - 9 * HOUR,
                NOON + 9 * HOUR,
                arms=JUDGED_ARMS,
                embedder_digest=EMBEDDER,
                limit=limit,
            )
        assert len({row.id for row in rows}) == len(rows)
        return Counter(made_at(row.id).hour for row in rows)

    few = read(100)
    assert few.total() == 100
    assert min(few[11], few[12], few[13]) >= 10
    assert read(1000) == {11: 100, 12: 100, 13: 100}


@pytest.mark.parametrize(
    ("numbers", "code"), [((1,), "versions_invalid"), ((1, 1), "versions_invalid"), ((1, 9), "version_not_found")]
)
def test_what_cannot_be_compared_is_refused(registered: Database, numbers: tuple[int, ...], code: str) -> None:
    with pytest.raises(SafelightError) as refused:
        _compared(registered, *numbers)
    assert refused.value.code == code


def test_before_anything_was_scored_it_says_so(registered: Database) -> None:
    found = _compared(registered, 1, 2)
    assert [note.code for note in found.notes] == ["nothing_scored"]
    assert list[Distance](found.distances) == []
