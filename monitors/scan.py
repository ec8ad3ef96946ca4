"""The question asked at every tick: do the newest generations, given their prompts, still look as they did?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitors.hypotheses import (
    Array,
    Outcome,
    departures,
    directed_decline,
    directed_scalars,
    expected_rates,
    independent_size,
    mean_change,
    reference_size,
    strongest,
    tail_excess,
)
from monitors.lens import WORST_LEVELS, Lens
from monitors.moves import Moves, moves_of_nested
from monitors.sample import ALIGNMENT
from monitors.sketch import DifferentLens, Sketch
from monitors.spread import prompts_hit, spread_excess
from monitors.verdict import Health, Json, Reason, Verdict
from monitors.visibility import visibility
from monitors.windows import Bucket, Window, dyadic_windows, spoken

TESTS_PER_WINDOW = 3  # of means, tails and prompts: what a false-alarm budget is divided by, besides the windows
MIN_GENERATIONS = 50  # independent ones
_MIN_REFERENCE = 50  # generations: for what people ask now the baseline is worth less, and nothing it says is certain
_UNSEEN_SHARE = 0.1
_MOVE_SHOWS = 100  # independent generations: the mean request of fewer says little, and the means' far tail is heavier
_HELD = (
    "But requests may have moved to where the baseline saw little, which would explain it, and nothing is worse "
    "beyond doubt: it cannot be told yet. If this lasts, make a newer baseline."
)


class Rule(StrEnum):
    ANY_CHANGE = "any_change"  # against the version's own lens
    WORSE = "worse"  # against the lens of the version it replaced: another style is a change that a person accepts


@dataclass(frozen=True, eq=False)
class Findings:
    """What the tests say of each window of a stack: of the means, the generations in tails, and the prompts hit."""

    means: Outcome
    tails: Outcome
    prompts: Outcome

    @property
    def p_value(self) -> Array:
        """Of the most surprising."""
        return np.asarray(np.minimum(self.means.p_value, np.minimum(self.tails.p_value, self.prompts.p_value)))


def examine(lens: Lens, windows: Sketch, rule: Rule = Rule.ANY_CHANGE, *, moves: Moves | None = None) -> Findings:
    """Put a stack of windows to all tests; of any change and with `moves`, to their wary forms."""
    worse = rule is Rule.WORSE
    return Findings(
        directed_decline(lens, windows) if worse else mean_change(lens, windows, moves=moves),
        tail_excess(lens, windows, worse_only=worse, moves=moves),
        spread_excess(lens, windows, worse_only=worse, moves=moves),
    )


def beyond_moves(lens: Lens, windows: Sketch, moves: Moves, alpha: float) -> NDArray[np.bool_]:
    """Of windows that show any change at level `alpha`, which do so whatever people ask for.

    They would show it, were requests that have moved as good as unknown; or what they show is a change for the worse,
    which no move of requests was ever seen to make. In small windows it cannot be told whether requests have moved, so
    there only the latter counts.
    """
    wary = examine(lens, windows, moves=moves)
    certain = (wary.p_value < alpha) & (independent_size(lens, windows) >= _MOVE_SHOWS)
    if directed_scalars(lens):
        certain |= examine(lens, windows, Rule.WORSE).p_value < alpha
    return np.asarray(certain)


def large_enough(lens: Lens, windows: Sketch) -> NDArray[np.bool_]:
    """Which windows of a stack hold enough generations that do not repeat each other's prompts."""
    return np.asarray(independent_size(lens, windows) >= MIN_GENERATIONS)


