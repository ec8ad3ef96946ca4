"""The promise of the paired tests: P[p <= a] <= a, however odd the differences, and a say where there is something."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from monitors.paired import decrease, more_often, shift, sign_flips

LEVELS = (0.2, 0.05, 0.01)


def differences(kind: str, rng: np.random.Generator, size: tuple[int, ...]) -> NDArray[np.float64]:
    """Differences of exchangeable pairs: each is as likely as its negative."""
    match kind:
        case "gaussian":
            return rng.standard_normal(size)
        case "cauchy":
            return rng.standard_cauchy(size)
        case "rounded":
            return np.round(rng.standard_normal(size))
        case "mostly nothing":
            return rng.standard_normal(size) * (rng.random(size[0]).reshape(-1, *[1] * (len(size) - 1)) < 0.2)
        case _:
            lengths = rng.exponential(size=size[0]).reshape(-1, *[1] * (len(size) - 1))
            return rng.choice((-1.0, 1.0), size=(size[0], *[1] * (len(size) - 1))) * lengths * np.ones(size)


KINDS = ("gaussian", "cauchy", "rounded", "mostly nothing", "one direction")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [9, 40])
def test_a_healthy_pair_alarms_no_more_often_than_promised(kind: str, n: int) -> None:
    rng = np.random.default_rng(3)
    rounds = 400 if n > 14 else 1500
    shifts = np.array([shift(differences(kind, rng, (n, 3))).p_value for _ in range(rounds)])
    losses = np.array([decrease(differences(kind, rng, (n,))).p_value for _ in range(rounds)])
    for level in LEVELS:
        most = stats.binom.ppf(1 - 1e-4, rounds, level)
        assert (shifts <= level).sum() <= most
        assert (losses <= level).sum() <= most


@given(st.integers(1, 60))
def test_signs_form_a_group(n: int) -> None:
    patterns = sign_flips(n)
    keys = {row.tobytes() for row in np.sign(patterns)}
    assert (patterns[0] == 1).all()
    rng = np.random.default_rng(n)
    for _ in range(5):
        a, b = rng.integers(len(patterns), size=2)
        assert (patterns[a] * patterns[b]).tobytes() in keys


def test_a_small_sample_agrees_with_all_permutations_of_scipy() -> None:
    values = np.array([-0.4, -0.1, -0.3, 0.05, -0.2, -0.25, -0.15, 0.1])
    exact = stats.permutation_test(
        (values, np.zeros(8)), lambda a, b: np.mean(a - b), permutation_type="samples", alternative="less"
    )
    assert decrease(values).p_value == pytest.approx(2 * exact.pvalue)


def test_overwhelming_evidence_is_not_held_back_by_the_number_of_patterns() -> None:
    rng = np.random.default_rng(0)
    assert decrease(-0.3 + 0.05 * rng.standard_normal(128)).p_value < 1e-20
    assert shift(np.array([0.2, 0, 0]) + 0.05 * rng.standard_normal((128, 3))).p_value < 1e-20


def test_the_effect_of_a_shift_is_freed_from_chance() -> None:
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((200, 64)) / 8
    assert shift(noise).effect < 0.03
    assert shift(noise + np.eye(64)[0] * 0.2).effect == pytest.approx(0.2, abs=0.02)


def test_many_dimensions_and_few_give_the_same_answer() -> None:
    rows = 0.05 + np.random.default_rng(2).standard_normal((20, 8)) / 8
    padded = np.hstack([rows, np.zeros((20, 40))])
    assert shift(padded).p_value == shift(rows).p_value
    assert shift(padded).effect == pytest.approx(shift(rows).effect)


def test_a_gain_is_no_decrease() -> None:
    assert decrease(np.full(30, 0.1)).p_value == 1.0


@given(
    st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=2, max_size=12),
    st.floats(0, 0.5, allow_subnormal=False),
)
def test_a_margin_only_ever_raises_the_p_value(values: list[float], margin: float) -> None:
    strict, lenient = decrease(np.array(values)), decrease(np.array(values), margin)
    assert lenient.p_value >= strict.p_value - 1e-9
    assert lenient.effect == strict.effect


@given(st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=1, max_size=40))
def test_order_and_scale_change_nothing_in_a_small_sample(values: list[float]) -> None:
    rows = np.array(values[:12])
    turned = np.random.default_rng(0).permutation(rows) * 4.0
    assert decrease(turned).p_value == pytest.approx(decrease(rows).p_value)


def test_identical_outputs_say_nothing() -> None:
    assert (shift(np.zeros((16, 4))).p_value, decrease(np.zeros(16)).p_value) == (1.0, 1.0)


def test_turning_bad_is_held_against_turning_good() -> None:
    assert more_often(0, 5) == 1.0
    assert more_often(5, 0) == pytest.approx(1 / 32)
    assert more_often(3, 3) == pytest.approx(stats.binomtest(3, 6, 0.5, alternative="greater").pvalue)
