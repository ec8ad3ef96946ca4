"""The verdict on a canary: is the new version worse than the one that serves, or shown to be no worse?

Two losses are followed, each by a sequential test (see monitors.sequential): of alignment with the prompt, and of
usable images (failed, filtered, blank or unreadable ones are spoilt). They come from shadows, which are pairs of one
prompt and seed, and from the canary's own traffic beside that of the version that serves in the same stretch of time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitors.sequential import Question, Trial, group_means
from monitors.verdict import Health, Json, Reason, Verdict

ALIGNMENT_BOUND = 0.25
"""The most that one image can lose or win, a cosine: what is beyond is no more telling, and would make bets timid."""
_TESTS = 2


@dataclass(frozen=True)
class Margins:
    """What is asked of a canary, and how surely: see registry.canary.CanaryPlan, which says it to people."""

    alpha: float
    alignment_tolerance: float
    alignment_margin: float
    spoilt_tolerance: float
    spoilt_margin: float

    @property
    def alignment(self) -> Question:
        return Question(ALIGNMENT_BOUND, self.alignment_tolerance, self.alignment_margin)

    @property
    def spoilt(self) -> Question:
        return Question(1.0, self.spoilt_tolerance, self.spoilt_margin)


@dataclass(frozen=True)
class Counts:
    """Images by what became of them, of one version in one stretch of time."""

    made: int
    spoilt: int

    def outcomes(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """One for each spoilt image, in an order that says nothing: in which they came is not on record."""
        outcomes = np.zeros(self.made)
        outcomes[: self.spoilt] = 1.0
        return rng.permutation(outcomes)


@dataclass(frozen=True)
class Judgement:
    """All that is known of a canary so far."""

    alignment: Trial = field(default_factory=Trial)
    spoilt: Trial = field(default_factory=Trial)

    def after_pairs(self, new: NDArray[np.floating], serving: NDArray[np.floating], margins: Margins) -> Judgement:
        """With the alignments [n] of shadows and of the images people got; NaN where one is blank or unreadable."""
        lost, both = np.isnan(new).astype(float) - np.isnan(serving), ~(np.isnan(new) | np.isnan(serving))
        return Judgement(
            self.alignment.after((serving - new)[both], margins.alignment), self.spoilt.after(lost, margins.spoilt)
        )

    def after_alignments(self, new: NDArray[np.floating], serving: NDArray[np.floating], margins: Margins) -> Judgement:
        """With the alignments [n] and [m] of both versions' traffic, each best less what its prompt led to expect."""
        ours, theirs = group_means(new, serving)
        return replace(self, alignment=self.alignment.after(theirs - ours, margins.alignment))

    def after_counts(self, new: Counts, serving: Counts, margins: Margins, rng: np.random.Generator) -> Judgement:
        """With what became of both versions' traffic."""
        ours, theirs = group_means(new.outcomes(rng), serving.outcomes(rng))
        return replace(self, spoilt=self.spoilt.after(ours - theirs, margins.spoilt))

    def verdict(self, margins: Margins) -> Verdict:
        """Degraded at alpha over all looks and both tests; healthy only when both are shown to be within the margin."""
        alpha, trials = margins.alpha, (self.alignment, self.spoilt)
        worst = min(trials, key=lambda trial: trial.worse.p_value)
        if worst.worse.p_value <= alpha / _TESTS:
            reason = Reason.ALIGNMENT_DOWN if worst is self.alignment else Reason.ERROR_RATE_UP
            return self._verdict(Health.DEGRADED, reason, f"The new version is worse: {self._told()}.", margins)
        if all(trial.no_worse.p_value <= alpha for trial in trials):
            return self._verdict(
                Health.HEALTHY, Reason.WITHIN_BUDGET, f"The new version is no worse: {self._told()}.", margins
            )
        summary = f"Not enough is known yet to tell: {self._told()}."
        return self._verdict(Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS, summary, margins)

    def _told(self) -> str:
        alignment, spoilt = self.alignment.mean, self.spoilt.mean
        parts = [
            "no alignments were compared" if alignment is None
            else f"alignment with the prompt changed by {-alignment:+.3f} over {self.alignment.n} comparisons",
            "no outcomes were" if spoilt is None
            else f"the share of unusable images by {spoilt:+.1%} over {self.spoilt.n}",
        ]  # fmt: skip
        return ", ".join(parts)

    def _verdict(self, health: Health, reason: Reason, summary: str, margins: Margins) -> Verdict:
        effect = self.alignment.mean
        worse = min(self.alignment.worse.p_value, self.spoilt.worse.p_value)
        return Verdict(
            health,
            reason,
            summary,
            effect=None if effect is None else -effect,
            p_value=min(1.0, _TESTS * worse),
            threshold=margins.alpha,
            n=max(self.alignment.n, self.spoilt.n),
            evidence={"alignment": _evidence(self.alignment), "spoilt": _evidence(self.spoilt)},
        )

    def to_dict(self) -> dict[str, Json]:
        return {"alignment": self.alignment.to_dict(), "spoilt": self.spoilt.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Judgement:
        return cls(Trial.from_dict(data["alignment"]), Trial.from_dict(data["spoilt"]))


def _evidence(trial: Trial) -> dict[str, Json]:
    return {
        "n": trial.n,
        "loss": trial.mean,
        "p_worse": trial.worse.p_value,
        "p_no_worse": trial.no_worse.p_value,
    }
