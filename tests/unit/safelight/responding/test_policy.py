"""What a policy makes of an incident."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.verdict import Health, Reason
from safelight.responding.fitness import Fitness
from safelight.responding.policy import (
    BLANK_PROBES,
    COOLDOWN,
    EXTREME,
    PLACES,
    VERSION_FAULTS,
    Action,
    Brakes,
    Facts,
    Findings,
    Slice,
    Why,
    decide,
)
from safelight.store.incidents import PolicyMode

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
CONFIRMED = Findings({"one": Health.DEGRADED}, Health.HEALTHY, target_better=True)
ALARMED = Facts(PolicyMode.AUTO, Reason.ALIGNMENT_DOWN, target=2, now=NOW)
ARMED = replace(ALARMED, findings=CONFIRMED)
UNSEEN = replace(CONFIRMED, suspects={"one": Health.HEALTHY}, target_better=False)
"""What probes say of a fault of a few images in a hundred: nothing."""
COUNTED = replace(
    ARMED, reason=Reason.TAIL_EXCESS, p_value=EXTREME / 10, threshold=1e-4, compared_with=2, findings=UNSEEN
)

healths = st.sampled_from(Health)
findings = st.builds(
    Findings,
    suspects=st.dictionaries(st.sampled_from("abc"), healths),
    target=healths,
    target_better=st.booleans(),
    afresh=st.none() | healths,
    afresh_better=st.booleans(),
    broken=st.integers(0, 3),
    target_broken=st.integers(0, 1),
)
facts = st.builds(
    Facts,
    mode=st.sampled_from(PolicyMode),
    reason=st.sampled_from(Reason),
    target=st.none() | st.integers(1, 9),
    now=st.just(NOW),
    brakes=st.builds(
        Brakes,
        stopped=st.booleans(),
        most_per_hour=st.integers(1, 3),
        automatic=st.lists(st.timedeltas(timedelta(0), timedelta(hours=2)).map(lambda age: NOW - age), max_size=4),
        target=st.sampled_from(Fitness),
    ),
    p_value=st.none() | st.sampled_from([1e-12, 1e-7, 0.01]),
    threshold=st.none() | st.just(1e-6),
    compared_with=st.none() | st.integers(1, 9),
    slice=st.none() | st.builds(Slice, st.sampled_from(["replica", "adapter", "tenant"]), st.none() | st.just("r7")),
    can_probe=st.booleans(),
    findings=st.none() | findings,
)


def test_an_armed_policy_rolls_back_what_probes_confirm() -> None:
    assert decide(ARMED) == (Action.ROLL_BACK, Why.CONFIRMED)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"mode": PolicyMode.OBSERVE}, (Action.NOTHING, Why.OBSERVING)),
        ({"mode": PolicyMode.RECOMMEND}, (Action.RECOMMEND, Why.CONFIRMED)),
        ({"target": None}, (Action.NOTHING, Why.NO_TARGET)),
        ({"reason": Reason.ERROR_RATE_UP}, (Action.RECOMMEND, Why.NOT_THE_VERSION)),
        ({"reason": Reason.LATENCY_UP}, (Action.RECOMMEND, Why.NOT_THE_VERSION)),
        ({"reason": Reason.PROMPT_DRIFT}, (Action.RECOMMEND, Why.NOT_THE_VERSION)),
        ({"brakes": Brakes(automatic=[NOW - timedelta(minutes=5)])}, (Action.RECOMMEND, Why.COOLING_DOWN)),
        ({"brakes": Brakes(automatic=[NOW - COOLDOWN])}, (Action.ROLL_BACK, Why.CONFIRMED)),
        (
            {"brakes": Brakes(most_per_hour=2, automatic=[NOW - timedelta(minutes=5)])},
            (Action.ROLL_BACK, Why.CONFIRMED),
        ),
        ({"brakes": Brakes(stopped=True)}, (Action.RECOMMEND, Why.STOPPED)),
        ({"brakes": Brakes(target=Fitness.QUARANTINED)}, (Action.HOLD, Why.QUARANTINED)),
        ({"brakes": Brakes(target=Fitness.CHANGED)}, (Action.HOLD, Why.CHANGED)),
        ({"brakes": Brakes(target=Fitness.UNVERIFIED)}, (Action.HOLD, Why.UNVERIFIED)),
        ({"brakes": Brakes(target=Fitness.FLAPS)}, (Action.HOLD, Why.FLAPPING)),
        ({"slice": Slice("replica", "r7")}, (Action.TAKE_OUT, Why.ONE_PLACE)),
        ({"slice": Slice("tenant", "acme")}, (Action.RECOMMEND, Why.ONE_PART)),
    ],
)
def test_one_fact_is_enough_to_hold_it_back(changed: dict[str, object], expected: tuple[Action, Why]) -> None:
    assert decide(replace(ARMED, **changed)) == expected  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (replace(CONFIRMED, suspects={"one": Health.HEALTHY}), (Action.HOLD, Why.PROBES_HEALTHY)),
        (replace(CONFIRMED, suspects={"one": Health.INCONCLUSIVE}), (Action.HOLD, Why.PROBES_INCONCLUSIVE)),
        (replace(CONFIRMED, suspects={"one": Health.ERROR}), (Action.HOLD, Why.PROBES_INCONCLUSIVE)),
        (replace(CONFIRMED, suspects={}), (Action.HOLD, Why.PROBES_INCONCLUSIVE)),
        (replace(CONFIRMED, target=Health.DEGRADED), (Action.HOLD, Why.ENVIRONMENT)),
        (replace(CONFIRMED, target=Health.INCONCLUSIVE), (Action.HOLD, Why.TARGET_UNKNOWN)),
        (replace(CONFIRMED, afresh_better=True), (Action.HOLD, Why.RELOAD_HELPS)),
        (replace(CONFIRMED, afresh=Health.INCONCLUSIVE), (Action.HOLD, Why.RELOAD_UNKNOWN)),
        (replace(CONFIRMED, afresh=Health.DEGRADED), (Action.ROLL_BACK, Why.CONFIRMED)),
        (replace(CONFIRMED, target_better=False), (Action.HOLD, Why.NO_BETTER)),
        (
            replace(CONFIRMED, suspects={"one": Health.DEGRADED, "two": Health.HEALTHY}),
            (Action.TAKE_OUT, Why.ONE_REPLICA),
        ),
        (
            replace(CONFIRMED, suspects={"one": Health.DEGRADED, "two": Health.INCONCLUSIVE}),
            (Action.ROLL_BACK, Why.CONFIRMED),
        ),
    ],
)
def test_probes_decide(said: Findings, expected: tuple[Action, Why]) -> None:
    assert decide(replace(ARMED, findings=said)) == expected


def test_before_the_probes_an_armed_policy_asks_for_them_and_another_recommends() -> None:
    assert decide(ALARMED) == (Action.PROBE, Why.UNCONFIRMED)
    assert decide(replace(ALARMED, can_probe=False)) == (Action.RECOMMEND, Why.CANNOT_PROBE)
    assert decide(replace(ALARMED, mode=PolicyMode.RECOMMEND)) == (Action.RECOMMEND, Why.NOT_ARMED)


def test_a_count_without_doubt_stands_in_for_a_confirmation_of_the_version_only() -> None:
    assert decide(COUNTED) == (Action.ROLL_BACK, Why.EXTREME_COUNT)
    assert decide(replace(COUNTED, p_value=EXTREME))[0] is Action.HOLD
    assert decide(replace(COUNTED, threshold=1e-6))[0] is Action.HOLD  # hardly beyond what any alarm needs
    assert decide(replace(COUNTED, reason=Reason.ALIGNMENT_DOWN))[0] is Action.HOLD
    assert decide(replace(COUNTED, findings=replace(UNSEEN, target=Health.INCONCLUSIVE)))[0] is Action.HOLD


@pytest.mark.parametrize("against", [None, 3, 1])
def test_a_count_tells_of_going_back_only_if_it_is_against_what_one_would_go_back_to(against: int | None) -> None:
    # Against nothing that is known, against the version's own baseline, and against another version's.
    odd = replace(COUNTED, p_value=1e-25, compared_with=against)
    assert decide(odd) == (Action.HOLD, Why.PROBES_HEALTHY)
    assert decide(replace(odd, findings=CONFIRMED)) == (Action.ROLL_BACK, Why.CONFIRMED)


def test_what_breaks_on_the_version_to_go_back_to_as_well_is_no_reason_to_go_back() -> None:
    assert decide(replace(COUNTED, findings=replace(UNSEEN, target_broken=1)))[0] is Action.HOLD


def test_blank_images_are_a_reason_once_probes_that_nobody_asked_for_turn_blank_too() -> None:
    blank = replace(COUNTED, reason=Reason.BLANK_RATE_UP)
    assert decide(blank) == (Action.HOLD, Why.PROBES_HEALTHY)
    few = replace(UNSEEN, broken=BLANK_PROBES - 1)
    assert decide(replace(blank, findings=few)) == (Action.HOLD, Why.PROBES_HEALTHY)
    enough = replace(UNSEEN, broken=BLANK_PROBES)
    assert decide(replace(blank, findings=enough)) == (Action.ROLL_BACK, Why.EXTREME_COUNT)


@given(facts)
def test_a_rollback_takes_an_armed_policy_a_target_and_an_image_fault_of_all_traffic(known: Facts) -> None:
    action, _ = decide(known)
    if action is Action.ROLL_BACK:
        assert known.mode is PolicyMode.AUTO
        assert known.target is not None
        assert known.reason in VERSION_FAULTS
        assert known.slice is None


@given(facts)
def test_no_evidence_releases_a_brake(known: Facts) -> None:
    action, _ = decide(known)
    if action in (Action.ROLL_BACK, Action.PROBE):
        assert not known.brakes.stopped
        assert known.brakes.target is Fitness.FIT
        assert sum(NOW - at < COOLDOWN for at in known.brakes.automatic) < known.brakes.most_per_hour


@given(facts, st.sampled_from(PolicyMode))
def test_a_stop_only_ever_takes_acts_away(known: Facts, mode: PolicyMode) -> None:
    free, stopped = (
        decide(replace(known, mode=mode, brakes=replace(known.brakes, stopped=stop)))[0] for stop in (False, True)
    )
    assert stopped is free or free in (Action.ROLL_BACK, Action.PROBE)


@given(facts)
def test_inconclusive_and_error_never_roll_back(known: Facts) -> None:
    action, why = decide(known)
    if action is Action.ROLL_BACK:
        assert known.findings is not None
        assert known.findings.target is Health.HEALTHY
        if why is Why.EXTREME_COUNT:
            assert known.p_value is not None
            assert known.p_value < EXTREME
            assert known.compared_with == known.target
            assert known.findings.target_broken == 0
        else:
            assert Health.DEGRADED in known.findings.suspects.values()
            assert Health.HEALTHY not in known.findings.suspects.values()
            assert known.findings.target_better
            assert known.findings.afresh in (None, Health.HEALTHY, Health.DEGRADED)


@given(facts, st.sampled_from([Health.INCONCLUSIVE, Health.ERROR]))
def test_knowing_less_never_leads_to_a_rollback(known: Facts, unknown: Health) -> None:
    if known.findings is None or decide(known)[0] is Action.ROLL_BACK:
        return
    for less in (
        replace(known.findings, target=unknown),
        replace(known.findings, suspects=dict.fromkeys(known.findings.suspects, unknown)),
    ):
        assert decide(replace(known, findings=less))[0] is not Action.ROLL_BACK


@given(facts, st.sampled_from(sorted(PLACES)))
def test_one_place_is_never_a_reason_to_go_back(known: Facts, attribute: str) -> None:
    assert decide(replace(known, slice=Slice(attribute, "x")))[0] in (Action.NOTHING, Action.TAKE_OUT)
