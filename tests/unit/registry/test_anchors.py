"""A chain that was cut or rewritten is a valid chain: what was noted elsewhere uncovers it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.anchors import anchored, breaks, from_line, newest, to_line
from registry.ledger import Break, BreakReason, Draft, Entry, EntryKind, append, verify

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _chain(versions: list[int], actor: str = "ada") -> list[Entry]:
    entries: list[Entry] = []
    for minute, version in enumerate(versions):
        tail = entries[-1] if entries else None
        draft = Draft(
            generator="emoji",
            scope="default",
            kind=EntryKind.PROMOTE,
            from_version=tail.to_version if tail else None,
            to_version=version,
            to_digest="sha256:" + "a" * 64,
            actor=actor,
            reason="",
        )
        entries.append(append(tail, draft, NOON + timedelta(minutes=minute)))
    return entries


@given(versions=st.lists(st.integers(1, 5), min_size=1, max_size=8), data=st.data())
def test_any_anchored_entry_uncovers_a_chain_that_was_written_anew_or_cut(versions: list[int], data: Any) -> None:
    entries = _chain(versions)
    noted = data.draw(st.lists(st.sampled_from(entries), min_size=1))
    anchors = {entry.seq: entry.hash for entry in noted}
    assert verify(entries, anchors=anchors) is None
    first, last = min(anchors), max(anchors)
    assert verify(_chain(versions, actor="mallory"), anchors=anchors) == Break(first, BreakReason.ANCHOR)
    assert verify(entries[: last - 1], anchors=anchors) == Break(last - 1, BreakReason.HEAD)


def test_an_entry_after_the_last_anchor_may_follow() -> None:
    entries = _chain([1, 2, 3])
    assert verify(entries, anchors={2: entries[1].hash}) is None


def test_a_part_of_a_chain_holds_after_the_entry_before_it() -> None:
    entries = _chain([1, 2, 3])
    assert verify(entries[1:], tail=entries[0]) is None
    assert verify(entries[2:], tail=entries[0]) == Break(3, BreakReason.SEQUENCE)


def test_an_anchor_knows_its_entry_again() -> None:
    entry, forged = _chain([1])[0], _chain([1], actor="mallory")[0]
    anchor = anchored(entry, NOON)
    assert breaks(anchor, entry) is None
    assert breaks(anchor, forged) is BreakReason.ANCHOR
    assert breaks(anchor, None) is BreakReason.HEAD


def test_an_anchor_is_one_line_and_read_back_the_same() -> None:
    anchor = replace(anchored(_chain([1])[0], NOON), generator="a\nb")
    assert "\n" not in to_line(anchor)
    assert from_line(to_line(anchor)) == anchor


def test_the_newest_of_each_chain_counts() -> None:
    first, second = (anchored(entry, NOON) for entry in _chain([1, 2]))
    elsewhere = replace(first, scope="eu")
    assert newest([first, elsewhere, second]) == {first.chain: second, elsewhere.chain: elsewhere}


@pytest.mark.parametrize("line", ["", "null", "{}", '"x"', '{"at": "2026-11-23T12:00:00+00:00"}', "{"])
def test_what_is_no_anchor_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_line(line)


def test_an_anchor_without_a_time_zone_or_with_a_number_as_text_is_refused() -> None:
    line = to_line(anchored(_chain([1])[0], NOON))
    for wrong in (line.replace("+00:00", ""), line.replace('"seq":1', '"seq":"1"')):
        with pytest.raises(ValueError, match="no anchor"):
            from_line(wrong)
