"""Promote, roll back and accept, on rows that a real database keeps."""

from threading import Thread
from typing import Any

import pytest

from registry.errors import RegistryError
from registry.ledger import verify
from registry.progress import State
from safelight.clock import ManualClock
from safelight.errors import SafelightError
from safelight.releasing.service import Releasing
from safelight.store import access, ledger, releases
from safelight.store.database import Database
from safelight.store.engines import EngineState
from safelight.store.releases import KnownRelease


class Story:
    """The calls a release is made of, each in a transaction of its own."""

    def __init__(self, database: Database, releasing: Releasing, generator: str) -> None:
        self._database, self._releasing, self._generator = database, releasing, generator

    def promote(self, version: int, expected: int | None = None) -> KnownRelease:
        with self._database.transaction() as session:
            return self._releasing.promote(
                session,
                generator=self._generator,
                version=version,
                expected_serving=expected,
                actor="ann",
                reason="better",
            )

    def rollback(self, to: int | None = None, expected: int | None = None) -> KnownRelease:
        with self._database.transaction() as session:
            return self._releasing.rollback(
                session, generator=self._generator, to=to, expected_serving=expected, actor="ann", reason="worse"
            )

    def accept(self) -> None:
        with self._database.transaction() as session:
            self._releasing.accept(
                session, generator=self._generator, expected_serving=None, actor="ann", reason="good"
            )

    def advance(self) -> bool:
        with self._database.transaction() as session:
            return self._releasing.advance(session, self._generator)

    def gateway(self, seq: int, clock: ManualClock, name: str = "one") -> None:
        with self._database.transaction() as session:
            releases.report_gateway(session, name, self._generator, seq, clock.now())

    def state(self, release: KnownRelease) -> State:
        with self._database.reading() as session:
            return releases.require(session, release.id).state

    def steps(self, release: KnownRelease) -> list[tuple[str, str]]:
        with self._database.reading() as session:
            return [(step.step, step.detail) for step in releases.steps(session, release.id)]

    def serving(self) -> int | None:
        with self._database.reading() as session:
            entry = ledger.newest_release(session, self._generator)
        return entry.to_version if entry else None

    def ledger_length(self) -> int:
        with self._database.reading() as session:
            chain = ledger.chain(session, self._generator)
        assert verify(chain) is None
        return len(chain)


@pytest.fixture
def story(database: Database, releasing: Releasing, generator: str) -> Story:
    return Story(database, releasing, generator)


@pytest.fixture
def two_good(story: Story, set_engine: Any) -> Story:
    """Versions 1 and 2 have served and were accepted; 2 serves and 1 is warm."""
    for version in (1, 2):
        story.promote(version)
        set_engine(version)
        story.advance()
        story.accept()
    return story


def test_a_promote_writes_nothing_in_the_ledger_before_an_engine_is_ready(story: Story, set_engine: Any) -> None:
    release = story.promote(1)
    set_engine(1, EngineState.STARTING)
    story.advance()
    assert (story.state(release), story.serving()) == (State.PREPARING, None)


def test_a_promote_flips_when_its_engine_is_ready(story: Story, set_engine: Any) -> None:
    release = story.promote(1)
    set_engine(1)
    assert story.advance()
    assert (story.state(release), story.serving()) == (State.SERVING, 1)
    assert [step for step, _ in story.steps(release)] == ["requested", "preparing", "verifying", "flipping", "serving"]


def test_a_release_arrives_only_when_every_living_gateway_follows(
    story: Story, set_engine: Any, clock: ManualClock
) -> None:
    story.gateway(0, clock)
    release = story.promote(1)
    set_engine(1)
    story.advance()
    assert story.state(release) is State.FLIPPING
    story.gateway(1, clock)
    story.advance()
    assert story.state(release) is State.SERVING


def test_a_dead_gateway_holds_nothing_up(story: Story, set_engine: Any, clock: ManualClock) -> None:
    story.gateway(0, clock)
    clock.advance(60)
    release = story.promote(1)
    set_engine(1)
    story.advance()
    assert story.state(release) is State.SERVING


