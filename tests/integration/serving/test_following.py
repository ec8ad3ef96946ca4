"""A gateway follows the ledger at every look, and reads the rest every few."""

import asyncio
from datetime import UTC, datetime

import pytest

from registry.external import parse_any
from registry.ledger import Draft, EntryKind
from safelight.clock import ManualClock
from safelight.serving import live_routing
from safelight.serving.live_routing import LiveRouting
from safelight.store import ledger, versions
from safelight.store.database import Database
from safelight.store.versions import KnownVersion

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MANIFEST = parse_any({"kind": "external", "name": "portraits:1"})


def _promote(database: Database) -> int:
    draft = Draft(
        generator="portraits",
        scope=ledger.DEFAULT_SCOPE,
        kind=EntryKind.PROMOTE,
        from_version=None,
        to_version=1,
        to_digest="sha256:b",
        actor="tester",
        reason="a test",
    )
    with database.transaction() as session:
        return ledger.add(session, draft, NOON).seq


@pytest.mark.parametrize("every", [1, 1_000_000])
def test_an_entry_is_routed_by_without_waiting_for_the_next_refresh(
    database: Database, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    monkeypatch.setattr(live_routing, "REFRESHED_EVERY", every)
    with database.transaction() as session:
        versions.add_generator(session, "portraits", "", NOON)
        versions.put_version(session, KnownVersion("portraits", 1, "sha256:b", MANIFEST, "", NOON, "tester"))

    async def story() -> None:
        routing = LiveRouting(database, "gateway-1", ManualClock(NOON))
        following = asyncio.create_task(routing.run())
        await routing.wait_for_refresh(5.0)
        assert routing.table.ledger_heads == {}
        await asyncio.to_thread(_promote, database)
        async with asyncio.timeout(10):
            while routing.table.ledger_heads != {"portraits": 1}:
                await routing.wait_for_refresh(1.0)
        following.cancel()

    asyncio.run(story())
