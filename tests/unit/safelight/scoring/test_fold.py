"""Sums over scores do not depend on the order or the batches they came in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitors.fitting import fit_lens
from monitors.lens import Lens
from monitors.sketch import Sketch
from registry.parameters import Defaults
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.fold import Scored, View, fold_signals, fold_sketches, judged, merge, signal_sums
from safelight.scoring.stream import record
from safelight.store.scores import GenerationScore, Waiting
from safelight.store.sketches import SignalSums

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DEFAULTS = Defaults(steps=8, guidance=3.0, width=64, height=64)
WORDS = ("red", "blue", "cat", "dog", "car", "snow", "grass")


def scored(i: int, *, arm: str = "stable", outcome: str = "served", seconds: float = 0.0) -> Scored:
    rng = np.random.default_rng(i)
    prompt = " ".join(rng.choice(WORDS, 3))
    world = FakeEmbedder()
    image = world.embed_images([world.paint(prompt, rng)])[0]
    words = world.embed_prompts([prompt])[0][0]
    made = Waiting(UUID(int=i), NOON + timedelta(seconds=seconds), "studio", 1, arm, outcome, prompt, {}, "key")
    score = GenerationScore(
        generation_id=UUID(int=i),
        generator="studio",
        version=1,
        scored_at=NOON,
        embedder_digest=world.digest,
        alignment=float(image @ words),
        sharpness=0.01,
        contrast=0.2,
        brightness=0.5,
        image_embedding=image,
        prompt_embedding=words,
    )
    return made, score


@pytest.fixture(scope="module")
def lens() -> Lens:
    world, rng = FakeEmbedder(), np.random.default_rng(0)
    prompts = [" ".join(rng.choice(WORDS, 3)) for _ in range(900)]
    images = [world.paint(prompt, rng) for prompt in prompts]
    return fit_lens(record(world, "sha256:b", prompts, [{}] * len(prompts), images, DEFAULTS).sample, seed=0)


def test_only_served_requests_of_people_are_judged() -> None:
    everything = [
        scored(i, arm=arm, outcome=outcome)
        for i, (arm, outcome) in enumerate(
            [("stable", "served"), ("canary", "served"), ("probe", "served"), ("stable", "filtered")]
        )
    ]
    assert [made.arm for made, _ in judged(everything)] == ["stable", "canary"]


def test_each_image_counts_once_in_its_own_bucket() -> None:
    sums = fold_signals([scored(i, seconds=20 * i) for i in range(5)], 60)
    assert [(key.bucket_start - NOON, each.n) for key, each in sums.items()] == [
        (timedelta(0), 3),
        (timedelta(seconds=60), 2),
    ]


def test_broken_and_blank_images_are_in_no_average() -> None:
    _, score = scored(1)
    assert signal_sums(replace(score, broken_reason="image_missing", alignment=None)) == SignalSums(n=1, broken=1)
    assert signal_sums(replace(score, blank=True)) == SignalSums(n=1, blank=1)
    assert signal_sums(replace(score, near_duplicate_of=UUID(int=9))).near_duplicates == 1


@given(st.permutations(range(12)), st.integers(1, 12))
def test_batches_and_their_order_do_not_change_the_sums(order: Sequence[int], size: int) -> None:
    everything = [SCORED[i] for i in order]
    together = fold_signals(SCORED, 60)
    apart: dict[object, SignalSums] = {}
    for start in range(0, 12, size):
        for key, sums in fold_signals(everything[start : start + size], 60).items():
            apart[key] = apart.get(key, SignalSums()) + sums
    assert apart.keys() == together.keys()
    for key, sums in together.items():
        assert vars(apart[key]) == pytest.approx(vars(sums), rel=1e-12)


SCORED = [scored(i, seconds=11 * i) for i in range(12)]


def test_sketches_of_batches_merge_to_the_sketch_of_all(lens: Lens) -> None:
    views = {("studio", 1): View(DEFAULTS, [(UUID(int=7), lens)])}
    together = fold_sketches(SCORED, views, {}, 3600)
    ((key, whole),) = together.items()
    assert (key.baseline_id, key.slice, whole.n) == (UUID(int=7), "all", 12)
    parts = [next(iter(fold_sketches(SCORED[i : i + 5], views, {}, 3600).values())).to_bytes() for i in range(0, 12, 5)]
    merged = Sketch.from_bytes(reduce(merge, parts))
    assert (merged.tail_counts == whole.tail_counts).all()
    # Sums merge to 1e-9; what they are sums of was computed in single precision, which rounds by the size of a batch.
    assert merged.feature_sums == pytest.approx(whole.feature_sums, rel=1e-5, abs=1e-5)


def test_slices_of_an_attribute_add_up_to_all_traffic(lens: Lens) -> None:
    views = {("studio", 1): View(DEFAULTS, [(UUID(int=7), lens)])}
    slices = {made.generation_id: [f"replica=r{i % 3}"] for i, (made, _) in enumerate(SCORED)}
    folded = {key.slice: sketch for key, sketch in fold_sketches(SCORED, views, slices, 3600).items()}
    whole = folded.pop("all")
    assert sorted(folded) == ["replica=r0", "replica=r1", "replica=r2"]
    together = reduce(lambda a, b: a + b, folded.values())
    assert (together.n, whole.n) == (12, 12)
    assert (together.cluster_counts == whole.cluster_counts).all()
    assert together.feature_sums == pytest.approx(whole.feature_sums, rel=1e-6, abs=1e-6)


def test_a_version_without_lens_has_no_sketch() -> None:
    assert fold_sketches(SCORED, {("studio", 1): View(None, [])}, {}, 60) == {}
