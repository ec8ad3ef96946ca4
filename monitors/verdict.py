"""What a monitor answers: one of four healths, a stable reason, and the figures behind it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Health(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    INCONCLUSIVE = "inconclusive"  # the question could not be answered: never a pass, never a reason to roll back
    ERROR = "error"  # the monitor itself failed


class Reason(StrEnum):
    """Stable codes: they are stored, sent in notifications and matched by policies. Never reuse or rename one."""

    WITHIN_BUDGET = "within_budget"
    PROMPT_DRIFT = "prompt_drift"

    CONDITIONAL_DRIFT = "conditional_drift"
    TAIL_EXCESS = "tail_excess"
    ALIGNMENT_DOWN = "alignment_down"
    SIGNAL_WORSE = "signal_worse"
    BLANK_RATE_UP = "blank_rate_up"
    ERROR_RATE_UP = "error_rate_up"
    LATENCY_UP = "latency_up"
    UNLOGGED = "unlogged"
    JOURNAL_FILLING = "journal_filling"
    PROBE_CHANGED = "probe_changed"
    PROBE_WORSE = "probe_worse"
    ERROR_BUDGET_BURN = "error_budget_burn"
    FILTERED_RATE_UP = "filtered_rate_up"
    NEAR_DUPLICATES_UP = "near_duplicates_up"
    FEEDBACK_WORSE = "feedback_worse"
    QUEUE_UP = "queue_up"
    DEVICE_MEMORY_SHORT = "device_memory_short"
    COST_UP = "cost_up"

    TOO_FEW_GENERATIONS = "too_few_generations"
    NO_BASELINE = "no_baseline"
    EMBEDDER_CHANGED = "embedder_changed"
    BASELINE_UNREADABLE = "baseline_unreadable"
    UNSEEN_PROMPTS = "unseen_prompts"
    REQUESTS_MOVED = "requests_moved"
    SCORING_BEHIND = "scoring_behind"
    NO_MONITORS = "no_monitors"
    NOT_SERVING = "not_serving"
    PROBES_MISSING = "probes_missing"
    NOT_REPEATABLE = "not_repeatable"
    NOT_REPORTED = "not_reported"
    NO_DEVICE = "no_device"

    FAILED = "failed"


# Worst first. A known regression outranks a monitor that failed, and both outrank not knowing: only when every
# monitor answered "healthy" is the whole healthy.
_SEVERITY = {Health.HEALTHY: 0, Health.INCONCLUSIVE: 1, Health.ERROR: 2, Health.DEGRADED: 3}


@dataclass(frozen=True)
class Verdict:
    """An answer with its evidence.

    `effect` is the size of the departure in the unit that `summary` names, `p_value` the smallest p-value of all
    tests made, `threshold` the value it had to stay above, `window_seconds` and `n` the window that decided.
    """

    health: Health
    reason: Reason
    summary: str
    effect: float | None = None
    p_value: float | None = None
    threshold: float | None = None
    window_seconds: float | None = None
    n: int = 0
    evidence: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("effect", "p_value", "threshold", "window_seconds"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{name} must be finite, not {value}: JSON cannot carry it")

    def to_dict(self) -> dict[str, Json]:
        return {
            "health": self.health.value,
            "reason": self.reason.value,
            "summary": self.summary,
            "effect": self.effect,
            "p_value": self.p_value,
            "threshold": self.threshold,
            "window_seconds": self.window_seconds,
            "n": self.n,
            "evidence": dict(self.evidence),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Verdict:
        return cls(**{**data, "health": Health(data["health"]), "reason": Reason(data["reason"])})

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), sort_keys=True, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        return cls.from_dict(json.loads(text))


def _rank(verdict: Verdict) -> tuple[int, float, int, str]:
    surprise = 1.0 - verdict.p_value if verdict.p_value is not None else 0.0
    return (_SEVERITY[verdict.health], surprise, verdict.n, verdict.to_json())


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several answers: degraded, then error, then inconclusive, then healthy; then the smaller p-value.

    The order is total, so the result depends neither on the order nor on the grouping of the verdicts. Of nothing
    nothing is known: no verdicts combine to inconclusive.
    """
    return max(
        verdicts,
        key=_rank,
        default=Verdict(Health.INCONCLUSIVE, Reason.NO_MONITORS, "No monitor has answered yet."),
    )
