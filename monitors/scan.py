"""The question asked at every tick: do the newest generations, given their prompts, still look as they did?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from scipy import stats

from monitors.hypotheses import (
    Outcome,
    detectable_effect,
    directed_decline,
    independent_size,
    mean_change,
    reference_size,
    tail_excess,
)
from monitors.lens import Lens
from monitors.sketch import DifferentLens, Sketch
from monitors.verdict import Health, Json, Reason, Verdict
from monitors.windows import Bucket, Window, dyadic_windows, spoken

TESTS_PER_WINDOW = 2  # of means, and of tails: what a false-alarm budget is divided by, besides the windows
MIN_GENERATIONS = 100
_UNSEEN_SHARE = 0.1


class Rule(StrEnum):
    ANY_CHANGE = "any_change"  # against the version's own lens
    WORSE = "worse"  # against the lens of the version it replaced: another style is a change that a person accepts


@dataclass(frozen=True)
class _Finding:
    window: Window[Sketch]
    sketch: Sketch
    outcome: Outcome
    sizes: dict[str, Json]


def scan(
    lens: Lens,
    buckets: Sequence[Bucket[Sketch]],
    *,
    alpha: float,
    width: timedelta,
    longest: timedelta,
    since: datetime | None = None,
    rule: Rule = Rule.ANY_CHANGE,
) -> Verdict:
    """Test every dyadic window that ends with the newest bucket, is no longer than `longest` and begins after `since`.

    Degraded if any test of any window falls below `alpha`. Otherwise inconclusive when no window holds enough
    generations, or when too many of one ask for what the baseline has never seen. Raises DifferentLens for sketches
    that another lens made.
    """
    windows = dyadic_windows(buckets, width, longest, since)
    filled = [(window, window.content) for window in windows if window.content is not None]
    if any(sketch.lens_digest != lens.digest for _, sketch in filled):
        raise DifferentLens("these sketches were made through another lens")
    findings = [
        _examine(lens, window, sketch, alpha, rule)
        for window, sketch in filled
        if independent_size(lens, sketch) >= MIN_GENERATIONS
    ]
    worst = min(findings, key=lambda finding: (finding.outcome.p_value, finding.window.seconds), default=None)
    if worst is not None and worst.outcome.p_value < alpha:
        return _verdict(Health.DEGRADED, worst.outcome.reason, worst, alpha, _alarm_sentence(worst))
    for window, sketch in filled:
        if sketch.n >= MIN_GENERATIONS and stats.binom.sf(sketch.unseen - 1, sketch.n, _UNSEEN_SHARE) < alpha:
            return _unseen(window, sketch)
    if worst is None:
        return _too_few(filled)
    found = "no worse than" if rule is Rule.WORSE else "as"
    summary = (
        f"Images, given their prompts, are {found} at the baseline, within our uncertainty: in the last "
        f"{spoken(findings[0].window.seconds)} and in every longer window."
    )
    return _verdict(Health.HEALTHY, Reason.WITHIN_BUDGET, worst, alpha, summary)


def _examine(lens: Lens, window: Window[Sketch], sketch: Sketch, alpha: float, rule: Rule) -> _Finding:
    independent = independent_size(lens, sketch)
    reference = reference_size(lens, sketch.cluster_counts)
    test_means = directed_decline if rule is Rule.WORSE else mean_change
    means = test_means(lens, sketch, independent, reference)
    tails = tail_excess(lens, sketch, independent, reference, worse_only=rule is Rule.WORSE)
    sizes: dict[str, Json] = {
        "independent_generations": independent,
        "reference_generations": reference,
        "detectable_effect": detectable_effect(lens, independent, reference, alpha),
        "unseen": sketch.unseen,
        "p_means": means.p_value,
        "p_tails": tails.p_value,
    }
    # What all images do is said before what a few do, where both are beyond doubt.
    worst = means if means.p_value < alpha else min(means, tails, key=lambda outcome: outcome.p_value)
    return _Finding(window, sketch, worst, sizes)


def _alarm_sentence(finding: _Finding) -> str:
    outcome, ago = finding.outcome, f"In the last {spoken(finding.window.seconds)}"
    match outcome.reason:
        case Reason.CONDITIONAL_DRIFT:
            return f"{ago} images, given their prompts, differ from the baseline by more than our uncertainty."
        case Reason.TAIL_EXCESS:
            found = outcome.evidence
            return (
                f"{ago} {found['observed']:.2%} of {finding.sketch.judged} images were extreme in {found['tail']}, "
                f"given their prompts; the baseline allows for {found['limit']:.2%}."
            )
        case Reason.ALIGNMENT_DOWN:
            return (
                f"{ago} images fit their prompts {outcome.effect:.2f} standard deviations worse than at the baseline."
            )
        case _:
            return f"{ago} a quality signal is {outcome.effect:.2f} standard deviations worse than at the baseline."


def _verdict(health: Health, reason: Reason, finding: _Finding, alpha: float, summary: str) -> Verdict:
    outcome = finding.outcome
    return Verdict(
        health,
        reason,
        summary,
        effect=outcome.effect,
        p_value=outcome.p_value,
        threshold=alpha,
        window_seconds=finding.window.seconds,
        n=finding.sketch.n,
        evidence={
            **outcome.evidence,
            **finding.sizes,
            "allowance": outcome.allowance,
            "window_start": finding.window.start.isoformat(),
        },
    )


def _unseen(window: Window[Sketch], sketch: Sketch) -> Verdict:
    share = sketch.unseen / sketch.n
    return Verdict(
        Health.INCONCLUSIVE,
        Reason.UNSEEN_PROMPTS,
        f"In the last {spoken(window.seconds)} {share:.0%} of {sketch.n} generations asked for what the baseline has "
        f"never seen and cannot be judged. Make a newer baseline.",
        effect=share,
        threshold=_UNSEEN_SHARE,
        window_seconds=window.seconds,
        n=sketch.n,
        evidence={"unseen": sketch.unseen},
    )


def _too_few(filled: Sequence[tuple[Window[Sketch], Sketch]]) -> Verdict:
    most = max((sketch.n for _, sketch in filled), default=0)
    return Verdict(
        Health.INCONCLUSIVE,
        Reason.TOO_FEW_GENERATIONS,
        f"{most} generations so far; at least {MIN_GENERATIONS} that do not repeat each other's prompts are needed.",
        window_seconds=filled[-1][0].seconds if filled else None,
        n=most,
    )
