"""Which version may be gone back to without asking anybody."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.ledger import Draft, Entry, EntryKind, append
from registry.rules import known_good, serving
from safelight.responding.fitness import FLAP, Fitness, fitness, target

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def chain(*steps: tuple[EntryKind, int]) -> list[Entry]:
    """One entry an hour."""
    entries: list[Entry] = []
    for place, (kind, to) in enumerate(steps):
        draft = Draft(
            generator="studio",
            scope="default",
            kind=kind,
            from_version=serving(entries),
            to_version=to,
            to_digest=digest(to),
            actor="ann",
            reason="",
        )
        entries.append(append(entries[-1] if entries else None, draft, NOON + timedelta(hours=place)))
    return entries


def digest(version: int) -> str:
    return f"sha256:{version}"


PROMOTE, ACCEPT, ROLLBACK = EntryKind.PROMOTE, EntryKind.ACCEPT, EntryKind.ROLLBACK
LATER = chain((PROMOTE, 1), (ACCEPT, 1), (PROMOTE, 2))


def judged(entries: list[Entry], version: int, /, **known: object) -> Fitness:
    told = {"digest": digest(version), "quarantined": (), "unverified": (), "now": entries[-1].at} | known
    return fitness(entries, version, **told)  # type: ignore[arg-type]  # by name


def test_a_version_that_nothing_speaks_against_is_fit() -> None:
    assert judged(LATER, 1) is Fitness.FIT


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"quarantined": {1}}, Fitness.QUARANTINED),
        ({"digest": "sha256:other"}, Fitness.CHANGED),
        ({"digest": None}, Fitness.CHANGED),
        ({"unverified": {1}}, Fitness.UNVERIFIED),
        ({"unverified": {1}, "quarantined": {1}}, Fitness.QUARANTINED),
    ],
)
def test_one_fact_is_enough_to_speak_against_it(known: dict[str, object], expected: Fitness) -> None:
    assert judged(LATER, 1, **known) is expected


def test_a_to_b_and_back_to_a_is_not_done_twice_a_day() -> None:
    taken_back = chain((PROMOTE, 2), (ACCEPT, 2), (PROMOTE, 1), (ACCEPT, 1), (ROLLBACK, 2), (PROMOTE, 1), (ACCEPT, 1))
    again = [*taken_back, *chain((PROMOTE, 2))]
    assert judged(again, 1, now=taken_back[4].at + timedelta(hours=3)) is Fitness.FLAPS
    assert judged(again, 1, now=taken_back[4].at + FLAP) is Fitness.FIT
    assert judged(taken_back, 2) is Fitness.FIT


kinds = st.sampled_from(EntryKind)


@given(st.lists(st.tuples(kinds, st.integers(1, 4)), min_size=1, max_size=12), st.sets(st.integers(1, 4)))
def test_what_is_suggested_is_known_good_and_fit_where_anything_is(
    steps: list[tuple[EntryKind, int]], unfit: set[int]
) -> None:
    entries = chain(*steps)
    found = target(entries, unfit)
    good = known_good(entries) - {serving(entries)}
    assert (found is None) is (not good)
    if found is not None:
        assert found in good
        assert found not in unfit or good <= unfit
