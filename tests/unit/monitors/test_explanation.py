"""Which generations a finding rests on."""

from typing import Any

import numpy as np
import pytest

from monitors.explanation import contributions
from monitors.lens import Lens
from monitors.sample import Sample
from monitors.verdict import Reason

SHARE = 0.1


def a_tenth(lens: Lens, broken: Sample, whole: Sample) -> tuple[Any, np.ndarray[Any, Any]]:
    """Features of generations, and which of them are broken: where the two samples differ."""
    return lens.features(broken), np.asarray((broken.images != whole.images).any(axis=1))


def test_parts_add_up_to_one_and_fall_to_what_changed(world: Any, lens: Lens) -> None:
    whole = world.sample(1000, 21)
    features, broken = a_tenth(lens, world.broken(whole, SHARE, 22), whole)
    parts = contributions(features, Reason.CONDITIONAL_DRIFT)
    assert parts.sum() == pytest.approx(1.0)
    assert broken[np.argsort(-parts)[:20]].all(), "they are what one is shown first"
    assert parts[broken].sum() > 0.8


def test_a_worse_alignment_rests_on_the_images_that_fit_worse(world: Any, lens: Lens) -> None:
    whole = world.sample(1000, 23)
    features, broken = a_tenth(lens, world.broken(whole, SHARE, 24), whole)
    parts = contributions(features, Reason.ALIGNMENT_DOWN)
    assert parts.sum() == pytest.approx(1.0)
    assert broken[np.argsort(-parts)[:20]].mean() > 0.9


def test_a_tail_rests_on_its_members_alike(world: Any, lens: Lens) -> None:
    features = lens.features(world.sample(500, 25))
    tail = lens.tail_names[int(features.tails[~features.unseen].sum(axis=0).argmax())]
    parts = contributions(features, Reason.TAIL_EXCESS, tail)
    members = features.tails[:, lens.tail_names.index(tail)] & ~features.unseen
    assert parts[members] == pytest.approx(1 / members.sum())
    assert not parts[~members].any()


def test_what_cannot_be_judged_has_no_part(world: Any, lens: Lens) -> None:
    features = lens.features(world.sample(50, 26))
    features.unseen[:] = True
    assert not contributions(features, Reason.CONDITIONAL_DRIFT).any()
