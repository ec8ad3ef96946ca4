import numpy as np
import pytest
from numpy.typing import NDArray

from monitors.estimates import Estimate, TooFew
from monitors.frechet import Moments
from monitors.vendi import diversity, diversity_change, vendi_score


def _draw(seed: int, n: int, spread: NDArray[np.float64]) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal((n, len(spread))) * spread).astype(np.float32)


def _keys(seed: int, n: int) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**63, n, dtype=np.uint64)


def test_it_is_the_entropy_of_the_kernel_matrix_of_the_images_themselves() -> None:
    rows = _draw(0, 60, np.array([1.0, 0.5, 0.2, 0.1]))
    centred = rows - rows.mean(axis=0)
    values = np.linalg.eigvalsh(centred @ centred.T)
    shares = values[values > 1e-9] / values[values > 1e-9].sum()
    assert vendi_score(Moments.of(rows)) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-5)


def test_its_ends_are_one_direction_and_all_of_them() -> None:
    assert vendi_score(Moments.of(_draw(1, 50_000, np.ones(8)))) == pytest.approx(8.0, abs=0.01)
    one = np.outer(np.linspace(-1, 1, 300), np.ones(8)).astype(np.float32)
    assert vendi_score(Moments.of(one)) == pytest.approx(1.0)
    assert vendi_score(Moments.of(np.ones((300, 8), np.float32))) == 1.0


def test_a_collapse_is_seen_beyond_the_interval() -> None:
    usual, narrow = np.ones(8), np.array([1.0, 1.0, 1.0, 0.3, 0.3, 0.3, 0.3, 0.3])
    wide, collapsed = (diversity(_draw(2, 900, s), _keys(3, 900), 800) for s in (usual, narrow))
    assert isinstance(wide, Estimate)
    assert isinstance(collapsed, Estimate)
    assert wide.n == collapsed.n == 800
    assert collapsed.high < wide.low


def test_fewer_than_the_common_number_give_no_figure() -> None:
    assert diversity(_draw(4, 300, np.ones(8)), _keys(4, 300), 500) == TooFew(300, 500)
    assert diversity(_draw(4, 300, np.ones(8)), _keys(4, 300), 100) == TooFew(100, 200)


def test_the_change_on_the_same_prompts_is_the_difference_of_the_scores() -> None:
    wide, narrow = _draw(5, 600, np.ones(8)), _draw(6, 600, np.linspace(1.0, 0.1, 8))
    fell = diversity_change(wide, narrow, _keys(7, 600))
    assert isinstance(fell, Estimate)
    plain = vendi_score(Moments.of(narrow)) - vendi_score(Moments.of(wide))
    assert fell.value == pytest.approx(plain, abs=0.1)
    assert fell.high < -1
    same = diversity_change(wide, _draw(8, 600, np.ones(8)), _keys(7, 600))
    assert isinstance(same, Estimate)
    assert same.low < 0 < same.high
    assert diversity_change(wide[:50], narrow[:50], _keys(7, 50)) == TooFew(50, 200)
