"""Releases go on, also beside one that cannot."""

from threading import Event, Thread

import pytest

from registry.ledger import EntryKind
from safelight.clock import SystemClock
from safelight.releasing.follower import Follower
from safelight.releasing.service import Releasing
from safelight.store import releases, versions
from safelight.store.database import Database, Session

CLOCK = SystemClock()


class Stubborn(Releasing):
    """Cannot move the first generator's releases."""

    def __init__(self) -> None:
        super().__init__(CLOCK)
        self.asked: list[str] = []
        self.asked_again = Event()

    def advance(self, session: Session, generator: str) -> bool:
        self.asked.append(generator)
        if self.asked.count("second") == 2:
            self.asked_again.set()
        if generator == "first":
            raise RuntimeError("a state that nobody thought of")
        return False


@pytest.fixture
def follower(database: Database, monkeypatch: pytest.MonkeyPatch) -> tuple[Follower, Stubborn]:
    monkeypatch.setattr("safelight.releasing.follower._FAILED_SECONDS", 0.0)
    now = CLOCK.now()
    with database.transaction() as session:
        for name in ("first", "second"):
            versions.add_generator(session, name, "", now)
            releases.add(
                session,
                generator=name,
                scope="default",
                kind=EntryKind.PROMOTE,
                from_version=None,
                to_version=1,
                actor="ann",
                reason="a test",
                incident_id=None,
                now=now,
            )
    stubborn = Stubborn()
    return Follower(database, stubborn), stubborn


def test_one_generator_that_cannot_be_moved_on_keeps_no_other_waiting(follower: tuple[Follower, Stubborn]) -> None:
    following, stubborn = follower
    with pytest.raises(ExceptionGroup, match="could not be moved on"):
        following.run_once()
    assert stubborn.asked == ["first", "second"]


def test_who_waits_for_a_release_waits_for_more_than_one_try(follower: tuple[Follower, Stubborn]) -> None:
    following, stubborn = follower
    stop = Event()
    thread = Thread(target=following.run, args=(stop,))
    thread.start()
    tried_again = stubborn.asked_again.wait(10)
    stop.set()
    thread.join()
    assert tried_again
