"""What a policy makes of an incident."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.verdict import Reason
from safelight.responding.policy import COOLDOWN, VERSION_FAULTS, Action, Facts, Why, decide
from safelight.store.incidents import PolicyMode

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
ARMED = Facts(PolicyMode.AUTO, Reason.ALIGNMENT_DOWN, target=2, last_automatic=None, now=NOW)

facts = st.builds(
    Facts,
    mode=st.sampled_from(PolicyMode),
    reason=st.sampled_from(Reason),
    target=st.none() | st.integers(1, 9),
    last_automatic=st.none() | st.timedeltas(timedelta(0), timedelta(days=2)).map(lambda age: NOW - age),
    now=st.just(NOW),
)


def test_an_armed_policy_rolls_back() -> None:
    assert decide(ARMED) == (Action.ROLL_BACK, Why.ARMED)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"mode": PolicyMode.OBSERVE}, (Action.NOTHING, Why.OBSERVING)),
        ({"mode": PolicyMode.RECOMMEND}, (Action.RECOMMEND, Why.NOT_ARMED)),
        ({"target": None}, (Action.NOTHING, Why.NO_TARGET)),
        ({"reason": Reason.ERROR_RATE_UP}, (Action.RECOMMEND, Why.NOT_THE_VERSION)),
        ({"reason": Reason.LATENCY_UP}, (Action.RECOMMEND, Why.NOT_THE_VERSION)),
        ({"last_automatic": NOW - timedelta(minutes=5)}, (Action.RECOMMEND, Why.COOLING_DOWN)),
        ({"last_automatic": NOW - COOLDOWN}, (Action.ROLL_BACK, Why.ARMED)),
    ],
)
def test_one_fact_is_enough_to_hold_it_back(changed: dict[str, object], expected: tuple[Action, Why]) -> None:
    assert decide(replace(ARMED, **changed)) == expected  # type: ignore[arg-type]  # fields by name


@given(facts)
def test_nothing_but_an_armed_policy_with_a_target_and_an_image_fault_rolls_back(known: Facts) -> None:
    action, _ = decide(known)
    if action is Action.ROLL_BACK:
        assert known.mode is PolicyMode.AUTO
        assert known.target is not None
        assert known.reason in VERSION_FAULTS
