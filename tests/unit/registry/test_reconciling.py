"""Which edits of the registry are seen, what is done about each, and when it is over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.external import ExternalManifest, parse_external
from registry.reconciling import (
    Change,
    Edit,
    EditPolicy,
    Outcome,
    Recorded,
    Remedy,
    edits,
    ended,
    remedy,
)
from registry.versions import Standing

ONE, TWO, THREE = (parse_external({"name": name}) for name in ("one", "two", "three"))
MANIFESTS = {1: ONE, 2: TWO, 3: THREE}


def recorded(serving: int | None = 1, written: int | None = 1) -> Recorded:
    return Recorded(serving=serving, written=written, manifests=MANIFESTS)


def standing(production: int | None = 1, **manifests: ExternalManifest | None) -> Standing:
    changed = {int(number.removeprefix("v")): manifest for number, manifest in manifests.items()}
    return Standing(production, {**MANIFESTS, **changed})


def test_what_stands_as_it_should_is_no_edit() -> None:
    assert edits(recorded(), standing()) == ()


@pytest.mark.parametrize(("serving", "written"), [(2, 1), (1, None), (None, None), (2, None)])
def test_an_alias_that_lags_behind_the_ledger_or_was_never_ours_is_no_edit(
    serving: int | None, written: int | None
) -> None:
    assert edits(recorded(serving, written), standing(1)) == ()


def test_an_alias_that_somebody_put_where_it_belongs_is_no_edit() -> None:
    assert edits(recorded(serving=2, written=1), standing(2)) == ()


def test_a_moved_a_deleted_and_a_doubly_moved_alias() -> None:
    assert edits(recorded(), standing(3)) == (Edit(Change.ALIAS_MOVED, 1, 3),)
    assert edits(recorded(), standing(None)) == (Edit(Change.ALIAS_DELETED, 1),)
    assert edits(recorded(serving=2), standing(3)) == (Edit(Change.ALIAS_MOVED, 1, 3),)


def test_a_version_that_is_deleted_takes_its_alias_with_it_and_is_one_edit() -> None:
    assert edits(recorded(), Standing(None, {2: TWO, 3: THREE})) == (Edit(Change.VERSION_DELETED, 1),)
    everything = edits(recorded(), Standing(None, {}))
    assert everything == tuple(Edit(Change.VERSION_DELETED, number) for number in (1, 2, 3))


@pytest.mark.parametrize("manifest", [None, ONE])
def test_tags_that_are_gone_or_speak_of_another_bundle(manifest: ExternalManifest | None) -> None:
    assert edits(recorded(), standing(v2=manifest)) == (Edit(Change.MANIFEST_CHANGED, 2),)


def test_versions_of_somebody_else_are_nobodys_business() -> None:
    assert edits(recorded(), standing(v4=None, v5=ONE)) == ()


@pytest.mark.parametrize(
    ("edit", "policy", "expected"),
    [
        (Edit(Change.ALIAS_MOVED, 1, 3), EditPolicy.PUT_BACK, Remedy.PUT_BACK),
        (Edit(Change.ALIAS_MOVED, 1, 3), EditPolicy.ADOPT, Remedy.ADOPT),
        (Edit(Change.ALIAS_DELETED, 1), EditPolicy.ADOPT, Remedy.PUT_BACK),
        (Edit(Change.MANIFEST_CHANGED, 2), EditPolicy.ADOPT, Remedy.PUT_BACK),
        (Edit(Change.VERSION_DELETED, 3), EditPolicy.ADOPT, Remedy.WITHDRAW),
        (Edit(Change.VERSION_DELETED, 1), EditPolicy.PUT_BACK, Remedy.PAGE),
    ],
)
def test_what_is_done(edit: Edit, policy: EditPolicy, expected: Remedy) -> None:
    assert remedy(edit, policy, {1, 2}) is expected


def over(edit: Edit, *seen: Edit, serving: int = 1, there: Standing | None = None) -> Outcome | None:
    return ended(edit, seen, there or standing(), serving=serving, needed={1})


def test_an_edit_stands_while_it_is_seen_and_then_says_what_became_of_it() -> None:
    moved = Edit(Change.ALIAS_MOVED, 1, 3)
    assert over(moved, moved) is None
    assert over(moved) is Outcome.PUT_BACK
    assert over(moved, serving=3) is Outcome.ADOPTED
    assert over(moved, Edit(Change.ALIAS_MOVED, 1, 2)) is Outcome.REPLACED
    assert over(Edit(Change.MANIFEST_CHANGED, 2), moved) is Outcome.PUT_BACK


def test_a_deleted_version_stands_until_it_is_back_or_nothing_rests_on_it() -> None:
    gone = Standing(None, {2: TWO})
    assert over(Edit(Change.VERSION_DELETED, 1), there=gone) is None
    assert over(Edit(Change.VERSION_DELETED, 3), there=gone) is Outcome.WITHDRAWN
    assert over(Edit(Change.VERSION_DELETED, 2), there=gone) is Outcome.RETURNED


_NUMBERS = st.sampled_from([None, 1, 2, 3])


@given(_NUMBERS, _NUMBERS, _NUMBERS, st.sets(st.sampled_from([1, 2, 3])))
def test_putting_everything_back_leaves_no_edit(
    serving: int | None, written: int | None, production: int | None, left: set[int]
) -> None:
    """Once the alias is where the ledger says and no tag is wrong, only what is gone for good still stands."""
    broken = Standing(production if production in left else None, dict.fromkeys(left))
    known = recorded(serving, written)
    mended = Standing(serving if serving in left else broken.production, {number: MANIFESTS[number] for number in left})
    remaining = edits(known, mended)
    deleted = {Edit(Change.VERSION_DELETED, number) for number in MANIFESTS.keys() - left}
    assert {each for each in remaining if each.change is not Change.ALIAS_MOVED} >= deleted
    if serving in left:
        assert set(remaining) == deleted
    assert {each.version for each in edits(known, broken) if each.change is Change.MANIFEST_CHANGED} == left
