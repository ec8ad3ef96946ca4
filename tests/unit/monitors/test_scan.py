"""Null, power and harmless change on a synthetic world: each regression is found, each harmless change is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitors.budget import AlarmBudget
from monitors.fitting import fit_lens
from monitors.lens import Lens
from monitors.sample import Sample
from monitors.scan import TESTS_PER_WINDOW, Rule, scan
from monitors.sketch import DifferentLens, Sketch
from monitors.spread import prompts_hit
from monitors.verdict import Health, Reason, Verdict
from monitors.windows import Bucket, window_count

if TYPE_CHECKING:
    from tests.unit.monitors.conftest import World

START = datetime(2026, 1, 1, tzinfo=UTC)
WIDTH = timedelta(minutes=5)
LONGEST = 32 * WIDTH
PER_BUCKET = 100
ALPHA = AlarmBudget(1.0, WIDTH, window_count(WIDTH, LONGEST), TESTS_PER_WINDOW, monitors=2).alpha

Change = Callable[["World", int], Sample]


def sketched(lens: Lens, sample: Sample) -> list[Bucket[Sketch]]:
    return [
        Bucket(START + i * WIDTH, Sketch.of(lens.features(sample.take(slice(i * PER_BUCKET, (i + 1) * PER_BUCKET)))))
        for i in range(len(sample) // PER_BUCKET)
    ]


def judged(
    lens: Lens, buckets: list[Bucket[Sketch]], rule: Rule = Rule.ANY_CHANGE, since: datetime | None = None
) -> Verdict:
    return scan(lens, buckets, alpha=ALPHA, width=WIDTH, longest=LONGEST, since=since, rule=rule)


def generations_to_alarm(lens: Lens, sample: Sample, rule: Rule) -> tuple[float, Verdict]:
    """Scan after each bucket, as ticks do."""
    buckets = sketched(lens, sample)
    for count in range(1, len(buckets) + 1):
        verdict = judged(lens, buckets[:count], rule)
        if verdict.health is Health.DEGRADED:
            return count * PER_BUCKET, verdict
    return np.inf, verdict


def half_of_all(lens: Lens, change: Change, world: World, rule: Rule) -> float:
    return float(np.median([generations_to_alarm(lens, change(world, 500 + i), rule)[0] for i in range(5)]))


FOUND: dict[str, tuple[Change, float]] = {
    "broken 100 %": (lambda w, s: w.broken(w.sample(300, s), 1.0, s), 200),
    "broken 5 %": (lambda w, s: w.broken(w.sample(1000, s), 0.05, s), 500),
    "broken 2 %": (lambda w, s: w.broken(w.sample(2000, s), 0.02, s), 1500),
    "pairing shuffled 100 %": (lambda w, s: w.shuffled(w.sample(300, s), 1.0, s), 200),
    "pairing shuffled 5 %": (lambda w, s: w.shuffled(w.sample(1500, s), 0.05, s), 1000),
    "alignment down": (lambda w, s: w.deafened(w.sample(1000, s), 0.1, s), 600),
    "another style": (lambda w, s: w.but(style=0.1).sample(500, s), 300),
    "less diverse": (lambda w, s: w.but(spread=0.8).sample(1000, s), 500),
    "changed mix and broken 5 %": (lambda w, s: w.broken(w.sample(1500, s, other_mix=True), 0.05, s), 1000),
}


@pytest.mark.parametrize("name", FOUND)
def test_regressions_are_found(name: str, lens: Lens, world: World) -> None:
    change, within = FOUND[name]
    assert half_of_all(lens, change, world, Rule.ANY_CHANGE) <= within


HARMLESS: dict[str, Change] = {
    "nothing": lambda w, s: w.sample(2500, s),
    "a changed mix": lambda w, s: w.sample(2500, s, other_mix=True),
    "few prompts, often": lambda w, s: w.sample(2500, s, distinct=400),
    "half of them seen twice": lambda w, s: w.sample(2500, s, distinct=2500),
}


@pytest.mark.parametrize("name", HARMLESS)
@pytest.mark.parametrize("rule", Rule)
def test_harmless_changes_are_not(name: str, rule: Rule, lens: Lens, world: World) -> None:
    for seed in range(3):
        delay, verdict = generations_to_alarm(lens, HARMLESS[name](world, 700 + seed), rule)
        assert delay == np.inf, verdict.summary
        assert (verdict.health, verdict.reason) == (Health.HEALTHY, Reason.WITHIN_BUDGET)


def test_prompts_that_repeat_with_a_misfit_of_their_own_raise_no_alarm(world: World) -> None:
    """Generations of one prompt share its misfit, so they are fewer than they seem: uncorrected, nearly all alarm."""
    stubborn = world.but(misfit=0.4)
    lens = fit_lens(stubborn.sample(6000, seed=81), seed=0)
    for seed in range(10):
        verdict = judged(lens, sketched(lens, stubborn.sample(1600, 900 + seed, distinct=320)))
        assert verdict.health is Health.HEALTHY, verdict.summary


def test_far_more_traffic_than_the_baseline_finds_no_fault_with_the_baselines_own_error(world: World) -> None:
    for seed in range(6):
        lens = fit_lens(world.sample(900, seed=90 + seed), seed=seed)
        live = Bucket(START, Sketch.of(lens.features(world.sample(20_000, seed=190 + seed))))
        assert judged(lens, [live]).health is Health.HEALTHY


def test_a_release_is_compared_by_what_got_worse_only(lens: Lens, world: World) -> None:
    restyled = world.but(style=0.3).sample(1500, 1)
    better = world.deafened(world.sample(1500, 2), -0.15, 2)
    less_varied = world.but(spread=0.8).sample(1500, 3)
    for sample in (restyled, better, less_varied):
        assert judged(lens, sketched(lens, sample), Rule.ANY_CHANGE).health is Health.DEGRADED
        delay, verdict = generations_to_alarm(lens, sample, Rule.WORSE)
        assert delay == np.inf, verdict.summary


def test_a_release_that_follows_prompts_worse_is_found(lens: Lens, world: World) -> None:
    delay, verdict = generations_to_alarm(lens, world.deafened(world.sample(1500, 4), 0.2, 4), Rule.WORSE)
    assert delay <= 500
    assert (verdict.reason, verdict.health) == (Reason.ALIGNMENT_DOWN, Health.DEGRADED)
    assert "fit their prompts" in verdict.summary


def test_the_verdict_carries_its_evidence(lens: Lens, world: World) -> None:
    verdict = judged(lens, sketched(lens, world.broken(world.sample(500, 5), 0.3, 5)))
    assert verdict.health is Health.DEGRADED
    assert verdict.p_value is not None
    assert verdict.p_value < ALPHA == verdict.threshold
    assert verdict.window_seconds in {300.0, 600.0, 1200.0, 1500.0}
    assert {"independent_generations", "reference_generations", "detectable_effect", "allowance"} <= set(
        verdict.evidence
    )
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_a_fresh_window_forgets_what_was_before_the_repair(lens: Lens, world: World) -> None:
    broken, repaired = world.broken(world.sample(1000, 6), 1.0, 6), world.sample(500, 7)
    buckets = sketched(lens, Sample.concatenate([broken, repaired]))
    assert judged(lens, buckets).health is Health.DEGRADED
    assert judged(lens, buckets, since=START + 10 * WIDTH).health is Health.HEALTHY


def test_too_few_generations_are_inconclusive(lens: Lens, world: World) -> None:
    some = sketched(lens, world.broken(world.sample(100, 8), 1.0, 8))[0]
    empty: Bucket[Sketch] = Bucket(START, None)
    for buckets in ([], [empty], [replace(some, content=Sketch.zero(lens))]):
        verdict = judged(lens, buckets)
        assert (verdict.health, verdict.reason) == (Health.INCONCLUSIVE, Reason.TOO_FEW_GENERATIONS)


def test_one_prompt_repeated_is_too_few(lens: Lens, world: World) -> None:
    verdict = judged(lens, sketched(lens, world.sample(1000, 9, distinct=1)))
    assert verdict.reason is Reason.TOO_FEW_GENERATIONS


def test_mostly_unseen_prompts_are_inconclusive_never_healthy(lens: Lens, world: World) -> None:
    sample = world.sample(1000, 10)
    parameters = sample.parameters.copy()
    parameters[::2, 0] = np.log(4)
    verdict = judged(lens, sketched(lens, replace(sample, parameters=parameters)))
    assert (verdict.health, verdict.reason) == (Health.INCONCLUSIVE, Reason.UNSEEN_PROMPTS)
    assert "newer baseline" in verdict.summary


def test_unseen_prompts_do_not_hide_a_regression_among_the_others(lens: Lens, world: World) -> None:
    sample = world.broken(world.sample(1000, 11), 1.0, 11)
    parameters = sample.parameters.copy()
    parameters[::2, 0] = np.log(4)
    assert judged(lens, sketched(lens, replace(sample, parameters=parameters))).health is Health.DEGRADED


def reworded(world: World, own: World, seed: int) -> Sample:
    """A third of all requests are for three prompts in other words each time, whose images have a look of their own."""
    rng = np.random.default_rng(seed)
    few = own.sample(500, seed + 1, distinct=3)
    few = replace(few, prompt_keys=rng.integers(0, 2**63, len(few), dtype=np.uint64))
    both = Sample.concatenate([world.sample(1000, seed), few])
    return both.take(rng.permutation(len(both)))


def test_a_change_that_moved_requests_may_make_is_held(lens: Lens, world: World) -> None:
    for seed in (20, 30, 40):
        delay, verdict = generations_to_alarm(lens, reworded(world, world.but(misfit=0.35), seed), Rule.ANY_CHANGE)
        assert delay == np.inf, verdict.summary
        assert (verdict.health, verdict.reason) == (Health.INCONCLUSIVE, Reason.REQUESTS_MOVED)
        assert verdict.p_value is not None
        assert verdict.p_value < ALPHA
        assert "requests may have moved" in verdict.summary
        assert "newer baseline" in verdict.summary


def test_what_a_short_window_shows_is_held_where_a_longer_one_shows_that_requests_have_moved(
    lens: Lens, world: World
) -> None:
    restyled = sketched(lens, world.but(style=0.035).sample(200, 22))
    before = {mix: sketched(lens, world.sample(1000, 23, other_mix=mix)) for mix in (False, True)}
    for mix, health in ((False, Health.DEGRADED), (True, Health.INCONCLUSIVE)):
        buckets = [replace(each, start=START + i * WIDTH) for i, each in enumerate(before[mix] + restyled)]
        assert judged(lens, buckets, since=START + 10 * WIDTH).health is Health.DEGRADED
        verdict = judged(lens, buckets)
        assert verdict.health is health, verdict.summary


def test_a_change_for_the_worse_is_not_held(lens: Lens, world: World) -> None:
    for seed in (20, 30, 40):
        sample = world.broken(reworded(world, world.but(misfit=0.35), seed), 0.1, seed)
        delay, verdict = generations_to_alarm(lens, sample, Rule.ANY_CHANGE)
        assert delay <= 400, verdict.summary


def test_a_change_that_is_larger_than_any_move_explains_is_not_held(lens: Lens, world: World) -> None:
    restyled = world.but(style=0.4)
    delay, verdict = generations_to_alarm(lens, restyled.sample(1500, 21, other_mix=True), Rule.ANY_CHANGE)
    assert delay <= 600
    assert verdict.reason is Reason.CONDITIONAL_DRIFT


def test_sketches_of_another_lens_are_refused(lens: Lens, world: World) -> None:
    other = fit_lens(world.sample(600, seed=12), seed=0)
    with pytest.raises(DifferentLens):
        judged(lens, sketched(other, world.sample(100, 13)))


def test_bad_images_of_many_prompts_are_said_to_be_so(lens: Lens, world: World) -> None:
    """Of favourites that hide what fails: the generations in the tail are few, the prompts that were hit are many."""
    usual = lens.features(world.sample(1000, seed=42, distinct=500))
    tails = usual.tails.copy()
    tails[np.ix_(np.flatnonzero(~usual.unseen)[:60], lens.worst[0])] = True
    sketch = Sketch.of(replace(usual, tails=tails))
    verdict = judged(lens, [Bucket(START, sketch)])
    assert (verdict.health, verdict.reason) == (Health.DEGRADED, Reason.TAIL_EXCESS)
    found = int(prompts_hit(sketch)[0])
    assert verdict.summary.startswith(
        f"In the last 5 minutes images of at least {found} different prompts were as bad in alignment, given their "
        f"prompts, as the worst 1.0% at the baseline; of {int(sketch.judged)} images no more than "
    )
    assert (verdict.evidence["tail"], verdict.evidence["prompts"]) == ("alignment.low.0.01", found)
    p_means, p_tails, p_prompts = (float(str(verdict.evidence[f"p_{name}"])) for name in ("means", "tails", "prompts"))
    assert verdict.p_value == p_prompts < min(p_means, p_tails)
