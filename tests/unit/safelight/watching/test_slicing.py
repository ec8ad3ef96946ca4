"""Which slices a generation falls into, and what they are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.parameters import Defaults
from safelight.settings import SliceAttribute
from safelight.store.slices import ALL, Slice
from safelight.watching.slicing import parameter_class, slices_of

DEFAULTS = Defaults(steps=8, guidance=3.0, width=64, height=64)


@dataclass(frozen=True)
class Made:
    replica: str | None = None
    adapter: str | None = None
    tenant: str | None = None
    region: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


def test_only_what_is_asked_for_and_known_makes_a_slice() -> None:
    made = Made(replica="r7", tenant="acme", parameters={"steps": 2})
    attributes = (SliceAttribute.REPLICA, SliceAttribute.REGION, SliceAttribute.PARAMETERS)
    assert [each.name for each in slices_of(made, DEFAULTS, attributes)] == ["replica=r7", "parameters=few_steps"]
    assert [each.name for each in slices_of(made, None, attributes)] == ["replica=r7"]


@given(st.sampled_from(SliceAttribute), st.none() | st.text(max_size=100))
def test_a_name_says_which_slice_it_is(attribute: SliceAttribute, value: str | None) -> None:
    assert Slice.parse(Slice(attribute, value).name) == Slice(attribute, value)
    assert Slice.parse(ALL) is None


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "default"),
        ({"steps": 5}, "default"),
        ({"steps": 4}, "few_steps"),
        ({"steps": 4, "width": 512}, "few_steps"),
        ({"width": 128}, "large"),
        ({"width": 96}, "default"),
        ({"steps": "four"}, "default"),
    ],
)
def test_requests_are_classed_by_how_they_depart_from_the_defaults(asked: dict[str, Any], found: str) -> None:
    assert parameter_class(asked, DEFAULTS) == found
