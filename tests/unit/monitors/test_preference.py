"""Which of two rounds of the same probes does better."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitors.preference import Departures, better, departures
from monitors.probes import Made, Outputs
from monitors.scan import Rule

PLACES = range(128)


def departed(
    loss: float = 0.0,
    *,
    move: float = 0.1,
    noise: float = 0.05,
    broken: int = 0,
    seed: int = 0,
    rule: Rule = Rule.WORSE,
) -> Departures:
    rng = np.random.default_rng(seed)
    changes, lengths = rng.normal(-loss, noise, 128), np.abs(rng.normal(move, noise, 128))
    bad = dict.fromkeys(PLACES, False) | dict.fromkeys(range(broken), True)
    return Departures(
        rule,
        {place: None if bad[place] else float(changes[place]) for place in PLACES},
        {place: None if bad[place] else float(lengths[place]) for place in PLACES},
        bad,
    )


def test_what_loses_less_alignment_does_better() -> None:
    good, bad = departed(), departed(0.05, seed=1)
    assert better(good, bad) < 1e-3
    assert better(bad, good) > 0.5


def test_what_spoils_both_alike_is_no_reason_to_prefer_either() -> None:
    one, other = departed(0.1, move=0.5, rule=Rule.ANY_CHANGE), departed(0.1, move=0.5, seed=1, rule=Rule.ANY_CHANGE)
    assert better(one, other) > 0.01
    assert better(other, one) > 0.01


def test_what_breaks_fewer_images_does_better() -> None:
    assert better(departed(), departed(broken=20, seed=1)) < 1e-3
    assert better(departed(broken=20), departed(seed=1)) > 0.5


def test_lying_nearer_to_the_stored_outputs_counts_where_any_change_does() -> None:
    near, far = departed(rule=Rule.ANY_CHANGE), departed(move=0.4, seed=1, rule=Rule.ANY_CHANGE)
    assert better(near, far) < 1e-3
    assert better(departed(), departed(move=0.4, seed=1)) > 0.01


def test_nothing_in_common_is_no_evidence() -> None:
    nothing = Departures(Rule.WORSE, {}, {}, {})
    assert better(departed(), nothing) == better(nothing, departed()) == 1.0


def test_two_rounds_of_one_version_are_preferred_no_more_often_than_promised() -> None:
    rounds, alpha = 300, 0.05
    found = [
        better(departed(seed=2 * i, rule=Rule.ANY_CHANGE), departed(seed=2 * i + 1, rule=Rule.ANY_CHANGE))
        for i in range(1, rounds)
    ]
    assert sum(p <= alpha for p in found) <= alpha * rounds + 3 * np.sqrt(alpha * rounds)


@given(st.integers(0, 128))
def test_documents_carry_everything(broken: int) -> None:
    known = departed(broken=broken)
    assert Departures.from_dict(known.to_dict()) == known


def test_departures_are_read_off_outputs() -> None:
    unit = np.eye(4, dtype=np.float32)
    stored = Outputs([Made.GOOD] * 4, unit, np.full(4, 0.8))
    now = Outputs(
        [Made.GOOD, Made.BROKEN, Made.MISSING, Made.GOOD],
        np.vstack([unit[1], np.full((2, 4), np.nan, np.float32), unit[3]]).astype(np.float32),
        np.array([0.5, np.nan, np.nan, 0.8]),
    )
    found = departures(now, stored, (7, 8, 9, 10), Rule.WORSE)
    assert found.broken == {7: False, 8: True, 9: False, 10: False}
    assert [round(value, 3) if value is not None else None for value in found.alignment.values()] == [
        -0.3,
        None,
        None,
        0,
    ]
    assert found.moved[7] is not None
    assert round(found.moved[7], 3) == 1.414
