from __future__ import annotations

from typing import TYPE_CHECKING

from monitors.lens import Lens
from monitors.moves import Moves, moves_of_nested
from monitors.sketch import Sketch

if TYPE_CHECKING:
    from tests.unit.monitors.conftest import World

PARTS = ("squared", "leverage", "unseen")


def test_a_window_has_moved_as_far_as_the_longer_ones_that_it_ends(lens: Lens, world: World) -> None:
    few, usual = (Sketch.of(lens.features(world.sample(n, seed))) for n, seed in ((150, 34), (1000, 31)))
    other = Sketch.of(lens.features(world.sample(1000, seed=33, other_mix=True)))
    other.unseen[...] = 50
    own = Moves.of(lens, other)
    after = moves_of_nested(lens, Sketch.stack([few, other]))
    before = moves_of_nested(lens, Sketch.stack([few, usual, other + usual]))
    for part in PARTS:
        assert getattr(Moves.of(lens, few), part) == 0.0 < getattr(own, part)
        assert getattr(after, part).tolist() == [getattr(own, part)] * 2
        first, second, third = getattr(before, part)
        assert first == second == third > 0.0


def test_a_longer_window_moves_no_farther_than_its_own_generations_show(lens: Lens, world: World) -> None:
    usual, other = (Sketch.of(lens.features(world.sample(1000, seed, other_mix=seed == 33))) for seed in (31, 33))
    own, alone = Moves.of(lens, other), moves_of_nested(lens, Sketch.stack([other, usual]))
    assert alone.squared.tolist() == [own.squared, 0.0]
