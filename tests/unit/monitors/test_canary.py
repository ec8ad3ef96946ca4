"""The verdict on a canary: four states, and both kinds of error within what is stated."""

import numpy as np
import pytest
from numpy.typing import NDArray

from monitors.canary import Counts, Judgement, Margins
from monitors.verdict import Health, Reason

MARGINS = Margins(0.05, 0.005, 0.03, 0.01, 0.05)
CLEAN = Counts(200, 0)


def alignments(rng: np.random.Generator, n: int, less: float = 0.0) -> NDArray[np.float64]:
    return rng.normal(0.8 - less, 0.08, n)


def looked(looks: int, *, less: float = 0.0, spoilt: float = 0.0, seed: int = 1) -> Judgement:
    """At a canary that takes a tenth of forty images a look; `less` well aligned, with a share `spoilt`."""
    rng, judgement = np.random.default_rng(seed), Judgement()
    for _ in range(looks):
        judgement = judgement.after_alignments(alignments(rng, 4, less), alignments(rng, 36), MARGINS)
        counts = Counts(4, int(rng.binomial(4, spoilt))), Counts(36, 0)
        judgement = judgement.after_counts(*counts, MARGINS, rng)
    return judgement


def test_before_anything_is_known_nothing_is_said() -> None:
    verdict = Judgement().verdict(MARGINS)
    assert (verdict.health, verdict.n, verdict.effect, verdict.p_value) == (Health.INCONCLUSIVE, 0, None, 1.0)


def test_a_harmless_version_is_shown_to_be_no_worse() -> None:
    verdict = looked(50).verdict(MARGINS)
    assert (verdict.health, verdict.reason) == (Health.HEALTHY, Reason.WITHIN_BUDGET)
    assert "is no worse: alignment with the prompt changed by" in verdict.summary


def test_a_worse_alignment_is_found() -> None:
    verdict = looked(10, less=0.15).verdict(MARGINS)
    assert (verdict.health, verdict.reason) == (Health.DEGRADED, Reason.ALIGNMENT_DOWN)
    assert verdict.effect == pytest.approx(-0.15, abs=0.05)


def test_images_that_nobody_can_use_are_found() -> None:
    verdict = looked(10, spoilt=0.4).verdict(MARGINS)
    assert (verdict.health, verdict.reason) == (Health.DEGRADED, Reason.ERROR_RATE_UP)


def test_a_hundred_comparisons_are_the_fewest_that_pass_at_the_default_margins() -> None:
    same = np.full(101, 0.8)
    assert Judgement().after_pairs(same, same, MARGINS).verdict(MARGINS).health is Health.HEALTHY
    assert Judgement().after_pairs(same[1:], same[1:], MARGINS).verdict(MARGINS).health is Health.INCONCLUSIVE


def test_one_half_that_is_shown_is_no_pass_for_the_other() -> None:
    rng = np.random.default_rng(1)
    only_counted = Judgement().after_counts(CLEAN, CLEAN, MARGINS, rng)
    assert only_counted.verdict(MARGINS).health is Health.INCONCLUSIVE
    assert only_counted.spoilt.no_worse.p_value < MARGINS.alpha


def test_pairs_tell_more_than_as_many_images_of_different_prompts() -> None:
    rng = np.random.default_rng(1)
    serving = alignments(rng, 60)
    paired = Judgement().after_pairs(serving + rng.normal(0, 0.005, 60), serving, MARGINS)
    apart = Judgement().after_alignments(alignments(rng, 60), serving, MARGINS)
    assert paired.alignment.no_worse.p_value < apart.alignment.no_worse.p_value


def test_a_shadow_without_an_image_is_a_spoilt_one_and_no_alignment() -> None:
    new, serving = np.array([np.nan, 0.8, np.nan]), np.array([0.8, 0.8, np.nan])
    judgement = Judgement().after_pairs(new, serving, MARGINS)
    assert (judgement.alignment.n, judgement.spoilt.n, judgement.spoilt.total) == (1, 3, 1.0)


def test_a_harmless_version_is_called_off_no_more_often_than_stated() -> None:
    called_off = sum(looked(25, seed=seed).verdict(MARGINS).health is Health.DEGRADED for seed in range(40))
    assert called_off <= 6  # 2 are expected at most


def test_a_version_as_bad_as_the_margin_is_passed_no_more_often_than_stated() -> None:
    passed = sum(looked(25, less=0.03, seed=seed).verdict(MARGINS).health is Health.HEALTHY for seed in range(40))
    assert passed <= 6


def test_a_judgement_is_kept_as_a_document() -> None:
    judgement = looked(3, less=0.1)
    assert Judgement.from_dict(judgement.to_dict()) == judgement
