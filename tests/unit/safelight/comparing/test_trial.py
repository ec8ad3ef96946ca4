import numpy as np
import pytest
from numpy.typing import NDArray

from monitors.probes import Made, Outputs
from safelight.comparing.trial import Conclusion, Drawn, Trial, judge

DIMENSIONS = 16


def _drawn(seed: int, n: int, *, loss: float = 0.0, noise: float = 0.02, broken: int = 0, pace: float = 1.0) -> Drawn:
    """Images of the same prompts: alignment varies by prompt alike for all, and by chance for each."""
    by_prompt, rng = np.random.default_rng(0), np.random.default_rng(seed)
    usual = by_prompt.standard_normal((n, DIMENSIONS))
    images = usual + 0.3 * rng.standard_normal((n, DIMENSIONS))
    alignments = by_prompt.normal(0.3, 0.05, n) - loss + noise * rng.standard_normal(n)
    made = [Made.BROKEN] * broken + [Made.GOOD] * (n - broken)
    alignments[:broken] = np.nan
    vectors = np.asarray(images / np.linalg.norm(images, axis=1, keepdims=True), np.float32)
    return Drawn(Outputs(made, vectors, alignments), pace * rng.uniform(0.9, 1.1, n))


def _keys(n: int) -> NDArray[np.uint64]:
    return np.random.default_rng(1).integers(0, 2**63, n, dtype=np.uint64)


def _judged(new: Drawn, n: int = 400, margin: float = 0.01) -> Trial:
    return judge(_drawn(1, n), new, _keys(n), margin)


def test_the_same_quality_is_not_worse_by_more_than_the_margin() -> None:
    found = _judged(_drawn(2, 400, pace=2.0))
    assert found.conclusion is Conclusion.NOT_WORSE
    assert "not worse by more than 0.01" in found.statement
    assert (found.pairs, found.compared, found.newly_broken) == (400, 400, 0)
    assert found.p_worse > 0.01
    assert found.slowdown.low is not None
    assert found.slowdown.high is not None
    assert found.slowdown.low < 2 < found.slowdown.high
    assert found.diversity_change.low is not None
    assert found.diversity_change.high is not None
    assert found.diversity_change.low < 0 < found.diversity_change.high


def test_a_loss_beyond_the_margin_is_worse() -> None:
    found = _judged(_drawn(2, 400, loss=0.03))
    assert found.conclusion is Conclusion.WORSE
    assert found.p_worse < 1e-3
    assert found.alignment_change.high is not None
    assert found.alignment_change.high < -0.01


def test_a_gain_is_said_to_be_one() -> None:
    found = _judged(_drawn(2, 400, loss=-0.03))
    assert found.conclusion is Conclusion.NOT_WORSE
    assert "and it is better" in found.statement


def test_few_pairs_cannot_tell_and_say_how_many_would() -> None:
    found = _judged(_drawn(2, 60, noise=0.15), n=60)
    assert found.conclusion is Conclusion.CANNOT_TELL
    assert "pairs would settle it" in found.statement
    tiny = _judged(_drawn(2, 12), n=12)
    assert tiny.conclusion is Conclusion.CANNOT_TELL
    assert (tiny.alignment_change.value, tiny.alignment_change.needed) == (None, 30)


def test_images_that_break_are_worse_whatever_the_others_say() -> None:
    found = _judged(_drawn(2, 400, loss=-0.03, broken=8))
    assert found.conclusion is Conclusion.WORSE
    assert (found.newly_broken, found.mended, found.compared) == (8, 0, 392)
    assert found.p_broken == pytest.approx(0.5**8)
    assert found.new.broken_rate.value == pytest.approx(0.02)


def test_a_checkpoint_that_draws_nothing_at_all_is_worse_however_many_were_asked_for() -> None:
    """A chance of one in 2 ** 1200 is nought to a computer."""
    found = _judged(_drawn(2, 1_200, broken=1_200), n=1_200)
    assert (found.conclusion, found.newly_broken) == (Conclusion.WORSE, 1_200)
    assert "less than once in a billion trials" in found.statement


def test_the_same_images_are_the_same() -> None:
    old = _drawn(1, 400)
    found = judge(old, old, _keys(400))
    assert found.conclusion is Conclusion.NOT_WORSE
    assert (found.alignment_change.value, found.embedding_change, found.p_changed) == (0.0, 0.0, 1.0)
