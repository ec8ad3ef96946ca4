"""Releases go from scope to scope, also beside one that cannot."""

import pytest

from safelight.clock import ManualClock
from safelight.releasing.scoping import ScopeFollower
from safelight.releasing.service import Releasing
from safelight.store import ledger, scopes, versions
from safelight.store.database import Database, Session
from safelight.store.scopes import Scope


def test_a_generator_that_cannot_be_followed_keeps_no_other_waiting(
    database: Database, releasing: Releasing, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def lock(_session: Session, generator: str) -> None:
        asked.append(generator)
        if generator == "first":
            raise LookupError("a state that nobody thought of")

    with database.transaction() as session:
        for generator in ("first", "second"):
            versions.add_generator(session, generator, "", clock.now())
            scopes.put(session, generator, [Scope("default", 0.0), Scope("eu", 0.0)])
    monkeypatch.setattr(ledger, "lock", lock)
    assert ScopeFollower(database, releasing, clock).run_once() == 0
    assert asked == ["first", "second"]
