"""What is different between two documents."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from registry.difference import Change, Json, changes

documents = st.recursive(
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 3)),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner | st.integers(0, 3)),
    max_leaves=8,
)


@given(documents)
def test_nothing_is_different_from_itself(document: dict[str, Any]) -> None:
    assert changes(document, document) == []


@given(documents, documents)
def test_the_way_back_is_the_same_changes_turned_round(before: dict[str, Any], after: dict[str, Any]) -> None:
    back = [Change(each.path, each.after, each.before) for each in changes(before, after)]
    assert changes(after, before) == back
    assert bool(back) == (before != after)  # no value here is None


def test_a_value_is_named_by_the_keys_that_lead_to_it() -> None:
    before: dict[str, Json] = {"defaults": {"steps": 8, "width": 64}, "adapters": [], "gone": 1}
    after: dict[str, Json] = {"defaults": {"steps": 4, "width": 64}, "adapters": ["sketch"], "new": None}
    assert changes(before, after) == [
        Change("adapters", [], ["sketch"]),
        Change("defaults.steps", 8, 4),
        Change("gone", 1, None),
    ]
