"""One month of one world: monitors that alarm, probes that are made, and the product's own decision on them.

The decisions are those that run in production: `monitors.probes.compare` and `assess` on drawn outputs,
`responding.confirming.findings` and `responding.policy.decide`. What is modelled is the rest: the lens as a normal
statistic over dyadic windows at the level of the product's budget, and the time that images take.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.response.worlds import NONE, Effect, Truth, World
from monitors.budget import AlarmBudget
from monitors.preference import Departures, departures
from monitors.probes import Comparison, Made, Outputs, Repeatability, compare
from monitors.scan import Rule
from monitors.verdict import Reason
from safelight.responding.confirming import findings
from safelight.responding.policy import Action, Facts, Why, decide
from safelight.store.incidents import PolicyMode
from safelight.store.probes import KnownRun, Purpose, RunState

PAIRS = 128
IMAGES_A_MINUTE = 60
WIDTH, TICK = timedelta(minutes=1), timedelta(minutes=1)
WINDOWS = 10
"""1, 2, 4 ... 512 minutes."""
ALPHA = AlarmBudget(0.2, TICK, WINDOWS, 2).alpha
"""Of one monitor among five that share a budget of one false alarm a month."""
COUNTED = 1e-12
"""The p-value of a count of broken images that goes on for a while."""
RESIDUAL_SD = 0.12
"""What a prompt leaves unexplained of an image's alignment; the lens sees an effect in this unit."""
DEADBAND = 0.05
UNANSWERED = 0.02
"""Share of probe runs that find no engine or lose their images."""
# Seconds: a batch of eight on an engine that people keep busy, its scores, an engine loaded afresh, and the flip.
BATCH, BATCH_SIZE, SCORES, LOADING, FLIP = 3.0, 8, 5.0, 20.0, 1.0
_ALARM = float(stats.norm.isf(ALPHA))
_DIMENSIONS = 32
_VERSION, _TARGET = 2, 1
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_NOISE = Effect(alignment_sd=0.01, scatter=0.1)
_EXACT = Repeatability(32, 0.0, 0.0, 0.0, 0.0, 1.4)


@dataclass(frozen=True)
class Story:
    """What became of one alarm. Seconds from the onset to the decision; None where nothing was wrong."""

    action: Action
    why: Why
    seconds: float | None
    bad_images: float | None


def month(world: World, rng: np.random.Generator) -> list[Story]:
    """The alarms of a month and what an armed policy made of them: false ones, and that of a fault."""
    if world.truth is Truth.NOTHING:
        return [_answered(world, rng, _false_alarm(world, rng), None) for _ in range(rng.poisson(world.false_alarms))]
    minutes = _detected(world, rng)
    if minutes is None:
        return []
    # The window that alarms first is hardly beyond the level; one with broken images in it is soon far beyond.
    alarm = (world.counted, COUNTED) if world.counted else (Reason.ALIGNMENT_DOWN, ALPHA / 2)
    return [_answered(world, rng, alarm, minutes)]


def _false_alarm(world: World, rng: np.random.Generator) -> tuple[Reason, float]:
    """Below the level by chance, as a p-value under the null is; half of them are counts of a tail. Or what people ask
    for misleads the monitors, as far as one likes."""
    if world.counted:
        return world.counted, COUNTED
    return rng.choice(np.array([Reason.TAIL_EXCESS, Reason.CONDITIONAL_DRIFT])), float(rng.uniform(0, ALPHA))


def _detected(world: World, rng: np.random.Generator) -> int | None:
    """Minutes from the onset to the lens's alarm; None where a day is not enough."""
    effect = world.version if world.version is not NONE else world.everything
    traffic = effect.share * (1 / world.replicas if world.truth is Truth.REPLICA else 1.0)
    lost = effect.broken * 4 * RESIDUAL_SD - effect.alignment * (1 - effect.broken)
    size = traffic * max(lost, effect.shift / 2) / RESIDUAL_SD
    minutes = 24 * 60
    sums = np.concatenate([[0.0], np.cumsum(rng.normal(size * math.sqrt(IMAGES_A_MINUTE), 1.0, minutes))])
    found = []
    for window in (2**k for k in range(WINDOWS)):
        z = (sums[window:] - sums[:-window]) / math.sqrt(window) - DEADBAND * math.sqrt(window * IMAGES_A_MINUTE)
        found += [window + int(first) for first in np.flatnonzero(z > _ALARM)[:1]]
    return min(found, default=None)


