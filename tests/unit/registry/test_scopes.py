"""Which scope a release comes to next."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from registry.ledger import EntryKind
from registry.scopes import Lead, Standing, to_follow

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BAKE = timedelta(minutes=10)


def ago(minutes: float | None) -> datetime | None:
    return None if minutes is None else NOW - timedelta(minutes=minutes)


def lead(minutes: float | None = 60, kind: EntryKind = EntryKind.PROMOTE) -> Lead:
    return Lead(kind=kind, version=2, serving_since=ago(minutes))


def scope(name: str, desired: int | None, minutes: float | None = None, bake: timedelta = BAKE) -> Standing:
    return Standing(scope=name, desired=desired, serving_since=ago(minutes), bake=bake)


def test_nobody_follows_before_the_first_one_serves_and_has_baked() -> None:
    following = [scope("eu", 1, 60), scope("us", 1, 60)]
    assert to_follow(lead(None), BAKE, following, NOW) == ()
    assert to_follow(lead(9), BAKE, following, NOW) == ()
    assert to_follow(lead(10), BAKE, following, NOW) == ("eu",)


def test_one_after_the_other() -> None:
    assert to_follow(lead(), BAKE, [scope("eu", 2, 9), scope("us", None)], NOW) == ()
    assert to_follow(lead(), BAKE, [scope("eu", 2, 10), scope("us", None)], NOW) == ("us",)
    assert to_follow(lead(), BAKE, [scope("eu", 2, 10), scope("us", 2, 1)], NOW) == ()


def test_one_that_is_cut_off_holds_up_those_after_it_and_keeps_what_it_was_told() -> None:
    assert to_follow(lead(), BAKE, [scope("eu", 2, None), scope("us", 1, 60)], NOW) == ()


def test_a_way_back_waits_for_nobody() -> None:
    following = [scope("eu", 3, None), scope("us", 2, 60), scope("asia", 3, 60), scope("new", None)]
    assert to_follow(lead(None, EntryKind.ROLLBACK), BAKE, following, NOW) == ("eu", "asia", "new")


_SCOPES = st.lists(st.tuples(st.sampled_from([None, 1, 2]), st.sampled_from([None, 0, 9, 11])), min_size=1, max_size=5)


@given(_SCOPES, st.sampled_from([None, 0, 11]))
def test_a_promote_never_overtakes(scopes: list[tuple[int | None, float | None]], since: float | None) -> None:
    following = [scope(f"s{place}", *each) for place, each in enumerate(scopes)]
    chosen = to_follow(lead(since), BAKE, following, NOW)
    assert len(chosen) <= 1
    if chosen:
        before = following[: [each.scope for each in following].index(chosen[0])]
        assert all(each.desired == 2 and each.serving_since is not None for each in before)
        assert all(NOW - each.serving_since >= BAKE for each in before if each.serving_since)


@given(st.lists(st.sampled_from([None, 1, 2, 3]), min_size=1, max_size=6), st.sampled_from(list(EntryKind)[:2]))
def test_it_comes_to_every_scope_in_the_end(desired: list[int | None], kind: EntryKind) -> None:
    standing = [scope(f"s{place}", each, 60 if each else None) for place, each in enumerate(desired)]
    for _ in range(len(standing) + 1):
        chosen = to_follow(lead(60, kind), BAKE, standing, NOW)
        standing = [scope(each.scope, 2, 60) if each.scope in chosen else each for each in standing]
    assert {each.desired for each in standing} == {2}
