"""Which versions a host holds: the right ones, in the right order, never too many."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.ledger import Draft, Entry, EntryKind, append
from safelight.serving.desired import Bundle, changes, may_trust_unchanged, rest_seconds, wanted

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
VERSIONS = st.integers(1, 6)


def chain(*steps: tuple[EntryKind, int]) -> list[Entry]:
    entries: list[Entry] = []
    for kind, version in steps:
        tail = entries[-1] if entries else None
        draft = Draft(
            generator="sprites",
            scope="default",
            kind=kind,
            from_version=tail.to_version if tail else None,
            to_version=version,
            to_digest="sha256:" + "0" * 64,
            actor="tester",
            reason="",
        )
        entries.append(append(tail, draft, MOMENT))
    return entries


def promotes(*versions: int) -> list[Entry]:
    return chain(*((EntryKind.PROMOTE, version) for version in versions))


def test_nothing_is_held_before_the_first_promote() -> None:
    assert wanted([], [], keep_warm=1) == ((), ())


def test_the_first_target_is_held_while_nothing_serves() -> None:
    assert wanted([], [1], keep_warm=1) == ((1,), ())


def test_what_served_before_stays_warm() -> None:
    assert wanted(promotes(1, 2), [], keep_warm=1) == ((2,), (1,))


def test_a_target_is_loaded_beside_what_serves_and_what_is_warm() -> None:
    assert wanted(promotes(1, 2), [3], keep_warm=1) == ((2, 3), (1,))


def test_the_last_known_good_is_kept_before_what_served_more_recently() -> None:
    entries = chain(
        (EntryKind.PROMOTE, 1), (EntryKind.ACCEPT, 1), (EntryKind.PROMOTE, 2), (EntryKind.PROMOTE, 3)
    )  # fmt: skip
    assert wanted(entries, [], keep_warm=1) == ((3,), (1,))
    assert wanted(entries, [], keep_warm=2) == ((3,), (1, 2))


def test_nothing_stays_warm_when_none_may() -> None:
    assert wanted(promotes(1, 2, 3), [], keep_warm=0) == ((3,), ())


@given(st.lists(VERSIONS, max_size=8), st.lists(VERSIONS, max_size=3), st.integers(0, 3))
def test_what_is_wanted_is_bounded_and_leads_with_what_serves(
    history: list[int], targets: list[int], keep_warm: int
) -> None:
    needed, waiting = wanted(promotes(*history), targets, keep_warm)
    found = (*needed, *waiting)
    assert len(found) == len(set(found)) <= bool(history) + len(set(targets)) + keep_warm
    assert found[: bool(history)] == tuple(history[-1:])
    assert set(targets) <= set(needed)
    assert set(found) <= {*history, *targets}
    assert len(waiting) <= keep_warm


BUNDLES = st.builds(Bundle, st.sampled_from(["a", "b"]), VERSIONS)


@given(st.lists(BUNDLES, unique=True), st.sets(BUNDLES), st.sets(BUNDLES))
def test_a_host_never_runs_more_engines_than_it_wants(
    wanted_now: list[Bundle], held: set[Bundle], resting: set[Bundle]
) -> None:
    todo = changes(wanted_now, held, resting)
    assert todo.retire == held - set(wanted_now)
    assert set(todo.start) <= set(wanted_now) - held - resting
    assert len(held) + len(todo.start) <= max(len(wanted_now), len(held))


@given(st.lists(BUNDLES, unique=True), st.sets(BUNDLES))
def test_in_the_end_exactly_what_is_wanted_runs(wanted_now: list[Bundle], held: set[Bundle]) -> None:
    for _ in range(2):  # retired engines end, and make room for the next step
        todo = changes(wanted_now, held, resting=())
        held = (held | set(todo.start)) - todo.retire
    assert held == set(wanted_now)


def test_the_most_important_version_starts_first() -> None:
    versions = [Bundle("a", number) for number in (3, 1, 2)]
    assert changes(versions, {Bundle("a", 9), Bundle("a", 8)}, ()).start == (Bundle("a", 3),)


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (1, 0), (2, 1), (3, 2), (6, 16), (60, 300)])
def test_a_version_that_keeps_failing_rests_longer_and_longer(failures: int, seconds: float) -> None:
    assert rest_seconds(failures) == seconds


def test_what_is_served_elsewhere_is_never_held() -> None:
    entries = promotes(1, 2, 3, 4)
    assert wanted(entries, [5], keep_warm=1, elsewhere={4, 3, 5}) == ((), (2,))
    assert wanted(entries, [], keep_warm=1, elsewhere={1, 2, 3, 4}) == ((), ())


@pytest.mark.parametrize(
    ("spare", "failures", "may"), [(False, 0, True), (False, 1, True), (False, 2, False), (True, 0, False)]
)
def test_drills_and_versions_that_keep_failing_are_read_again(spare: bool, failures: int, may: bool) -> None:
    assert may_trust_unchanged(Bundle("sprites", 1, spare=spare), failures) is may
