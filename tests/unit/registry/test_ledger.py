"""The chain holds as it was written, and breaks on any edit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import Kind
from registry.ledger import GENESIS, Break, BreakReason, Draft, Entry, EntryKind, StaleServing, _hash, append, verify

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
DRAFT = Draft(
    generator="emoji",
    scope="default",
    kind=EntryKind.PROMOTE,
    from_version=None,
    to_version=1,
    to_digest="sha256:" + "a" * 64,
    actor="ada",
    reason="first light",
)


def chain(*versions: int, start: datetime = NOON) -> list[Entry]:
    entries: list[Entry] = []
    for minute, version in enumerate(versions):
        tail = entries[-1] if entries else None
        draft = replace(DRAFT, from_version=tail.to_version if tail else None, to_version=version, reason=f"{minute}")
        entries.append(append(tail, draft, start + timedelta(minutes=minute)))
    return entries


def resealed(entry: Entry, **changes: Any) -> Entry:
    """As somebody would forge it who knows how the hash is made."""
    forged = replace(entry, **changes)
    return replace(forged, hash=_hash(forged))


def test_the_first_entry() -> None:
    entry = append(None, DRAFT, NOON)
    assert (entry.seq, entry.prev_hash, entry.at) == (1, GENESIS, NOON)
    assert verify([entry]) is None


def test_its_hash_never_changes_between_releases() -> None:
    """Chains outlive releases: a change of this value breaks every ledger written before."""
    assert append(None, DRAFT, NOON).hash == "sha256:d5650c3b002040e376219eb8bd9344822758ae4eb26ff05873a5390d500e3e61"


def test_a_chain_holds_with_and_without_its_head() -> None:
    entries = chain(1, 2, 1, 3)
    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert verify(entries) is None
    assert verify(entries, head=entries[-1].hash) is None
    assert verify([], head=GENESIS) is None


def test_a_time_zone_makes_no_difference() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert append(None, DRAFT, elsewhere) == append(None, DRAFT, NOON)
    assert verify([replace(append(None, DRAFT, NOON), at=elsewhere)]) is None


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        append(None, DRAFT, datetime(2026, 7, 1))  # noqa: DTZ001 a naive time is the point
    with pytest.raises(ValueError, match="aware"):
        replace(append(None, DRAFT, NOON), at=datetime(2026, 7, 1))  # noqa: DTZ001 as above


def test_a_clock_set_back_does_not_turn_the_chain() -> None:
    first = append(None, DRAFT, NOON)
    second = append(first, replace(DRAFT, from_version=1, to_version=2), NOON - timedelta(hours=1))
    assert second.at == NOON
    assert verify([first, second]) is None


def test_a_draft_made_for_another_state_is_stale() -> None:
    (first,) = chain(1)
    late = append(first, replace(DRAFT, from_version=1, to_version=2), NOON)
    with pytest.raises(StaleServing) as refused:
        append(late, replace(DRAFT, from_version=1, to_version=3), NOON)
    assert refused.value.code == "stale_expected_serving"
    assert refused.value.kind is Kind.CONFLICT
    assert "version 1 served; now version 2 does" in refused.value.message
    with pytest.raises(StaleServing, match="nothing served; now version 1 does"):
        append(first, DRAFT, NOON)


@pytest.mark.parametrize("other", [{"generator": "other"}, {"scope": "eu"}])
def test_an_entry_of_another_chain_is_refused(other: dict[str, Any]) -> None:
    (first,) = chain(1)
    with pytest.raises(ValueError, match="another chain"):
        append(first, replace(DRAFT, from_version=1, **other), NOON)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"reason": "other"}, BreakReason.HASH),
        ({"hash": GENESIS}, BreakReason.HASH),
        ({"prev_hash": GENESIS}, BreakReason.LINK),
        ({"seq": 7}, BreakReason.SEQUENCE),
        ({"scope": "eu"}, BreakReason.FOREIGN),
    ],
)
def test_an_edited_entry_is_named_with_its_reason(changes: dict[str, Any], reason: BreakReason) -> None:
    entries = chain(1, 2, 1)
    entries[1] = replace(entries[1], **changes)
    found = verify(entries)
    assert found == Break(entries[1].seq, reason)


def test_a_forged_entry_breaks_the_next_link() -> None:
    entries = chain(1, 2, 1)
    entries[1] = resealed(entries[1], actor="mallory")
    assert verify(entries) == Break(3, BreakReason.LINK)


def test_a_forged_last_entry_is_seen_by_the_head_alone() -> None:
    entries = chain(1, 2, 1)
    head = entries[-1].hash
    entries[-1] = resealed(entries[-1], actor="mallory")
    assert verify(entries) is None
    assert verify(entries, head=head) == Break(3, BreakReason.HEAD)


def test_a_chain_cut_short_is_seen_by_the_head_alone() -> None:
    entries = chain(1, 2, 1)
    assert verify(entries[:-1]) is None
    assert verify(entries[:-1], head=entries[-1].hash) == Break(2, BreakReason.HEAD)
    assert verify([], head=entries[-1].hash) == Break(0, BreakReason.HEAD)


def test_a_time_before_the_one_before_is_seen() -> None:
    entries = chain(1, 2)
    entries[1] = resealed(entries[1], at=NOON - timedelta(seconds=1))
    assert verify(entries) == Break(2, BreakReason.TIME)


def test_an_entry_that_continues_from_elsewhere_is_seen() -> None:
    entries = chain(1, 2)
    entries[1] = resealed(entries[1], from_version=9)
    assert verify(entries) == Break(2, BreakReason.SERVING)


edits = st.fixed_dictionaries(
    {},
    optional={
        "generator": st.text(max_size=5),
        "scope": st.text(max_size=5),
        "kind": st.sampled_from(EntryKind),
        "from_version": st.none() | st.integers(1, 9),
        "to_version": st.integers(1, 9),
        "to_digest": st.text(max_size=5),
        "actor": st.text(max_size=5),
        "reason": st.text(max_size=5),
        "incident_id": st.none() | st.text(max_size=5),
        "seq": st.integers(0, 9),
        "at": st.datetimes(timezones=st.just(UTC)),
        "prev_hash": st.text(max_size=5),
        "hash": st.text(max_size=5),
    },
)


@given(versions=st.lists(st.integers(1, 5), min_size=1, max_size=6), place=st.integers(0, 5), edit=edits)
def test_any_edit_breaks_the_chain(versions: list[int], place: int, edit: dict[str, Any]) -> None:
    entries = chain(*versions)
    place %= len(entries)
    edited = [*entries]
    edited[place] = replace(entries[place], **edit)
    assert (verify(edited) is None) == (edited == entries)


@given(versions=st.lists(st.integers(1, 5), min_size=2, max_size=6), order=st.randoms(use_true_random=False))
def test_any_other_selection_or_order_breaks_the_chain(versions: list[int], order: Any) -> None:
    entries = chain(*versions)
    chosen = order.choices(entries, k=order.randint(0, 7))
    assert (verify(chosen, head=entries[-1].hash) is None) == (chosen == entries)
