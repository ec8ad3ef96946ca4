from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitors import codec
from monitors.hypotheses import tail_sizes
from monitors.lens import Features, Lens
from monitors.moves import Moves
from monitors.sample import Direction, Scalar, Schema
from monitors.sketch import Sketch, hit_counter
from monitors.spread import prompts_hit, spread_excess

if TYPE_CHECKING:
    from tests.unit.monitors.conftest import World


@pytest.fixture(scope="module")
def features(lens: Lens, world: World) -> Features:
    """A thousand usual generations of different prompts, none of them unseen, none in a tail."""
    found = lens.features(world.sample(1000, seed=41))
    return replace(
        found,
        unseen=np.zeros(len(found), np.bool_),
        tails=np.zeros_like(found.tails),
        prompt_keys=np.arange(len(found), dtype=np.uint64),
    )


def struck(features: Features, count: int) -> Features:
    """With images of the first so many in the worst hundredth."""
    tails = features.tails.copy()
    tails[np.ix_(np.arange(count), features.lens.worst[0])] = True
    return replace(features, tails=tails)


def p_value(features: Features, *, worse_only: bool = False, wary: bool = False) -> float:
    lens, sketch = features.lens, Sketch.of(features)
    moves = Moves.of(lens, sketch) if wary else None
    return float(spread_excess(lens, sketch, worse_only=worse_only, moves=moves).p_value)


def with_scalars(lens: Lens, *worse: Direction) -> Lens:
    scalars = tuple(Scalar(scalar.name, side) for scalar, side in zip(lens.schema.scalars, worse, strict=True))
    return replace(lens, schema=Schema(lens.schema.parameters, scalars))


@pytest.mark.parametrize(
    ("worse", "expected"),
    [
        ((Direction.LOW, Direction.NEITHER), ["alignment.low"]),
        ((Direction.LOW, Direction.HIGH), ["alignment.low", "sharpness.high"]),
        ((Direction.NEITHER, Direction.NEITHER), []),
    ],
)
def test_the_worst_tails_are_those_on_the_worse_side(
    lens: Lens, worse: tuple[Direction, ...], expected: list[str]
) -> None:
    other = with_scalars(lens, *worse)
    names = [[other.tail_names[i] for i in tails] for tails in other.worst]
    assert names == [[f"{name}.{level}" for name in expected] for level in ("0.01", "0.003")]


@pytest.mark.parametrize(("others", "repeated"), [(0, 1), (0, 100), (3, 50), (40, 100)])
def test_one_favourite_counts_once_however_often_it_fails(features: Features, others: int, repeated: int) -> None:
    keys = features.prompt_keys.copy()
    keys[others : others + repeated] = keys[others]
    again = Sketch.of(replace(struck(features, others + repeated), prompt_keys=keys))
    once = Sketch.of(struck(features, others + 1))
    assert np.array_equal(prompts_hit(again), prompts_hit(once))
    assert prompts_hit(once)[0] >= 0.8 * (others + 1)


def test_what_is_unseen_hits_nothing(features: Features) -> None:
    found = struck(features, 100)
    assert not prompts_hit(Sketch.of(replace(found, unseen=np.ones_like(found.unseen)))).any()


def test_more_prompts_that_fail_never_raise_the_p_value(features: Features) -> None:
    p_values = [p_value(struck(features, count)) for count in (0, 1, 10, 30, 100, 400)]
    assert p_values == sorted(p_values, reverse=True)
    assert (p_values[0], p_values[1]) == (1.0, 1.0)
    assert p_values[-1] < 1e-6


def test_all_counters_filled_say_nothing(features: Features) -> None:
    busy = Sketch.total([Sketch.of(struck(features, 1000))] * 30)
    assert float(spread_excess(features.lens, busy, worse_only=False).p_value) == 1.0


@pytest.mark.parametrize("count", [1, 20, 60, 400])
def test_a_wary_look_and_a_material_share_only_take_away(features: Features, count: int) -> None:
    found = struck(features, count)
    assert p_value(found) <= min(p_value(found, worse_only=True), p_value(found, wary=True))


def test_what_may_be_bad_in_two_ways_is_expected_as_often_as_both(features: Features) -> None:
    both = with_scalars(features.lens, Direction.LOW, Direction.HIGH)
    for worse_only in (False, True):
        one, two = (
            float(spread_excess(lens, Sketch.of(struck(features, 60)), worse_only=worse_only).p_value)
            for lens in (features.lens, both)
        )
        assert one < two


def test_without_a_worse_side_nothing_is_found(features: Features) -> None:
    neither = with_scalars(features.lens, Direction.NEITHER, Direction.NEITHER)
    sketch = Sketch.of(replace(struck(features, 400), lens=neither))
    outcome = spread_excess(neither, sketch, worse_only=False)
    assert (float(outcome.p_value), float(outcome.allowance)) == (1.0, 0.0)


@pytest.mark.parametrize("together", [True, False])
def test_favourites_whose_images_fail_keep_the_level(features: Features, together: bool) -> None:
    """P[p <= a] <= a, on average over baselines, where three prompts are a fifth of the traffic: if their images fail
    together, and if never two of them do, which is the most prompts that can be hit."""
    lens, rng, tails = features.lens, np.random.default_rng(5), features.lens.worst[0]
    one = Sketch.of(features)
    asked = np.r_[100, 60, 40, np.full(80, 5), np.full(400, 1)]
    assert asked.sum() == one.judged
    counter = hit_counter(np.arange(len(asked), dtype=np.uint64))
    known, rate = float(tail_sizes(lens, one, tails).reference[0]), 0.01
    stack, p_values = Sketch.stack([one] * 200), []
    for _ in range(200):
        learned = np.full_like(lens.calibration.tail_rates, rng.poisson(known * rate) / known)
        taught = replace(lens, calibration=replace(lens.calibration, tail_rates=learned))
        fails = rng.random((200, len(asked))) < (rate if together else np.minimum(1.0, asked * rate))
        stack.hits[...] = 0
        row, prompt = np.nonzero(fails)
        np.add.at(stack.hits[:, 0], (row, counter[prompt]), 1)
        p_values.append(spread_excess(taught, stack, worse_only=False).p_value)
    found = np.concatenate(p_values)
    for level in (1e-1, 1e-2, 1e-3):
        assert (found <= level).mean() <= level


def test_a_sketch_of_the_format_before_is_read_without_hits(features: Features) -> None:
    found = Sketch.of(struck(features, 50))
    old = Sketch.from_bytes(before(found))
    assert old.hits.sum() == 0
    for name in ("judged", "unseen", "tail_counts", "cluster_counts", "repeats"):
        assert np.array_equal(getattr(old, name), getattr(found, name))
    assert np.array_equal((old + found).hits, found.hits)
    assert Sketch.from_bytes((old + found).to_bytes()).n == 2 * found.n


def test_a_damaged_sketch_of_the_format_before_is_refused() -> None:
    with pytest.raises(codec.UnreadableArtifact, match="a field is missing"):
        Sketch.from_bytes(zlib.compress(codec.pack("sketch", 2, {"lens": "", "layout": [1] * 5}, {})))


def before(sketch: Sketch) -> bytes:
    """As the release before wrote it."""
    header, arrays = codec.unpack("sketch", 3, zlib.decompress(sketch.to_bytes()))
    place = sketch.counts.size - sketch.repeats.size
    arrays["counts"] = np.delete(arrays["counts"], np.arange(place - sketch.hits.size, place))
    return zlib.compress(codec.pack("sketch", 2, {name: header[name] for name in ("lens", "layout")}, arrays))
