from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from monitors.lens import Lens
from monitors.mix import prompt_drift
from monitors.sample import Sample
from monitors.sketch import Sketch
from monitors.verdict import Health, Reason, Verdict
from monitors.windows import Bucket

if TYPE_CHECKING:
    from tests.unit.monitors.conftest import World

START = datetime(2026, 1, 1, tzinfo=UTC)
WIDTH = timedelta(minutes=1)


def asked(lens: Lens, sample: Sample) -> Verdict:
    buckets = [Bucket(START, None), Bucket(START + WIDTH, Sketch.of(lens.features(sample)))]
    return prompt_drift(lens, buckets, alpha=1e-5, width=WIDTH, longest=timedelta(hours=1))


def test_a_changed_mix_is_told_and_degrades_nothing(lens: Lens, world: World) -> None:
    verdict = asked(lens, world.sample(1000, seed=41, other_mix=True))
    assert (verdict.health, verdict.reason) == (Health.HEALTHY, Reason.PROMPT_DRIFT)
    assert verdict.effect is not None
    assert verdict.effect > 0.2


def test_the_usual_mix_is_the_usual_mix(lens: Lens, world: World) -> None:
    reasons = [asked(lens, world.sample(1000, seed=42 + i)).reason for i in range(10)]
    assert set(reasons) == {Reason.WITHIN_BUDGET}


def test_repeating_the_usual_prompts_is_no_drift(lens: Lens, world: World) -> None:
    reasons = [asked(lens, world.sample(3000, seed=60 + i, distinct=300)).reason for i in range(10)]
    assert set(reasons) == {Reason.WITHIN_BUDGET}


def test_a_broken_generator_is_no_prompt_drift(lens: Lens, world: World) -> None:
    assert asked(lens, world.broken(world.sample(1000, seed=43), 1.0, seed=44)).reason is Reason.WITHIN_BUDGET


def test_few_prompts_say_nothing(lens: Lens, world: World) -> None:
    verdict = asked(lens, world.sample(50, seed=45))
    assert (verdict.health, verdict.reason) == (Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS)
