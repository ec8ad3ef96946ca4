"""The promise of the sequential tests: P[ever reject | null] <= alpha whenever one looks, and a say where it counts."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from monitors.sequential import Evidence, Question, Trial, group_means

QUESTION = Question(bound=1.0, tolerance=0.1, margin=0.4)
Draw = Callable[[np.random.Generator, float, int], NDArray[np.float64]]


def two_points(rng: np.random.Generator, mean: float, n: int) -> NDArray[np.float64]:
    return np.where(rng.random(n) < (1 + mean) / 2, 1.0, -1.0)


def rare(rng: np.random.Generator, mean: float, n: int) -> NDArray[np.float64]:
    return (rng.random(n) < mean).astype(float)


def narrow(rng: np.random.Generator, mean: float, n: int) -> NDArray[np.float64]:
    return mean + rng.uniform(-0.1, 0.1, n)


def regime(rng: np.random.Generator, mean: float, n: int) -> NDArray[np.float64]:
    """The spread changes with what came before; the mean does not."""
    spread = np.where(np.cumsum(rng.standard_normal(n)) > 0, 0.5, 0.02)
    return np.asarray(mean + spread * rng.choice((-1.0, 1.0), n))


@pytest.mark.parametrize("draw", [two_points, rare, narrow, regime])
def test_looking_after_every_observation_rejects_no_more_often_than_promised(draw: Draw) -> None:
    rng, rounds = np.random.default_rng(5), 600
    worse, no_worse = [], []
    for _ in range(rounds):
        worse.append(Trial().after(draw(rng, QUESTION.tolerance, 250), QUESTION).worse.p_value)
        no_worse.append(Trial().after(draw(rng, QUESTION.margin, 250), QUESTION).no_worse.p_value)
    for level in (0.2, 0.05):
        most = stats.binom.ppf(1 - 1e-4, rounds, level)
        assert (np.array(worse) <= level).sum() <= most
        assert (np.array(no_worse) <= level).sum() <= most


@pytest.mark.parametrize("bound", [0.1, 0.5])
def test_the_wealth_is_a_fair_game_at_the_bound(bound: float) -> None:
    """Exactly: over all sequences of eight, weighted by their probability, it is 1 on average."""
    high = (1 + bound) / 2
    expected = 0.0
    for sequence in product((1.0, -1.0), repeat=8):
        probability = np.prod([high if each > 0 else 1 - high for each in sequence])
        wealths = Evidence().after(np.array(sequence) - bound, 1 + bound).log_wealths
        expected += probability * np.exp(wealths).mean()
    assert expected == pytest.approx(1.0)


@given(
    losses=st.lists(st.floats(-1, 1), max_size=30),
    cut=st.integers(0, 30),
)
def test_it_does_not_matter_in_how_many_looks_the_same_is_seen(losses: list[float], cut: int) -> None:
    values = np.array(losses)
    at_once = Trial().after(values, QUESTION)
    in_two = Trial().after(values[:cut], QUESTION).after(values[cut:], QUESTION)
    assert in_two.n == at_once.n
    assert in_two.worse.log_wealths == pytest.approx(at_once.worse.log_wealths)
    assert in_two.no_worse.log_peak == pytest.approx(at_once.no_worse.log_peak)
    assert Trial.from_dict(in_two.to_dict()) == in_two


def test_a_plain_loss_is_found_within_a_few_observations_and_a_small_one_within_hundreds() -> None:
    rng = np.random.default_rng(2)
    assert Trial().after(np.full(15, 0.9), QUESTION).worse.p_value < 0.01
    small = Trial().after(0.2 + rng.normal(0, 0.2, 400), QUESTION)
    assert (small.worse.p_value < 0.01, small.no_worse.p_value < 0.01) == (True, True)


def test_no_loss_is_shown_to_be_none_and_nothing_shows_nothing() -> None:
    none = Trial().after(np.zeros(40), QUESTION)
    assert (none.no_worse.p_value < 0.01, none.worse.p_value) == (True, 1.0)
    assert (Trial().mean, Trial().worse.p_value, Trial().no_worse.p_value) == (None, 1.0, 1.0)


def test_what_is_beyond_the_bound_counts_as_the_bound_and_cannot_ruin_a_bet() -> None:
    assert Trial().after(np.array([-50.0]), QUESTION) == Trial().after(np.array([-1.0]), QUESTION)
    with pytest.raises(ValueError, match="may lose more"):
        Evidence().after(np.array([-2.0]), 1.0)


@given(st.integers(0, 40), st.integers(0, 40))
def test_groups_use_all_of_both_samples_and_share_nothing(n: int, m: int) -> None:
    ours, theirs = group_means(np.arange(float(n)), np.arange(float(m)))
    assert len(ours) == len(theirs) == min(n, m)
    assert (np.diff(ours) > 0).all()
    assert (np.diff(theirs) > 0).all()


@pytest.mark.parametrize(("tolerance", "margin"), [(-0.1, 0.4), (0.4, 0.4), (0.1, 1.0)])
def test_a_question_without_an_answer_is_refused(tolerance: float, margin: float) -> None:
    with pytest.raises(ValueError, match="tolerance"):
        Question(1.0, tolerance, margin)