def _answered(world: World, rng: np.random.Generator, alarm: tuple[Reason, float], minutes: int | None) -> Story:
    reason, p_value = alarm
    facts = Facts(
        PolicyMode.AUTO,
        reason,
        target=_TARGET,
        now=_MOMENT,
        p_value=p_value,
        threshold=ALPHA,
        compared_with=_VERSION if world.accepted else _TARGET,
    )
    action, why = decide(facts)
    if action is Action.PROBE:
        action, why = decide(replace(facts, findings=findings(_runs(world, rng))))
    if minutes is None:
        return Story(action, why, None, None)
    seconds = 60.0 * minutes + _probing_seconds(world) + FLIP
    share = world.version.share if world.version is not NONE else world.everything.share
    return Story(action, why, seconds, seconds / 60 * IMAGES_A_MINUTE * share)


def _probing_seconds(world: World) -> float:
    afresh = LOADING + math.ceil(PAIRS / BATCH_SIZE) * BATCH if world.accepted else 0.0
    return max(math.ceil(PAIRS / BATCH_SIZE) * BATCH, afresh) + SCORES


def _runs(world: World, rng: np.random.Generator) -> list[KnownRun]:
    """The round of probes that an alarm orders, as `responding.confirming.plan` does."""
    probes = _stored(rng)
    bad_here = [world.truth is not Truth.REPLICA or replica == 0 for replica in range(world.replicas)]
    runs = [
        _run(rng, Purpose.SUSPECT, f"host {i}", *_held(world, probes, rng, world.version if bad else NONE))
        for i, bad in enumerate(bad_here)
    ]
    own = replace(world, accepted=True)
    runs.append(_run(rng, Purpose.TARGET, "host 0", *_held(own, probes, rng, NONE)))
    if world.accepted:
        afresh = NONE if world.truth is Truth.PROCESS else world.version
        runs.append(_run(rng, Purpose.RELOAD, "host 0", *_held(world, probes, rng, afresh)))
    return runs


def _run(rng: np.random.Generator, purpose: Purpose, host: str, found: Comparison, departed: Departures) -> KnownRun:
    answered = rng.random() >= UNANSWERED
    return KnownRun(
        generator="studio",
        version=_VERSION,
        set_id=UUID(int=1),
        purpose=purpose,
        places=(),
        expires_at=_MOMENT,
        ordered_by="simulation",
        host=host,
        id=UUID(int=2),
        state=RunState.JUDGED if answered else RunState.FAILED,
        detail="",
        ordered_at=_MOMENT,
        claimed_by=None,
        claimed_until=None,
        replica=host,
        environment_digest=None,
        made_at=None,
        judged_at=None,
        reference_id=None,
        result={"comparison": found.to_dict(), "departures": departed.to_dict()} if answered else {},
    )


def _stored(rng: np.random.Generator) -> Outputs:
    """The outputs that every round is held against; all rounds make the same probes."""
    images = rng.standard_normal((PAIRS, _DIMENSIONS))
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    return Outputs([Made.GOOD] * PAIRS, images.astype(np.float32), rng.normal(0.85, 0.08, PAIRS))


def _held(world: World, stored: Outputs, rng: np.random.Generator, effect: Effect) -> tuple[Comparison, Departures]:
    """Draw new outputs, and hold them against the stored ones as the product does."""
    now, touched = stored, np.zeros(PAIRS, dtype=bool)
    for each in (NONE if world.exact else _NOISE, effect, world.everything):
        now, hit = _done_to(now, each, rng)
        touched |= hit
    rule = Rule.ANY_CHANGE if world.accepted else Rule.WORSE
    departed = departures(now, stored, range(PAIRS), rule)
    if not (world.accepted and world.exact):
        return compare(now, stored, rule=rule), departed
    pixels = np.where(touched, 5.0, 0.0)
    return compare(now, stored, rule=rule, pixels=pixels, tolerance=_EXACT), departed


def _done_to(outputs: Outputs, effect: Effect, rng: np.random.Generator) -> tuple[Outputs, NDArray[np.bool_]]:
    if effect == NONE:
        return outputs, np.zeros(len(outputs.made), dtype=bool)
    n = len(outputs.made)
    hit = rng.random(n) < effect.share
    broken = hit & (rng.random(n) < effect.broken)
    moved = effect.scatter / math.sqrt(_DIMENSIONS) * rng.standard_normal((n, _DIMENSIONS))
    moved[:, 0] += effect.shift
    images = outputs.images + np.where(hit[:, None], moved, 0.0).astype(np.float32)
    alignments = outputs.alignments + np.where(hit, rng.normal(effect.alignment, effect.alignment_sd, n), 0.0)
    images[broken], alignments[broken] = np.nan, np.nan
    made = [Made.BROKEN if bad else good for bad, good in zip(broken, outputs.made, strict=True)]
    return Outputs(made, images, alignments), hit
