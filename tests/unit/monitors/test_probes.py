"""Probes held against stored outputs: identical, changed, worse, or not to be told."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitors.probes import (
    MIN_PAIRS,
    Comparison,
    Made,
    Outputs,
    Repeatability,
    assess,
    compare,
    drop,
    pixel_distance,
    repeatability,
)
from monitors.scan import Rule
from monitors.verdict import Health, Reason, Verdict

DIMENSIONS = 24
EXACT = Repeatability(32, 0.0, 0.0001, 0.0, 0.0001, 1.2)
NOISY = Repeatability(32, 1.5, 3.0, 0.05, 0.1, 1.2)


def outputs(n: int = 64, *, noise: float = 0.0, loss: float = 0.0, move: float = 0.0, seed: int = 1) -> Outputs:
    """The same probes each time; `seed` draws what differs."""
    fixed, rng = np.random.default_rng(0), np.random.default_rng(seed)
    images = fixed.standard_normal((n, DIMENSIONS)) + noise * rng.standard_normal((n, DIMENSIONS))
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    images[:, 0] += move
    alignments = fixed.uniform(0.25, 0.35, n) + noise * 0.05 * rng.standard_normal(n) - loss
    return Outputs([Made.GOOD] * n, images.astype(np.float32), alignments)


def spoilt(stored: Outputs, made: Made, count: int) -> Outputs:
    images, alignments = stored.images.copy(), stored.alignments.copy()
    images[:count], alignments[:count] = np.nan, np.nan
    return Outputs([made] * count + list(stored.made[count:]), images, alignments)


def none_changed(n: int = 64) -> NDArray[np.float64]:
    return np.zeros(n)


def answer(comparison: Comparison, alpha: float = 1e-3) -> tuple[Health, Reason]:
    verdict = assess(comparison, alpha)
    return verdict.health, verdict.reason


def test_identical_outputs_are_healthy_and_said_to_be_identical() -> None:
    found = compare(outputs(), outputs(), rule=Rule.ANY_CHANGE, pixels=none_changed(), tolerance=EXACT)
    assert answer(found) == (Health.HEALTHY, Reason.WITHIN_BUDGET)
    assert "to the pixel" in assess(found, 1e-3).summary
    assert not found.suspicious


def test_one_changed_image_is_a_finding_where_an_engine_repeats_itself() -> None:
    pixels = none_changed()
    pixels[3] = 0.5
    found = compare(outputs(), outputs(), rule=Rule.ANY_CHANGE, pixels=pixels, tolerance=EXACT)
    assert answer(found, 1e-9) == (Health.DEGRADED, Reason.PROBE_CHANGED)
    assert (found.changed, found.largest_pixel_difference) == (1, 0.5)


def test_rounding_is_no_change() -> None:
    pixels = np.full(64, 0.0002)
    found = compare(outputs(), outputs(), rule=Rule.ANY_CHANGE, pixels=pixels, tolerance=EXACT)
    assert (found.changed, answer(found)[0]) == (0, Health.HEALTHY)


def test_an_engine_that_does_not_repeat_itself_is_held_to_its_own_repetitions() -> None:
    rng = np.random.default_rng(0)
    repeated = rng.gamma(4, 0.4, 64)

    def comparison(pixels: NDArray[np.float64]) -> Comparison:
        return compare(
            outputs(noise=0.05), outputs(), rule=Rule.ANY_CHANGE, pixels=pixels, tolerance=NOISY, repeated=repeated
        )

    assert answer(comparison(rng.gamma(4, 0.4, 64)))[0] is Health.HEALTHY
    assert answer(comparison(rng.gamma(4, 1.2, 64))) == (Health.DEGRADED, Reason.PROBE_CHANGED)


def test_images_of_another_device_are_not_compared_to_the_pixel() -> None:
    found = compare(outputs(noise=0.02), outputs(), rule=Rule.ANY_CHANGE)
    assert found.changed is None
    assert answer(found)[0] is Health.HEALTHY


def test_lost_alignment_is_worse() -> None:
    found = compare(outputs(noise=0.1, loss=0.05), outputs(), rule=Rule.WORSE)
    assert answer(found, 1e-5) == (Health.DEGRADED, Reason.PROBE_WORSE)


def test_a_new_style_is_a_change_but_nothing_worse() -> None:
    restyled = outputs(noise=0.1, move=0.2)
    assert answer(compare(restyled, outputs(), rule=Rule.ANY_CHANGE)) == (Health.DEGRADED, Reason.PROBE_CHANGED)
    assert answer(compare(restyled, outputs(), rule=Rule.WORSE))[0] is Health.HEALTHY


def test_images_that_break_are_worse_and_lost_ones_are_not() -> None:
    broken = compare(spoilt(outputs(), Made.BROKEN, 30), outputs(), rule=Rule.WORSE)
    assert answer(broken, 1e-5) == (Health.DEGRADED, Reason.PROBE_WORSE)
    lost = compare(spoilt(outputs(), Made.MISSING, 30), outputs(), rule=Rule.WORSE)
    assert answer(lost)[0] is Health.HEALTHY


def test_what_was_broken_before_is_no_news() -> None:
    before = spoilt(outputs(), Made.BROKEN, 30)
    assert answer(compare(before, before, rule=Rule.WORSE))[0] is Health.HEALTHY


@pytest.mark.parametrize("made", list(Made))
def test_nothing_to_compare_is_inconclusive(made: Made) -> None:
    few = outputs(MIN_PAIRS - 1)
    assert answer(compare(few, few, rule=Rule.ANY_CHANGE)) == (Health.INCONCLUSIVE, Reason.PROBES_MISSING)
    gone = spoilt(outputs(), Made.MISSING, 60)
    assert answer(compare(gone, spoilt(outputs(), made, 60), rule=Rule.ANY_CHANGE))[0] is Health.INCONCLUSIVE


def test_an_engine_that_ignores_seeds_cannot_be_called_healthy() -> None:
    careless = replace(NOISY, embedding_median=0.9)
    found = compare(outputs(), outputs(), rule=Rule.ANY_CHANGE, pixels=none_changed(), tolerance=careless)
    assert answer(found) == (Health.INCONCLUSIVE, Reason.NOT_REPEATABLE)


@pytest.mark.parametrize("n", [16, 48])
def test_healthy_probes_alarm_no_more_often_than_promised(n: int) -> None:
    alpha, rounds = 0.05, 300
    found = [
        compare(
            outputs(n, noise=0.6, seed=2 * i),
            outputs(n, noise=0.6, seed=2 * i + 1),
            rule=Rule.ANY_CHANGE,
        )
        for i in range(1, rounds)
    ]
    alarms = sum(assess(each, alpha).health is Health.DEGRADED for each in found)
    assert alarms <= alpha * rounds + 3 * np.sqrt(alpha * rounds)


@given(st.floats(1e-9, 0.5), st.floats(1e-9, 0.5), st.sampled_from(Rule), st.integers(0, 64), st.integers(0, 64))
def test_a_stricter_level_never_finds_more(a: float, b: float, rule: Rule, broken: int, missing: int) -> None:
    found = Comparison(rule, 64, missing, broken, 0, None, None, 0.1, -0.1, 0.003, 0.004)
    strict, lenient = assess(found, min(a, b)).health, assess(found, max(a, b)).health
    assert not (strict is Health.DEGRADED and lenient is not Health.DEGRADED)


def test_comparisons_and_repeatability_survive_their_documents() -> None:
    found = compare(outputs(loss=0.01), outputs(), rule=Rule.WORSE, pixels=none_changed(), tolerance=EXACT)
    assert Comparison.from_dict(found.to_dict()) == found
    assert Repeatability.from_dict(EXACT.to_dict()) == EXACT
    verdict = assess(found, 1e-3)
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_repeatability_is_read_off_two_outputs() -> None:
    pixels = np.array([0.0, 0.01] * 32)
    found = repeatability(outputs(), outputs(noise=0.01), pixels)
    assert found is not None
    assert (found.n, found.pixel_max, found.exact, found.usable) == (64, 0.01, True, True)
    assert repeatability(outputs(4), outputs(4), np.zeros(4)) is None
    reseeded = repeatability(outputs(), outputs(noise=50.0), np.full(64, 60.0))
    assert reseeded is not None
    assert not reseeded.usable


def test_the_drop_of_other_words_has_an_interval() -> None:
    rng = np.random.default_rng(0)
    plain = rng.uniform(0.6, 0.8, 40)
    found = drop(plain, plain - 0.1 + 0.02 * rng.standard_normal(40))
    assert found is not None
    assert found.low < 0.1 < found.high
    assert found.high - found.low < 0.03
    assert drop(plain[:3], plain[:3]) is None


def test_pixel_distance_is_a_mean_over_levels() -> None:
    black, grey = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 10, np.uint8)
    assert pixel_distance(black, grey) == pixel_distance(grey, black) == 10.0
    assert pixel_distance(black, np.zeros((8, 8, 3), np.uint8)) == 255.0


def test_outputs_of_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="one entry"):
        Outputs([Made.GOOD], np.zeros((2, 3), np.float32), np.zeros(1))
