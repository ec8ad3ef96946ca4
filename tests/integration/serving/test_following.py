"""A gateway follows the ledger at every look, and reads the rest every few."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import update

from registry.canary import CanaryPlan, CanaryStep
from registry.external import parse_any
from registry.ledger import Draft, EntryKind
from registry.progress import State
from safelight.clock import ManualClock
from safelight.serving import live_routing
from safelight.serving.live_routing import LiveRouting
from safelight.store import canaries, ledger, releases, versions
from safelight.store.database import Database
from safelight.store.tables.releases import VersionRow
from safelight.store.versions import KnownVersion

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MANIFEST = parse_any({"kind": "external", "name": "portraits:1"})


def _promote(database: Database, generator: str = "portraits", version: int = 1) -> int:
    draft = Draft(
        generator=generator,
        scope=ledger.DEFAULT_SCOPE,
        kind=EntryKind.PROMOTE,
        from_version=None if version == 1 else version - 1,
        to_version=version,
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


def _register(database: Database, generator: str, *numbers: int) -> None:
    with database.transaction() as session:
        versions.add_generator(session, generator, "", NOON)
        for number in numbers:
            known = KnownVersion(generator, number, f"sha256:{number}", MANIFEST, "", NOON, "tester")
            versions.put_version(session, known)


def _try(database: Database, generator: str, plan: CanaryPlan) -> UUID:
    with database.transaction() as session:
        release = releases.add(
            session,
            generator=generator,
            kind=EntryKind.PROMOTE,
            from_version=1,
            to_version=2,
            actor="tester",
            reason="",
            incident_id=None,
            now=NOON,
        )
        releases.move(session, release, State.CANARY, NOON)
        canaries.add(session, release.id, plan)
        return release.id


def test_what_one_generator_has_that_cannot_be_read_holds_up_no_other(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    for generator in ("broken", "crooked", "portraits", "sound"):
        _register(database, generator, 1, 2)
        _promote(database, generator)
    routing = LiveRouting(database, "gateway-1", ManualClock(NOON))
    asyncio.run(routing.refresh())
    _promote(database, "broken", 2)
    _promote(database, "portraits", 2)
    tried = _try(database, "crooked", CanaryPlan.model_construct(steps=()))
    _try(database, "sound", CanaryPlan(steps=(CanaryStep(weight=5, bake_seconds=60),)))
    with database.transaction() as session:
        later = update(VersionRow).where(VersionRow.generator == "broken", VersionRow.number == 2)
        session.execute(later.values(manifest={"kind": "of a later release"}))
    for _ in range(3):
        asyncio.run(routing.refresh())
    routes = {name: route for name, route in routing.table.routes.items() if route is not None}
    served = {name: route.version.number for name, route in routes.items()}
    assert served == {"broken": 1, "crooked": 1, "portraits": 2, "sound": 1}
    assert [name for name, route in routes.items() if route.canary is not None] == ["sound"]
    told = [record.message.replace(str(tried), "X") for record in caplog.records]
    assert told == [
        "version 2 of broken cannot be read; nothing is routed by it",
        "the canary of release X cannot be read; nothing is routed by it",
    ]
