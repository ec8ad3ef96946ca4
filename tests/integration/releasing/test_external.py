"""Releases of versions that somebody else's service serves: entries of the ledger, and nothing to load."""

import pytest

from registry.external import parse_external
from registry.ledger import EntryKind, verify
from registry.progress import State
from safelight.clock import ManualClock
from safelight.releasing.service import Releasing
from safelight.store import ledger, releases, versions
from safelight.store.database import Database
from safelight.store.releases import KnownRelease
from safelight.store.versions import KnownVersion

FIRST, SECOND = 5, 6


@pytest.fixture
def external(database: Database, generator: str, clock: ManualClock) -> str:
    with database.transaction() as session:
        for number in (FIRST, SECOND):
            told = parse_external({"name": f"portraits:{number}"})
            known = KnownVersion(generator, number, told.digest, told, "", clock.now(), "test")
            versions.put_version(session, known)
    return generator


def promote(database: Database, releasing: Releasing, generator: str, version: int) -> KnownRelease:
    with database.transaction() as session:
        return releasing.promote(
            session, generator=generator, version=version, expected_serving=None, actor="ann", reason="deployed"
        )


def test_it_is_known_for_what_it_is(database: Database, external: str) -> None:
    with database.reading() as session:
        assert versions.external(session, external) == {FIRST, SECOND}
        known = versions.require_version(session, external, FIRST)
    assert known.external
    assert known.manifest == parse_external({"name": f"portraits:{FIRST}"})


def test_a_promote_is_entered_at_once_with_no_engine_anywhere(
    database: Database, releasing: Releasing, external: str
) -> None:
    release = promote(database, releasing, external, FIRST)
    assert release.state is State.FLIPPING
    with database.transaction() as session:
        releasing.advance(session, external)
        found = releases.require(session, release.id)
        steps = [(step.step, step.detail) for step in releases.steps(session, release.id)]
        chain = ledger.chain(session, external)
    assert found.state is State.SERVING
    assert ("flipping", "somebody else's service serves it") in steps
    assert [(entry.kind, entry.to_version, entry.actor, entry.reason) for entry in chain] == [
        (EntryKind.PROMOTE, FIRST, "ann", "deployed")
    ]
    assert verify(chain) is None


def test_a_rollback_goes_to_the_last_known_good_without_an_engine(
    database: Database, releasing: Releasing, external: str
) -> None:
    promote(database, releasing, external, FIRST)
    with database.transaction() as session:
        releasing.accept(session, generator=external, expected_serving=FIRST, actor="ann", reason="good")
    promote(database, releasing, external, SECOND)
    with database.transaction() as session:
        release = releasing.rollback(
            session, generator=external, to=None, expected_serving=SECOND, actor="ann", reason="worse"
        )
        chain = ledger.chain(session, external)
    assert (release.from_version, release.to_version, release.state) == (SECOND, FIRST, State.FLIPPING)
    assert [entry.kind for entry in chain] == ["promote", "accept", "promote", "rollback"]


def test_a_version_of_our_own_still_waits_for_its_engine(
    database: Database, releasing: Releasing, external: str
) -> None:
    promote(database, releasing, external, FIRST)
    assert promote(database, releasing, external, 1).state is State.PREPARING