def test_an_engine_that_fails_leaves_production_untouched(two_good: Story, set_engine: Any) -> None:
    release = two_good.promote(3)
    set_engine(3, EngineState.FAILED, "the golden image is blank")
    two_good.advance()
    assert (two_good.state(release), two_good.serving()) == (State.FAILED, 2)
    assert two_good.steps(release)[-1] == ("failed", "the golden image is blank")


def test_what_serves_is_superseded_by_the_flip_and_not_by_the_request(story: Story, set_engine: Any) -> None:
    first = story.promote(1)
    set_engine(1)
    story.advance()
    second = story.promote(2)
    set_engine(2, EngineState.FAILED, "out of memory")
    story.advance()
    assert (story.state(first), story.state(second)) == (State.SERVING, State.FAILED)
    set_engine(2)
    story.promote(2)
    story.advance()
    assert story.state(first) is State.SUPERSEDED


def test_a_rollback_to_a_warm_version_flips_in_the_same_transaction(two_good: Story) -> None:
    release = two_good.rollback()
    assert (release.state, two_good.serving()) == (State.FLIPPING, 1)


def test_a_rollback_to_a_cold_version_waits_for_its_engine(
    two_good: Story, set_engine: Any, clock: ManualClock
) -> None:
    clock.advance(60)
    release = two_good.rollback()
    assert (release.state, two_good.serving()) == (State.PREPARING, 2)
    set_engine(1)
    two_good.advance()
    assert two_good.serving() == 1


def test_a_later_release_takes_over_from_one_that_is_still_preparing(two_good: Story) -> None:
    promote = two_good.promote(3)
    two_good.rollback()
    assert (two_good.state(promote), two_good.serving()) == (State.SUPERSEDED, 1)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda story: story.promote(9), "unknown_version"),
        (lambda story: story.promote(2), "already_serving"),
        (lambda story: story.promote(3, expected=1), "stale_expected_serving"),
        (lambda story: story.rollback(expected=1), "stale_expected_serving"),
        (lambda story: story.rollback(to=4), "never_served"),
        (lambda story: story.accept(), "already_accepted"),
    ],
)
def test_a_refused_call_changes_nothing(two_good: Story, call: Any, code: str) -> None:
    before = two_good.ledger_length()
    with pytest.raises(RegistryError) as refusal:
        call(two_good)
    assert refusal.value.code == code
    assert two_good.ledger_length() == before


def test_an_unknown_generator_is_refused(database: Database, releasing: Releasing) -> None:
    with database.transaction() as session, pytest.raises(SafelightError, match="There is no generator"):
        releasing.rollback(session, generator="nobody", to=None, expected_serving=None, actor="ann", reason="")


def test_a_version_rolled_away_from_is_no_target_any_more(two_good: Story, set_engine: Any) -> None:
    two_good.rollback()
    two_good.promote(3)
    set_engine(3)
    two_good.advance()
    two_good.rollback()
    assert two_good.serving() == 1


def test_every_release_is_on_the_audit_log(two_good: Story, database: Database) -> None:
    two_good.rollback()
    with database.reading() as session:
        newest = access.audit_page(session, None, 1)[0]
    assert (newest.actor, newest.action, newest.target) == ("ann", "release.rollback", "studio 2 -> 1")


def test_a_follower_does_not_revive_what_is_just_being_replaced(
    two_good: Story, database: Database, releasing: Releasing, generator: str, clock: ManualClock
) -> None:
    two_good.gateway(0, clock)
    first = two_good.rollback(1)  # waits for the gateway to follow
    two_good.gateway(two_good.ledger_length(), clock)
    follower = Thread(target=two_good.advance)
    with database.transaction() as session:
        releasing.rollback(session, generator=generator, to=2, expected_serving=1, actor="bob", reason="no, the other")
        follower.start()
        follower.join(0.2)  # it has found the first rollback, and has to wait for what becomes of it
    follower.join()
    assert [step for step, _ in two_good.steps(first)] == ["requested", "flipping", "superseded"]
