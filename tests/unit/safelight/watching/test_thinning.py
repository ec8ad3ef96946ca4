"""Of answers that repeat one another one is kept for all; no change is lost, and nothing of an incident."""

from collections import Counter
from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.verdict import Health
from safelight.store.thinning import Answer
from safelight.watching.thinning import standing


def _answer(**changes: object) -> Answer:
    said = Answer(1, "drift", 3, critical=True, health=Health.HEALTHY, reason="within_budget", ticks=1)
    return replace(said, **changes)  # type: ignore[arg-type] # of the fields it has


@st.composite
def _answers(draw: st.DrawFn) -> list[Answer]:
    """As a stretch holds them: monitor by monitor, numbered in the order of time."""
    said = st.builds(
        _answer,
        monitor=st.sampled_from(("drift", "rate")),
        version=st.sampled_from((None, 3)),
        critical=st.booleans(),
        health=st.sampled_from((Health.HEALTHY, Health.DEGRADED, Health.INCONCLUSIVE)),
        reason=st.sampled_from(("one", "other")),
        ticks=st.integers(1, 3),
    )
    found = sorted(draw(st.lists(said, max_size=30)), key=lambda each: each.monitor)
    return [replace(each, id=number) for number, each in enumerate(found)]


def _says(answer: Answer) -> Answer:
    return replace(answer, id=0, ticks=0)


def _is_evidence(answer: Answer) -> bool:
    return answer.critical and answer.health is Health.DEGRADED


def _ticks(answers: list[Answer]) -> Counter[Answer]:
    return sum((Counter({_says(each): each.ticks}) for each in answers), start=Counter())


@given(_answers())
def test_what_is_kept_tells_all_that_was_said_and_how_often(answers: list[Answer]) -> None:
    kept = standing(answers)
    left = [replace(each, ticks=kept[each.id]) for each in answers if each.id in kept]
    assert _ticks(left) == _ticks(answers)
    assert [says for says, _ in groupby(left, _says)] == [says for says, _ in groupby(answers, _says)]
    assert [each for each in left if _is_evidence(each)] == [each for each in answers if _is_evidence(each)]
    assert all(len(list(alike)) == 1 for says, alike in groupby(left, _says) if not _is_evidence(says))
    assert standing(left) == kept, "to look twice changes nothing"


@given(_answers())
def test_the_newest_answer_of_a_monitor_stays_where_it_was(answers: list[Answer]) -> None:
    newest = {each.monitor: each.id for each in answers}
    assert newest.items() <= {each.monitor: each.id for each in answers if each.id in standing(answers)}.items()


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, {2: 2}),
        ({"ticks": 5}, {2: 6}),
        ({"reason": "too_few_generations"}, {1: 1, 2: 1}),
        ({"health": Health.DEGRADED}, {1: 1, 2: 1}),
        ({"version": None}, {1: 1, 2: 1}),
        ({"critical": False}, {1: 1, 2: 1}),
        ({"monitor": "rate"}, {1: 1, 2: 1}),
    ],
    ids=["nothing", "ticks", "reason", "health", "version", "critical", "monitor"],
)
def test_whatever_is_another_answer_is_kept(change: dict[str, object], kept: dict[int, int]) -> None:
    assert standing([_answer(), _answer(id=2, **change)]) == kept


def test_what_a_monitor_found_that_wakes_nobody_is_no_evidence() -> None:
    found = [_answer(id=number, health=Health.DEGRADED) for number in (1, 2)]
    assert standing(found) == {1: 1, 2: 1}
    assert standing([replace(each, critical=False) for each in found]) == {2: 2}