def within_reach(lens: Lens, windows: Sketch) -> NDArray[np.bool_]:
    """Which windows of a stack ask for what the baseline says enough of."""
    return np.asarray(reference_size(lens, windows) >= _MIN_REFERENCE)


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

    Degraded if any test of any window falls below `alpha`. A change that requests which have moved might make is held:
    inconclusive, as where no window holds enough generations, or too many of one ask for what the baseline has never
    seen. Raises DifferentLens for sketches that another lens made.
    """
    windows = dyadic_windows(buckets, width, longest, since, Sketch.total)
    filled = [(window, window.content) for window in windows if window.content is not None]
    if any(sketch.lens_digest != lens.digest for _, sketch in filled):
        raise DifferentLens("these sketches were made through another lens")
    if not filled:
        return _too_few(filled)
    stack = Sketch.stack([sketch for _, sketch in filled])
    enough = large_enough(lens, stack)
    known = enough & within_reach(lens, stack)
    worst = _worst(lens, [filled[row] for row in np.flatnonzero(known)], stack.rows(known), alpha, rule)
    if worst is not None and worst.health is not Health.HEALTHY:
        return worst
    for row in np.flatnonzero(_largely_unseen(stack, alpha))[:1]:
        return _unseen(*filled[row])
    for row in np.flatnonzero(enough & ~known)[:1]:
        return _out_of_reach(*filled[row])
    return _too_few(filled) if worst is None else worst


def _largely_unseen(stack: Sketch, alpha: float) -> NDArray[np.bool_]:
    """Which windows hold beyond doubt more unseen generations than may be left out."""
    n = stack.judged + stack.unseen
    p_value = special.bdtrc(stack.unseen - 1, n, _UNSEEN_SHARE)
    return np.asarray((n >= MIN_GENERATIONS) & (p_value < alpha))


def _worst(
    lens: Lens, examined: Sequence[tuple[Window[Sketch], Sketch]], stack: Sketch, alpha: float, rule: Rule
) -> Verdict | None:
    """The verdict of the window that departs most surprisingly, of those that are not held if there is one; the
    shortest, of equals."""
    if not examined:
        return None
    found = examine(lens, stack, rule)
    surprising = found.p_value < alpha
    held = np.zeros_like(surprising)
    if rule is Rule.ANY_CHANGE and surprising.any():
        moves = moves_of_nested(lens, stack).rows(surprising)
        held[surprising] = ~beyond_moves(lens, stack.rows(surprising), moves, alpha)
    row = int(np.lexsort((found.p_value, ~(surprising & ~held)))[0])
    window, sketch = examined[row]
    means, tails, prompts = (float(each.p_value[row]) for each in (found.means, found.tails, found.prompts))
    # What all images do is said before what a few do, where both are beyond doubt.
    by_means = means < alpha or means <= min(tails, prompts)
    outcome = found.means if by_means else found.tails if tails <= prompts else found.prompts
    which, effect = int(outcome.which[row]), float(outcome.effect[row])
    if by_means:
        reason, sentence, evidence = _said_of_means(lens, window, sketch, which, effect, rule)
    elif outcome is found.tails:
        reason, sentence, evidence = _said_of_tails(lens, window, sketch, which)
    else:
        reason, sentence, evidence = _said_of_prompts(lens, window, sketch, which)
    health = Health.DEGRADED
    if held[row]:
        health, reason, sentence = Health.INCONCLUSIVE, Reason.REQUESTS_MOVED, f"{sentence} {_HELD}"
    elif not surprising[row]:
        health, reason, sentence = Health.HEALTHY, Reason.WITHIN_BUDGET, _within_budget(examined[0][0], rule)
    visible = visibility(lens, sketch, alpha)
    return Verdict(
        health,
        reason,
        sentence,
        effect=effect,
        p_value=min(means, tails, prompts),
        threshold=alpha,
        window_seconds=window.seconds,
        n=sketch.n,
        evidence={
            **evidence,
            "independent_generations": visible.independent,
            "reference_generations": visible.reference,
            "detectable_effect": visible.effect,
            "detectable_broken_share": visible.broken_share,
            "unseen": int(sketch.unseen),
            "p_means": means,
            "p_tails": tails,
            "p_prompts": prompts,
            "allowance": float(outcome.allowance[row]),
            "window_start": window.start.isoformat(),
        },
    )


def _said_of_means(
    lens: Lens, window: Window[Sketch], sketch: Sketch, which: int, effect: float, rule: Rule
) -> tuple[Reason, str, dict[str, Json]]:
    ago = f"In the last {spoken(window.seconds)}"
    if rule is Rule.ANY_CHANGE:
        scores = departures(lens, sketch) / lens.calibration.feature_deviation
        sentence = f"{ago} images, given their prompts, differ from the baseline by more than our uncertainty."
        return Reason.CONDITIONAL_DRIFT, sentence, {"signals": strongest(lens.feature_names, scores)}
    directed = directed_scalars(lens)
    usual = np.maximum(lens.calibration.directed_deviation[directed], 1e-6)
    scores = sketch.directed_sums[directed] / max(int(sketch.judged), 1) / usual
    evidence: dict[str, Json] = {"signals": strongest([lens.scalars[i].name for i in directed], scores)}
    if lens.scalars[which].name == ALIGNMENT:
        sentence = f"{ago} images fit their prompts {effect:.2f} standard deviations worse than at the baseline."
        return Reason.ALIGNMENT_DOWN, sentence, evidence
    sentence = f"{ago} a quality signal is {effect:.2f} standard deviations worse than at the baseline."
    return Reason.SIGNAL_WORSE, sentence, evidence


def _said_of_tails(
    lens: Lens, window: Window[Sketch], sketch: Sketch, which: int
) -> tuple[Reason, str, dict[str, Json]]:
    judged, name = int(sketch.judged), lens.tail_names[which]
    observed = int(sketch.tail_counts[which]) / judged
    expected = float(expected_rates(lens, sketch)[which])
    sentence = (
        f"In the last {spoken(window.seconds)} {observed:.2%} of {judged} images were extreme in {name.split('.')[0]}, "
        f"given their prompts; at the baseline it was {expected:.2%}."
    )
    return Reason.TAIL_EXCESS, sentence, {"tail": name, "observed": observed, "expected": expected}


def _said_of_prompts(
    lens: Lens, window: Window[Sketch], sketch: Sketch, level: int
) -> tuple[Reason, str, dict[str, Json]]:
    tails = lens.worst[level]
    scalars = " or ".join(lens.tail_names[tail].split(".")[0] for tail in tails)
    leading = lens.tail_names[tails[sketch.tail_counts[tails].argmax()]]
    found = int(prompts_hit(sketch)[level])
    expected = float(expected_rates(lens, sketch)[tails].sum()) * int(sketch.judged)
    sentence = (
        f"In the last {spoken(window.seconds)} images of at least {found} different prompts were as bad in {scalars}, "
        f"given their prompts, as the worst {WORST_LEVELS[level]:.1%} at the baseline; of {int(sketch.judged)} images "
        f"no more than {expected:.1f} were to be expected."
    )
    return Reason.TAIL_EXCESS, sentence, {"tail": leading, "prompts": found, "expected_prompts": expected}


def _within_budget(shortest: Window[Sketch], rule: Rule) -> str:
    found = "no worse than" if rule is Rule.WORSE else "as"
    return (
        f"Images, given their prompts, are {found} at the baseline, within our uncertainty: in the last "
        f"{spoken(shortest.seconds)} and in every longer window."
    )


def _unseen(window: Window[Sketch], sketch: Sketch) -> Verdict:
    share = float(sketch.unseen / sketch.n)
    return Verdict(
        Health.INCONCLUSIVE,
        Reason.UNSEEN_PROMPTS,
        f"In the last {spoken(window.seconds)} {share:.0%} of {sketch.n} generations asked for what the baseline has "
        f"never seen and cannot be judged. Make a newer baseline.",
        effect=share,
        threshold=_UNSEEN_SHARE,
        window_seconds=window.seconds,
        n=sketch.n,
        evidence={"unseen": int(sketch.unseen)},
    )


def _out_of_reach(window: Window[Sketch], sketch: Sketch) -> Verdict:
    return Verdict(
        Health.INCONCLUSIVE,
        Reason.UNSEEN_PROMPTS,
        f"In the last {spoken(window.seconds)} people asked for things so unlike those of the baseline that it cannot "
        f"tell how their images should look. Make a newer baseline.",
        window_seconds=window.seconds,
        n=sketch.n,
        evidence={"unseen": int(sketch.unseen)},
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
