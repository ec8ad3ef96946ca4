"""Releases of what others serve: told, retried, confirmed by what is observed, and taken from scope to scope."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest

from registry.external import parse_external
from registry.ledger import EntryKind, verify
from registry.progress import State
from safelight.clock import ManualClock, SystemClock
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.notifying import making as channels
from safelight.notifying.addresses import PUBLIC, Reach
from safelight.notifying.connection import GuardedBackend
from safelight.releasing.overview import scope_states
from safelight.releasing.scoping import ScopeFollower, set_scopes
from safelight.releasing.service import Releasing
from safelight.releasing.targets import making
from safelight.releasing.targets.converging import Converger, pause_after
from safelight.releasing.targets.observing import confirm
from safelight.releasing.targets.target import Taken, Unheard
from safelight.responding import stopping
from safelight.responding.announcement import Links
from safelight.responding.target_faults import TargetFaults
from safelight.store import incidents, ledger, notifications, releases, targets, versions
from safelight.store.channels import ChannelKind
from safelight.store.database import Database
from safelight.store.releases import KnownRelease
from safelight.store.targets import KnownTarget, TargetKind
from safelight.store.versions import KnownVersion

from .conftest import NOON, SetEngine  # noqa: TID252
from .receiver import Receiver, receiving  # noqa: TID252

FIRST, SECOND = 5, 6
LOCAL = Reach(private=True)


class Leads:
    leading = True

    def held(self) -> bool:
        return self.leading


def at_once(work: Callable[[], None]) -> None:
    work()


@dataclass
class Stage:
    """A generator whose versions 5 and 6 somebody else serves, and a receiver in each scope that has a target."""

    database: Database
    generator: str
    clock: ManualClock
    releasing: Releasing
    receivers: dict[str, Receiver] = field(default_factory=dict)
    made: dict[str, UUID] = field(default_factory=dict)
    leads: Leads = field(default_factory=Leads)

    def add_target(self, receiver: Receiver, scope: str = "default") -> KnownTarget:
        with self.database.transaction() as session:
            made = making.create(
                session, generator=self.generator, scope=scope, kind=TargetKind.WEBHOOK, url=receiver.url, secret="",
                resource={}, reach=LOCAL, actor="ann", now=self.clock.now(),
            )  # fmt: skip
        assert made.secret is not None
        receiver.secret = made.secret
        self.receivers[scope], self.made[scope] = receiver, made.target.id
        return made.target

    def promote(self, version: int) -> KnownRelease:
        with self.database.transaction() as session:
            return self.releasing.promote(
                session, generator=self.generator, version=version, expected_serving=None, actor="ann", reason="better"
            )

    def rollback(self, to: int) -> KnownRelease:
        with self.database.transaction() as session:
            return self.releasing.rollback(
                session, generator=self.generator, to=to, expected_serving=None, actor="ann", reason="worse"
            )

    def turn(self, seconds: float = 0.0) -> None:
        """Everything has its turn once: targets are told, releases follow what was seen, scopes follow releases."""
        self.clock.advance(seconds)
        backend = lambda: GuardedBackend(SystemClock(), 5.0, LOCAL)  # noqa: E731
        Converger(self.database, self.leads, backend, self.clock, lambda: 0.0, at_once).run_once()
        with self.database.transaction() as session:
            self.releasing.advance(session, self.generator)
        ScopeFollower(self.database, self.releasing, self.clock).run_once()

    def state(self, release: KnownRelease) -> State:
        with self.database.reading() as session:
            return releases.require(session, release.id).state

    def target(self, scope: str = "default") -> KnownTarget:
        with self.database.reading() as session:
            return targets.require(session, self.made[scope])

    def confirm(self, release: KnownRelease | UUID, version: int) -> KnownTarget:
        release_id = release if isinstance(release, UUID) else release.id
        with self.database.transaction() as session:
            return confirm(session, self.made["default"], release_id, version, "seen", "ann", self.clock.now())

    def desired(self) -> dict[str, tuple[int | None, int | None]]:
        with self.database.reading() as session:
            states = scope_states(session, self.generator)
        return {each.scope.name: (each.desired_version, each.observed_version) for each in states}

    def faults(self) -> int:
        return TargetFaults(self.database, self.leads, Links("https://safelight.example"), self.clock).run_once()


@pytest.fixture
def stage(database: Database, generator: str, clock: ManualClock, releasing: Releasing) -> Stage:
    with database.transaction() as session:
        for number in (FIRST, SECOND):
            told = parse_external({"name": f"portraits:{number}", "uri": f"s3://models/{number}"})
            versions.put_version(session, KnownVersion(generator, number, told.digest, told, "", NOON, "test"))
    return Stage(database, generator, clock, releasing)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def refused(run: Callable[[], object]) -> str:
    with pytest.raises(SafelightError) as caught:
        run()
    return caught.value.code


def test_a_release_flips_until_its_target_confirms_by_its_answer(stage: Stage, receiver: Receiver) -> None:
    stage.add_target(receiver)
    release = stage.promote(FIRST)
    stage.turn()
    assert (stage.state(release), stage.target().attempts, stage.target().told_at) == (State.FLIPPING, 1, NOON)
    receiver.serves = FIRST
    stage.turn(4)
    assert stage.state(release) is State.FLIPPING  # not due yet
    stage.turn(2)
    assert stage.state(release) is State.SERVING
    assert receiver.ids == [str(release.id)] * 2  # one order, repeated under one id
    data = receiver.orders[0]["data"]
    assert (data["version"], data["name"], data["uri"]) == (FIRST, "portraits:5", "s3://models/5")
    assert (data["kind"], data["scope"], data["from_version"]) == ("promote", "default", None)
    stage.turn(3600)
    assert len(receiver.orders) == 2  # confirmed is confirmed


def test_or_later_and_what_is_late_or_foreign_is_refused(stage: Stage, receiver: Receiver) -> None:
    stage.add_target(receiver)
    first = stage.promote(FIRST)
    stage.turn()
    second = stage.promote(SECOND)
    assert refused(lambda: stage.confirm(first, FIRST)) == "observation_late"
    assert refused(lambda: stage.confirm(new_id(), SECOND)) == "observation_foreign"
    assert refused(lambda: stage.confirm(second, 99)) == "version_not_found"
    assert stage.confirm(second, FIRST).observed_version == FIRST
    stage.turn()
    assert stage.state(second) is State.FLIPPING  # it says itself that it serves another one still
    assert stage.confirm(second, SECOND) == stage.confirm(second, SECOND)
    told = len(receiver.orders)
    stage.turn(600)
    stage.turn(600)
    assert (stage.state(first), stage.state(second)) == (State.SUPERSEDED, State.SERVING)
    assert len(receiver.orders) == told  # it has said all there is to say


def test_it_is_tried_until_it_is_heard_and_only_by_the_leader(stage: Stage, receiver: Receiver) -> None:
    stage.add_target(receiver)
    release = stage.promote(FIRST)
    receiver.status, receiver.serves = 503, FIRST
    stage.leads.leading = False
    stage.turn()
    assert receiver.orders == []
    stage.leads.leading = True
    for seconds in (0, 5, 10, 20, 40):
        stage.turn(seconds)
    assert (len(receiver.orders), stage.target().last_error) == (5, "status 503")
    assert stage.state(release) is State.FLIPPING
    receiver.status = 200
    stage.turn(80)
    assert (stage.state(release), stage.target().last_error) == (State.SERVING, "")


def test_the_pause_grows_to_five_minutes_and_a_working_controller_is_looked_at_often() -> None:
    pauses = [pause_after(attempt, Unheard("away"), TargetKind.WEBHOOK) for attempt in (1, 2, 6, 7, 500)]
    assert pauses == [timedelta(seconds=seconds) for seconds in (5, 10, 160, 300, 300)]
    assert pause_after(50, Taken("progressing"), TargetKind.KSERVE) == timedelta(seconds=5)


def test_a_target_made_later_is_told_at_once_of_what_should_serve(stage: Stage, receiver: Receiver) -> None:
    release = stage.promote(FIRST)
    with stage.database.transaction() as session:
        stage.releasing.advance(session, stage.generator)
    assert stage.state(release) is State.SERVING  # as it was before there was anybody to ask
    receiver.serves = FIRST
    assert stage.add_target(receiver).release_id == release.id
    stage.turn()
    assert stage.target().confirmed(release.id, FIRST)
    assert refused(lambda: stage.add_target(receiver)) == "target_exists"


def test_versions_of_our_own_ask_no_target_and_leave_it_in_peace(
    stage: Stage, receiver: Receiver, set_engine: SetEngine
) -> None:
    stage.add_target(receiver)
    assert stage.promote(1).state is State.PREPARING
    assert stage.target().release_id is None
    assert refused(lambda: tell_again(stage)) == "nothing_serving"
    stage.promote(FIRST)
    assert stage.target().release_id is not None
    own = stage.promote(1)
    set_engine(1)
    stage.turn()
    stage.turn(600)
    assert (stage.state(own), stage.target().release_id, stage.faults()) == (State.SERVING, None, 0)


def tell_again(stage: Stage) -> KnownTarget:
    with stage.database.transaction() as session:
        return making.tell_again(session, stage.made["default"], "ann", stage.clock.now())


def test_one_that_serves_something_else_later_is_an_incident_and_can_be_told_again(
    stage: Stage, receiver: Receiver
) -> None:
    with stage.database.transaction() as session:
        channels.create(session, "on call", ChannelKind.WEBHOOK, NOON, url="https://pager.example/hook", reach=PUBLIC)
    stage.add_target(receiver)
    release = stage.promote(FIRST)
    receiver.serves = FIRST
    stage.turn()
    assert stage.faults() == 0
    stage.confirm(release, SECOND)
    assert (stage.faults(), stage.faults()) == (1, 0)
    with stage.database.reading() as session:
        [incident] = incidents.open_incidents(session, stage.generator)
    assert (incident.monitor, incident.reason) == ("targets", "target_changed")
    with stage.database.transaction() as session:  # the receiver has not changed over yet
        making.replace_secret(session, stage.made["default"], "", LOCAL, "ann", stage.clock.now())
    tell_again(stage)
    stage.turn()
    assert (len(receiver.orders), stage.faults()) == (2, 1)
    with stage.database.reading() as session:
        assert incidents.open_incidents(session, stage.generator) == []
        assert [each.event for each in notifications.page(session)] == ["incident.resolved", "incident.opened"]


def test_one_that_is_not_heard_of_for_long_is_an_incident(stage: Stage, receiver: Receiver) -> None:
    stage.add_target(receiver)
    stage.promote(FIRST)
    receiver.status = 500
    stage.turn(9 * 60)
    assert stage.faults() == 0
    stage.turn(2 * 60)
    assert stage.faults() == 1
    with stage.database.reading() as session:
        [incident] = incidents.open_incidents(session, stage.generator)
    assert incident.reason == "target_overdue"
    receiver.status, receiver.serves = 200, FIRST
    stage.turn(300)
    assert stage.faults() == 1


def test_a_release_goes_through_the_scopes_and_a_way_back_overtakes_it(stage: Stage, receiver: Receiver) -> None:
    with receiving() as eu, receiving() as us:
        with stage.database.transaction() as session:
            set_scopes(session, stage.generator, [("default", 60), ("eu", 60), ("us", 0)], "ann", stage.clock.now())
        for scope, at in (("default", receiver), ("eu", eu), ("us", us)):
            at.serves = FIRST
            stage.add_target(at, scope)
        stage.promote(FIRST)
        for seconds in (0, 60, 0, 60, 0):
            stage.turn(seconds)
        assert stage.desired() == {"default": (FIRST, FIRST), "eu": (FIRST, FIRST), "us": (FIRST, FIRST)}
        # Version 6 comes to the second scope after it has baked in the first; there the line is cut.
        for at in (receiver, us):
            at.serves = SECOND
        eu.status = 503
        stage.promote(SECOND)
        stage.turn()
        assert stage.desired()["eu"] == (FIRST, FIRST)
        for switch, wanted in ((stopping.stop, FIRST), (stopping.resume, SECOND)):
            with stage.database.transaction() as session:
                switch(session, "bob", "while all is stopped it goes no further", stage.clock.now())
            stage.turn(60)
            assert stage.desired()["eu"] == (wanted, FIRST)
        assert stage.desired() == {"default": (SECOND, SECOND), "eu": (SECOND, FIRST), "us": (FIRST, FIRST)}
        stage.turn(600)
        assert stage.faults() == 1
        with stage.database.reading() as session:
            assert [each.scope for each in incidents.open_incidents(session, stage.generator)] == ["eu"]
        assert stage.desired()["us"] == (FIRST, FIRST)  # held up behind the one that is cut off
        # The way back waits for nobody. What is cut off is told when it returns, and of the newest release only.
        for at in (receiver, eu, us):
            at.serves = FIRST
        stage.rollback(FIRST)
        stage.turn()
        assert {scope: wanted for scope, (wanted, _) in stage.desired().items()} == dict.fromkeys(
            ("default", "eu", "us"), FIRST
        )
        assert stage.desired()["eu"] == (FIRST, FIRST)
        stage.turn(300)
        told = len(eu.orders)
        eu.status = 200
        stage.turn(300)
        assert eu.orders[told]["data"]["version"] == FIRST
        stage.turn()
        with stage.database.reading() as session:
            chains = {name: ledger.chain(session, stage.generator, name) for name in ("default", "eu", "us")}
            moving = releases.in_states(session, releases.MOVING, stage.generator)
        assert all(verify(chain) is None for chain in chains.values())
        assert [entry.kind for entry in chains["eu"]] == [EntryKind.PROMOTE, EntryKind.PROMOTE, EntryKind.ROLLBACK]
        assert [entry.kind for entry in chains["us"]] == [EntryKind.PROMOTE]
        assert moving == []


@pytest.mark.parametrize(
    "named",
    [[], [("eu", 0.0)], [("default", 0.0), ("default", 0.0)], [("default", -1.0)], [("default", 0.0), ("E", 0)]],
)
def test_scopes_that_cannot_be_are_refused(stage: Stage, named: list[tuple[str, float]]) -> None:
    def put() -> None:
        with stage.database.transaction() as session:
            set_scopes(session, stage.generator, named, "ann", stage.clock.now())

    assert refused(put) == "scopes_invalid"
    assert list(stage.desired()) == ["default"]


def test_a_scope_with_a_target_is_not_taken_away(stage: Stage, receiver: Receiver) -> None:
    with stage.database.transaction() as session:
        set_scopes(session, stage.generator, [("default", 0), ("eu", 0)], "ann", stage.clock.now())
    stage.add_target(receiver, "eu")

    def put() -> None:
        with stage.database.transaction() as session:
            set_scopes(session, stage.generator, [("default", 0)], "ann", stage.clock.now())

    assert refused(put) == "scope_in_use"
