"""Which captions are true of which scenes, and captions that are almost true: what the embedder must tell apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safelight.studio.scenes import BACKGROUNDS, COLOURS, OBJECTS, Scene, SceneKind, Size, Thing

Value = TypeVar("Value")


def falsify(rng: Random, said: Scene) -> Scene:
    """The claim with one attribute changed: an object, a colour, the background, the size or the count.

    For a pair in two colours, exchanging them is as likely as all other changes together: it is the hardest, because
    every word of it is true of the image.
    """
    if said.kind is SceneKind.PAIR:
        left, right = said.things
        if left.colour != right.colour and rng.random() < 0.5:
            return replace(said, things=(replace(left, colour=right.colour), replace(right, colour=left.colour)))
    changes = [_other_object, _other_colour]
    if said.background:
        changes.append(_other_background)
    if said.size:
        changes.append(_other_size)
    if said.kind is not SceneKind.PAIR and not said.size:
        changes.append(_other_count)
    return rng.choice(changes)(rng, said)


def _with_thing(rng: Random, said: Scene, change: Callable[[Thing], Thing]) -> Scene:
    """The claim with one of its things, drawn at random, changed."""
    index = rng.randrange(len(said.things))
    things = list(said.things)
    things[index] = change(things[index])
    return replace(said, things=tuple(things))


def _other(rng: Random, values: Sequence[Value], *taken: Value) -> Value:
    return rng.choice([value for value in values if value not in taken])


def _other_object(rng: Random, said: Scene) -> Scene:
    taken = [thing.object for thing in said.things]
    return _with_thing(rng, said, lambda thing: replace(thing, object=_other(rng, OBJECTS, *taken)))


def _other_colour(rng: Random, said: Scene) -> Scene:
    return _with_thing(rng, said, lambda thing: replace(thing, colour=_other(rng, (None, *COLOURS), thing.colour)))


def _other_count(rng: Random, said: Scene) -> Scene:
    return _with_thing(rng, said, lambda thing: replace(thing, count=_other(rng, (1, 2, 3), thing.count)))


def _other_background(rng: Random, said: Scene) -> Scene:
    return replace(said, background=_other(rng, BACKGROUNDS, said.background or ""))


def _other_size(rng: Random, said: Scene) -> Scene:
    return replace(said, size=_other(rng, list(Size), said.size))


def truth_table(said: Sequence[Scene], shown: Sequence[Scene]) -> Tensor:
    """``describes`` for every pair at once: bool (len(shown), len(said))."""
    ids: dict[frozenset[Thing], int] = {}

    def things(scenes: Sequence[Scene]) -> NDArray[np.int64]:
        return np.array([ids.setdefault(frozenset(scene.things), len(ids)) for scene in scenes])

    def agree(attribute: str) -> Any:
        claims = np.array([getattr(scene, attribute) or "" for scene in said])
        facts = np.array([getattr(scene, attribute) or "" for scene in shown])
        return (claims == "") | (facts[:, None] == claims)

    return torch.from_numpy((things(shown)[:, None] == things(said)) & agree("background") & agree("size"))
