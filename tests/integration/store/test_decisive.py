"""What the rules go by is found without reading all that ever happened, and they say the same of it."""

import random
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from registry.ledger import Draft, Entry, EntryKind
from registry.rules import known_good, last_known_good, quarantined, serving
from safelight.responding.fitness import fitness
from safelight.serving.desired import wanted
from safelight.store import chains, drills, ledger, versions
from safelight.store.database import Database, Session
from safelight.watching.references import _served_before

from .plans import plans  # noqa: TID252

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
VERSIONS = range(1, 6)
KINDS = 5
STEPS = 120


@pytest.fixture
def filled(database: Database) -> Database:
    """A generator whose versions take turns again and again, and another one."""
    chance = random.Random(7)
    with database.transaction() as session:
        for name in ("cats", "dogs"):
            versions.add_generator(session, name, "", NOON)
            now = None
            for step in range(STEPS if name == "cats" else 3):
                kind = EntryKind.PROMOTE if now is None else chance.choice(list(EntryKind))
                to = now if kind is EntryKind.ACCEPT and now else chance.choice([v for v in VERSIONS if v != now])
                now = _enter(session, name, kind, now, to, chance.random() < 0.5, step).to_version
    return database


def _enter(
    session: Session, name: str, kind: EntryKind, before: int | None, to: int, incident: bool, step: int
) -> Entry:
    draft = Draft(
        generator=name,
        scope=ledger.DEFAULT_SCOPE,
        kind=kind,
        from_version=before,
        to_version=to,
        to_digest=f"sha256:{to:064x}",
        actor="ann",
        reason="a test",
        incident_id="an incident" if incident and kind is EntryKind.ROLLBACK else None,
    )
    return ledger.add(session, draft, NOON + timedelta(hours=step))


def test_every_rule_says_the_same_of_it_at_every_time(filled: Database) -> None:
    with filled.reading() as session:
        whole = ledger.chain(session, "cats")
        for upto in range(STEPS + 1):
            entries, few = whole[:upto], chains.decisive(session, "cats", upto=upto)
            assert len(few) <= KINDS * len(VERSIONS)
            assert _said(few) == _said(entries)
            for version in VERSIONS if upto % 10 == 0 else ():
                leading = chains.leading_to(session, "cats", version, upto=upto)
                before = [list(dict.fromkeys(_served_before(version, each))) for each in (leading, entries)]
                assert before[0] == before[1]
        assert chains.decisive(session, "cats") == chains.decisive(session, "cats", upto=STEPS)
        assert chains.decisive(session, "cats", "elsewhere") == chains.decisive(session, "fish") == []


def _said(entries: Sequence[Entry]) -> list[object]:
    held = quarantined(entries)
    now = entries[-1].at + timedelta(hours=1) if entries else NOON
    put = [entry for entry in entries if entry.kind is not EntryKind.ACCEPT]
    return [
        serving(entries),
        known_good(entries),
        held,
        last_known_good(entries),
        [last_known_good(entries, excluding=[version]) for version in VERSIONS],
        {entry.to_version for entry in entries},
        wanted(entries, [], len(VERSIONS)),
        put[-1:],
        [
            fitness(entries, each, digest=f"sha256:{each:064x}", quarantined=held, unverified=(), now=now)
            for each in VERSIONS
        ],
    ]


LEDGER = ("ledger_generator_scope_to_version_kind_seq", "ledger_generator_scope_from_version_kind_seq")


@pytest.mark.parametrize(
    ("ask", "indexes"),
    [
        (lambda session: chains.decisive(session, "cats"), LEDGER),
        (lambda session: chains.leading_to(session, "cats", 1), LEDGER),
        (lambda session: drills.newest(session, "cats"), ("drills_generator_version_id",)),
    ],
    ids=["decisive", "leading to", "drills"],
)
def test_it_is_found_by_indexes(filled: Database, ask: Callable[[Session], object], indexes: tuple[str, ...]) -> None:
    steps = plans(filled, ask)
    assert [step for step in steps if re.search("SCAN (ledger|drills)|Seq Scan", step)] == []
    if filled.is_sqlite:  # PostgreSQL knows that there are few rows, and that any index will do
        assert all(any(index in step for step in steps) for index in indexes)
