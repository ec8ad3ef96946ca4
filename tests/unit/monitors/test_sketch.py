from __future__ import annotations

import itertools
import zlib
from dataclasses import replace
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from monitors.codec import UnreadableArtifact
from monitors.fitting import fit_lens
from monitors.lens import Features, Lens
from monitors.sample import Sample
from monitors.sketch import DifferentLens, Sketch, hashed

if TYPE_CHECKING:
    from tests.unit.monitors.conftest import World

COUNTS = ("judged", "unseen", "tail_counts", "cluster_counts", "hits", "repeats")
SUMS = ("feature_sums", "directed_sums", "directed_squares")
FAVOURITES = np.r_[np.ones(350, np.int64), 75 // np.arange(1, 51)]
"""How often each of 400 prompts is asked for: most once, a few again and again, by Zipf's law."""


def assert_same(a: Sketch, b: Sketch) -> None:
    """Integers to the bit, sums of n terms to 1e-9 a term."""
    assert a.lens_digest == b.lens_digest
    for name in COUNTS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    for name in SUMS:
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-9, atol=1e-9 * max(1, a.n))


@pytest.fixture(scope="module")
def pool(world: World) -> Sample:
    return world.sample(400, seed=21, distinct=150)


@pytest.fixture(scope="module")
def features(lens: Lens, pool: Sample) -> Features:
    return lens.features(pool)


def part(features: Features, rows: slice) -> Features:
    return features.take(np.arange(len(features))[rows])


@given(st.lists(st.integers(0, 400), max_size=6))
def test_sketches_of_the_parts_add_up_to_the_sketch_of_the_whole(features: Features, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), 400]
    parts = [Sketch.of(part(features, slice(a, b))) for a, b in itertools.pairwise(edges)]
    whole = Sketch.of(features)
    assert whole.n == 400
    assert whole.hits.any()
    assert_same(Sketch.total(parts), whole)
    assert_same(reduce(add, parts), whole)  # what was added up is as it was
    assert_same(reduce(add, reversed(parts)), whole)


@given(st.permutations(range(400)))
def test_the_order_of_generations_changes_nothing(features: Features, order: list[int]) -> None:
    assert_same(Sketch.of(features.take(np.array(order))), Sketch.of(features))


def test_adding_nothing_changes_nothing(lens: Lens, features: Features) -> None:
    assert_same(Sketch.of(features) + Sketch.zero(lens), Sketch.of(features))
    assert_same(Sketch.of(part(features, slice(0, 0))), Sketch.zero(lens))


def test_bytes_give_the_same_sketch_back(features: Features) -> None:
    sketch = Sketch.of(features)
    again = Sketch.from_bytes(sketch.to_bytes())
    assert again.to_bytes() == sketch.to_bytes()
    assert (again + sketch).n == 2 * sketch.n


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableArtifact):
        Sketch.from_bytes(data)


def test_a_lens_is_no_sketch(lens: Lens) -> None:
    with pytest.raises(UnreadableArtifact, match="expected sketch"):
        Sketch.from_bytes(zlib.compress(lens.to_bytes()))


def test_sketches_of_different_lenses_never_add(world: World, features: Features) -> None:
    other = fit_lens(world.sample(600, seed=22), seed=0)
    with pytest.raises(DifferentLens):
        Sketch.of(features) + Sketch.zero(other)
    with pytest.raises(DifferentLens):
        Sketch.total([Sketch.of(features), Sketch.zero(other)])


@pytest.mark.parametrize("n", [127, 128, 32_767, 32_768, 2**40])
def test_counts_of_any_size_come_back_from_bytes(lens: Lens, n: int) -> None:
    sketch = Sketch.zero(lens)
    sketch.counts[...] = n
    assert (Sketch.from_bytes(sketch.to_bytes()).counts == n).all()


def test_a_bucket_of_any_traffic_takes_less_than_two_kilobytes(lens: Lens, world: World) -> None:
    busy = Sketch.total([Sketch.of(lens.features(world.sample(1000, seed=s))) for s in range(10)])
    assert len(busy.to_bytes()) < 2048


def test_what_the_baseline_has_never_seen_is_counted_and_not_judged(lens: Lens, features: Features) -> None:
    nothing_known = Features(**{**vars(features), "unseen": np.ones(400, bool)})
    sketch = Sketch.of(nothing_known)
    assert (sketch.n, int(sketch.unseen), int(sketch.judged)) == (400, 400, 0)
    assert not sketch.feature_sums.any()
    assert sketch.repeat_moment == 1.0


@pytest.mark.parametrize(("distinct", "n"), [(1, 500), (10, 500), (300, 3000), (5000, 5000)])
def test_the_repeat_moment_estimates_how_often_prompts_repeat(lens: Lens, world: World, distinct: int, n: int) -> None:
    features = lens.features(world.sample(n, seed=23, distinct=distinct))
    _, repeats = np.unique(features.prompt_keys[~features.unseen], return_counts=True)
    exact = (repeats.astype(float) ** 2).sum() / repeats.sum()
    assert Sketch.of(features).repeat_moment == pytest.approx(exact, rel=0.25)


def asked(lens: Lens, repeats: NDArray[np.int64], seeds: int) -> Sketch:
    """A stack of sketches of prompts asked for so often; in each they are other prompts."""
    zero = Sketch.zero(lens)
    stack = replace(zero, counts=np.tile(zero.counts, (seeds, 1)), sums=np.tile(zero.sums, (seeds, 1)))
    stack.counts[:, 0] = repeats.sum()
    keys = np.random.default_rng(7).integers(0, 2**63, (seeds, len(repeats)), dtype=np.uint64)
    column, sign = hashed(keys)
    np.add.at(stack.repeats, (np.arange(seeds)[:, None], column), sign * repeats)
    return stack


@pytest.mark.parametrize(
    ("repeats", "error"),
    [
        (FAVOURITES, 0.02),
        (np.array([40, 30, 20, 10]), 0.02),
        (np.array([2**40, 2**39]), 0.02),
        (np.ones(500, np.int64), 0.3),  # none stands out: the estimate is kept from falling below its bound
        (np.full(300, 5), 0.3),
    ],
)
def test_the_fourth_moment_of_repeats_is_estimated_without_bias(
    lens: Lens, repeats: NDArray[np.int64], error: float
) -> None:
    found = asked(lens, repeats, 500).repeat_fourth
    multiplicities = repeats.astype(float)
    exact = (multiplicities**4).sum() / multiplicities.sum()
    assert found.mean() == pytest.approx(exact, rel=error)
    assert np.quantile(found, 0.9) < 2.0 * exact


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=300))
def test_the_fourth_moment_of_repeats_lies_between_what_the_second_allows(lens: Lens, repeats: list[int]) -> None:
    sketch = asked(lens, np.array(repeats), 1)
    second, fourth = float(sketch.repeat_moment[0]), float(sketch.repeat_fourth[0])
    assert 1.0 <= second <= sum(repeats)
    assert second**3 * (1 - 1e-12) <= fourth <= sum(repeats) * second**2 * (1 + 1e-12)
    if len(repeats) == 1:
        assert fourth == pytest.approx(float(repeats[0]) ** 3)


@given(st.integers(1, 299))
def test_the_fourth_moment_of_merged_sketches_is_that_of_the_whole(lens: Lens, features: Features, cut: int) -> None:
    parts = [Sketch.of(part(features, rows)) for rows in (slice(0, cut), slice(cut, 400))]
    assert (parts[0] + parts[1]).repeat_fourth == Sketch.of(features).repeat_fourth
