"""Which baselines a version is held against."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from registry.ledger import Draft, Entry, EntryKind, append
from safelight.store.baselines import KnownBaseline
from safelight.watching.references import references

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EYES = "sha256:eyes"


def baseline(version: int, minutes: int = 0, embedder: str = EYES) -> KnownBaseline:
    return KnownBaseline(
        id=UUID(int=version * 1000 + minutes),
        generator="studio",
        version=version,
        name=f"{version} after {minutes}",
        source="traffic",
        embedder_digest=embedder,
        n=3000,
        blank=0,
        data_from=None,
        data_to=None,
        lens_digest="",
        created_at=NOON + timedelta(minutes=minutes),
        created_by="anna",
    )


def ledger(*steps: tuple[EntryKind, int | None, int]) -> list[Entry]:
    entries: list[Entry] = []
    for kind, before, after in steps:
        draft = Draft(
            generator="studio",
            scope="default",
            kind=kind,
            from_version=before,
            to_version=after,
            to_digest="",
            actor="anna",
            reason="",
        )
        entries.append(append(entries[-1] if entries else None, draft, NOON))
    return entries


PROMOTE, ROLLBACK, ACCEPT = EntryKind.PROMOTE, EntryKind.ROLLBACK, EntryKind.ACCEPT


def test_the_first_version_has_only_itself() -> None:
    found = references(1, ledger((PROMOTE, None, 1)), [baseline(1)], EYES)
    assert (found.own, found.previous) == (baseline(1), None)
    assert found.all == (baseline(1),)
    assert found.first


def test_a_release_is_compared_with_what_it_replaced() -> None:
    found = references(2, ledger((PROMOTE, None, 1), (PROMOTE, 1, 2)), [baseline(1), baseline(2)], EYES)
    assert found.all == (baseline(2), baseline(1))
    assert not found.first


def test_the_newest_baseline_counts() -> None:
    chain = ledger((PROMOTE, None, 1), (PROMOTE, 1, 2))
    found = references(2, chain, [baseline(1, 9), baseline(2, 5), baseline(1, 3), baseline(2, 7)], EYES)
    assert found.all == (baseline(2, 7), baseline(1, 9))


def test_what_another_embedder_saw_is_never_compared() -> None:
    chain = ledger((PROMOTE, None, 1), (PROMOTE, 1, 2))
    assert references(2, chain, [baseline(1, embedder="other"), baseline(2, embedder="other")], EYES).all == ()


def test_a_version_without_baseline_is_passed_over() -> None:
    chain = ledger((PROMOTE, None, 1), (ACCEPT, 1, 1), (PROMOTE, 1, 2), (PROMOTE, 2, 3))
    assert references(3, chain, [baseline(1)], EYES).previous == baseline(1)


def test_after_a_rollback_the_comparison_is_with_what_was_replaced_then() -> None:
    chain = ledger((PROMOTE, None, 1), (PROMOTE, 1, 2), (PROMOTE, 2, 3), (ROLLBACK, 3, 2))
    assert references(2, chain, [baseline(1), baseline(3)], EYES).previous == baseline(1)


def test_a_second_promote_is_compared_with_what_it_replaced() -> None:
    chain = ledger((PROMOTE, None, 1), (PROMOTE, 1, 2), (ROLLBACK, 2, 1), (PROMOTE, 1, 3), (PROMOTE, 3, 2))
    assert references(2, chain, [baseline(1), baseline(3)], EYES).previous == baseline(3)


def test_a_version_that_was_never_promoted_is_compared_with_what_it_is_about_to_replace() -> None:
    chain = ledger((PROMOTE, None, 1), (PROMOTE, 1, 2))
    assert references(9, chain, [baseline(1), baseline(2)], EYES).all == (baseline(2),)
    assert references(9, [], [baseline(1)], EYES).first
