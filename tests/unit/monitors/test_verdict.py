from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.verdict import Health, Reason, Verdict, combine

finite = st.none() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
verdicts = st.builds(
    Verdict,
    health=st.sampled_from(Health),
    reason=st.sampled_from(Reason),
    summary=st.text(max_size=20),
    effect=finite,
    p_value=st.none() | st.floats(0, 1),
    threshold=finite,
    window_seconds=finite,
    n=st.integers(0, 10**9),
    evidence=st.dictionaries(st.text(max_size=5), json_values, max_size=3),
)


@given(verdicts)
def test_json_gives_the_same_verdict_back(verdict: Verdict) -> None:
    assert Verdict.from_json(verdict.to_json()) == verdict
    assert json.loads(verdict.to_json())["health"] == verdict.health.value


@pytest.mark.parametrize("name", ["effect", "p_value", "threshold", "window_seconds"])
def test_figures_that_json_cannot_carry_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Verdict(Health.ERROR, Reason.FAILED, "", **{name: float("nan")})  # type: ignore[arg-type]  # fields by name


@given(st.lists(verdicts, min_size=1, max_size=5), st.randoms())
def test_the_combination_depends_on_neither_order_nor_grouping(some: list[Verdict], random: Random) -> None:
    shuffled = random.sample(some, len(some))
    assert combine(shuffled) == combine(some)
    assert combine([combine(some[:2]), *some[2:]]) == combine(some)
    assert combine([*some, *some]) == combine(some)


@given(st.lists(verdicts, min_size=1, max_size=5))
def test_the_whole_is_healthy_only_if_every_part_is(some: list[Verdict]) -> None:
    all_healthy = all(verdict.health is Health.HEALTHY for verdict in some)
    assert (combine(some).health is Health.HEALTHY) == all_healthy


def test_worst_first() -> None:
    worst_first = [Health.DEGRADED, Health.ERROR, Health.INCONCLUSIVE, Health.HEALTHY]
    every = [Verdict(health, Reason.FAILED, "") for health in worst_first]
    for i in range(len(every)):
        assert combine(every[i:]).health is worst_first[i]


def test_of_two_alarms_the_less_likely_leads() -> None:
    mild, grave = (Verdict(Health.DEGRADED, Reason.BLANK_RATE_UP, "", p_value=p) for p in (1e-5, 1e-9))
    assert combine([mild, grave]) is grave


def test_of_nothing_nothing_is_known() -> None:
    assert combine([]).health is Health.INCONCLUSIVE
