"""Everybody who can change what serves, acting in any order: operators, workers, engines, gateways, probes, the guard.

Each rule is one transaction of one of them, made as the platform makes it. Whoever dies has done all the work of a
transaction and is gone before its commit. After each rule the database is held against what must always be so.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count, pairwise
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy.exc import IntegrityError

from monitors.recovery import Recovery
from monitors.verdict import Health, Reason
from registry.canary import CanaryPlan
from registry.errors import RegistryError
from registry.ledger import EntryKind, verify
from registry.progress import State
from registry.rules import known_good, quarantined
from safelight.errors import SafelightError
from safelight.responding.causes import ACTOR
from safelight.responding.policy import COOLDOWN
from safelight.store import drills, engines, guard, incidents, ledger, releases
from safelight.store.drills import DrillState
from safelight.store.engines import EngineState
from safelight.store.incidents import PolicyMode
from tests.progress import legal

from .conftest import Scene, engine, prepare  # noqa: TID252
from .mortal import Died, MortalDatabase  # noqa: TID252

VERSIONS = 4
WHO = st.sampled_from(["ann", "bob"])
# What leads far is drawn often: an armed guard, a bad version, probes that confirm it.
MODES = st.sampled_from([PolicyMode.AUTO, PolicyMode.AUTO, PolicyMode.RECOMMEND, PolicyMode.OBSERVE])
SUSPECTS = st.sampled_from([Health.DEGRADED, Health.DEGRADED, Health.HEALTHY, Health.INCONCLUSIVE])
TARGETS = st.sampled_from([Health.HEALTHY, Health.HEALTHY, Health.DEGRADED, Health.INCONCLUSIVE])
REASONS = st.sampled_from([Reason.ALIGNMENT_DOWN, Reason.ALIGNMENT_DOWN, Reason.BLANK_RATE_UP, Reason.LATENCY_UP, None])
_numbers = count(1)


class Company(RuleBasedStateMachine):
    """One generator; each example has one of its own in the same database."""

    database: ClassVar[MortalDatabase]
    races: ClassVar[bool]
    """Whether two act at the same moment as well: worth the trying where the database does not make one wait."""

    scene: Scene
    sealed: list[str]
    """The hashes of the ledger's entries, as far as anybody was told of them."""
    told: set[Any]
    """The releases that somebody was told of."""
    looked: int | None
    """What served when an operator last looked at the page."""
    armed: bool
    """Whether the guard may roll back by itself."""
    automatic: int
    """How often it has."""
    unverified: frozenset[int]
    """The versions whose last drill failed."""

    @initialize(mode=MODES)
    def found(self, mode: PolicyMode) -> None:
        """Two versions were accepted; a third is on trial."""
        self.scene = prepare(self.database, f"generator-{next(_numbers)}", VERSIONS)
        self.sealed, self.told, self.looked, self.automatic = [], set(), None, 0
        self.unverified = frozenset()
        self._throw_the_switch(stopped=False)  # it is one for all generators
        for version in (1, 2, 3):
            self._set_engine(version, EngineState.READY)
            self._promote("ann", version, None)
            self._advance()
            if version < 3:
                self._accept("ann", None)
        self._set_policy(mode)

    # ------------------------------------------------------------------------------------------------ what people do

    @rule()
    def look(self) -> None:
        self.looked = self._serving()

    @rule(who=WHO, version=st.integers(1, VERSIONS), looked=st.booleans(), dies=st.booleans())
    def promote(self, who: str, version: int, looked: bool, dies: bool) -> None:
        self._act(lambda: self._promote(who, version, self.looked if looked else None), dies)

    @rule(version=st.integers(1, VERSIONS), dies=st.booleans())
    def promote_by_override(self, version: int, dies: bool) -> None:
        self._act(lambda: self._promote("ada", version, None, override="it must"), dies)

    @rule(who=WHO, to=st.none() | st.integers(1, VERSIONS), looked=st.booleans(), dies=st.booleans())
    def roll_back(self, who: str, to: int | None, looked: bool, dies: bool) -> None:
        self._act(lambda: self._roll_back(who, to, self.looked if looked else None), dies)

    @rule(looked=st.booleans())
    def accept(self, looked: bool) -> None:
        self._act(lambda: self._accept("ann", self.looked if looked else None))

    @rule(mode=MODES)
    def set_policy(self, mode: PolicyMode) -> None:
        self._set_policy(mode)

    @rule(stopped=st.booleans())
    def throw_the_switch(self, stopped: bool) -> None:
        self._throw_the_switch(stopped)

    @rule()
    def acknowledge(self) -> None:
        self._act(lambda: self._handle("acknowledge"))

    @rule()
    def resolve(self) -> None:
        self._act(lambda: self._handle("resolve"))

    # ------------------------------------------------------------------------------------- what the platform's parts do

    @rule(version=st.integers(1, VERSIONS), state=st.sampled_from([EngineState.READY, EngineState.FAILED]))
    def engine_says(self, version: int, state: EngineState) -> None:
        self._set_engine(version, state)

    @rule(name=st.sampled_from(["one", "two"]), behind=st.integers(0, 1))
    def gateway_says(self, name: str, behind: int) -> None:
        seq = max(len(self.sealed) - behind, 0)
        with self.database.transaction() as session:
            releases.report_gateway(session, name, self.scene.generator, seq, self.scene.clock.now())

    @rule(version=st.integers(1, VERSIONS), passed=st.booleans())
    def a_drill_ends(self, version: int, passed: bool) -> None:
        now, state = self.scene.clock.now(), DrillState.PASSED if passed else DrillState.FAILED
        with self.database.transaction() as session:
            drill = drills.order(session, self.scene.generator, version, "ann", now, now)
            drills.end(session, drill.id, state, now)

    @rule(dies=st.booleans())
    def advance(self, dies: bool) -> None:
        self._act(self._advance, dies)

    @rule(reason=REASONS, recovered=st.booleans(), dies=st.booleans())
    def tick(self, reason: Reason | None, recovered: bool, dies: bool) -> None:
        self.scene.recovery = Recovery.RECOVERED if recovered else Recovery.WAITING
        self._act(lambda: self.scene.tick(reason), dies)

    @rule(suspect=SUSPECTS, its_target=TARGETS, dies=st.booleans())
    def probes_come_back(self, suspect: Health, its_target: Health, dies: bool) -> None:
        self._act(lambda: self._answer(suspect, its_target), dies)

    @rule(minutes=st.sampled_from([1, 20, 61]))
    def wait(self, minutes: int) -> None:
        self.scene.clock.advance(minutes * 60)

    @precondition(lambda self: self.races)
    @rule(data=st.data())
    def race(self, data: st.DataObject) -> None:
        """Two of them at the same moment."""
        acts = self._acts()
        names = data.draw(st.lists(st.sampled_from(sorted(acts)), min_size=2, max_size=2, unique=True))
        with ThreadPoolExecutor(2) as pool:
            for act in [pool.submit(_unless_refused, acts[name]) for name in names]:
                act.result()

    # --------------------------------------------------------------------------------------------- what is always so

    @invariant()
    def the_ledger_is_whole_and_keeps_what_it_said(self) -> None:
        with self.database.reading() as session:
            chain = ledger.chain(session, self.scene.generator)
        assert verify(chain) is None
        hashes = [entry.hash for entry in chain]
        assert hashes[: len(self.sealed)] == self.sealed
        self.sealed = hashes

    @invariant()
    def one_version_serves(self) -> None:
        with self.database.reading() as session:
            head = ledger.newest_release(session, self.scene.generator)
            kept = releases.page(session, self.scene.generator, None, 500)
        assert head is not None
        assert self.told <= {each.id for each in kept}
        self.told = {each.id for each in kept}
        [flipped] = [each for each in kept if each.ledger_seq == head.seq]
        assert flipped.to_version == head.to_version
        assert [each.id for each in kept if each.state in (State.FLIPPING, State.SERVING)] in ([], [flipped.id])
        waiting = [each for each in kept if each.state in (State.REQUESTED, State.PREPARING, State.VERIFYING)]
        assert len(waiting) <= 1

    @invariant()
    def what_is_in_quarantine_comes_back_by_override_alone(self) -> None:
        with self.database.reading() as session:
            chain = ledger.chain(session, self.scene.generator)
        for place, entry in enumerate(chain):
            if entry.kind is not EntryKind.ACCEPT and entry.to_version in quarantined(chain[:place]):
                assert entry.kind is EntryKind.PROMOTE
                assert "[override of quarantine: it must]" in entry.reason

    @invariant()
    def a_cause_has_one_incident(self) -> None:
        with self.database.reading() as session:
            keys = [each.dedup_key for each in incidents.open_incidents(session, self.scene.generator)]
        assert len(keys) == len(set(keys))

    @invariant()
    def the_guard_has_brakes(self) -> None:
        """It goes back only while armed, once an hour, and only to what is good, drilled and not in quarantine."""
        with self.database.reading() as session:
            kept = releases.page(session, self.scene.generator, None, 500)
            chain = ledger.chain(session, self.scene.generator)
            mode, stopped = incidents.policy(session, self.scene.generator), guard.stopped(session)
            unverified = drills.unverified(session, self.scene.generator)
        own = [each for each in kept if each.actor == ACTOR]
        automatic = sorted(each.created_at for each in own)
        assert len(automatic) == self.automatic or self.armed
        assert all(each.to_version not in self.unverified for each in own[: len(own) - self.automatic])
        self.unverified = unverified
        self.automatic, self.armed = len(automatic), mode is PolicyMode.AUTO and stopped is None
        assert all(later - earlier >= COOLDOWN for earlier, later in pairwise(automatic))
        for place, entry in enumerate(chain):
            if entry.actor == ACTOR:
                assert entry.kind is EntryKind.ROLLBACK
                assert entry.to_version in known_good(chain[:place])
                assert entry.to_version not in quarantined(chain[:place])

    def teardown(self) -> None:
        """No release ever took a step that its table does not know."""
        with self.database.reading() as session:
            for release in releases.page(session, self.scene.generator, None, 500):
                steps = [State(each.step) for each in releases.steps(session, release.id)]
                assert steps[0] is State.REQUESTED
                assert all(legal(release.kind, before, after) for before, after in pairwise(steps))
                assert steps[-1] is release.state

    # -------------------------------------------------------------------------------------------------- how it is done

    def _acts(self) -> dict[str, Callable[[], object]]:
        """What may be done at the same moment as something else."""
        return {
            "ann promotes": lambda: self._promote("ann", 3, None),
            "ann rolls back": lambda: self._roll_back("ann", None, self.looked),
            "bob rolls back": lambda: self._roll_back("bob", None, None),
            "one worker advances": self._advance,
            "another worker advances": self._advance,
            "one worker ticks": lambda: self.scene.tick(Reason.ALIGNMENT_DOWN),
            "another worker ticks": lambda: self.scene.tick(Reason.BLANK_RATE_UP, monitor="blank_rate"),
            "the probes come back": lambda: self._answer(Health.DEGRADED, Health.HEALTHY),
            "ann accepts": lambda: self._accept("ann", None),
            "bob resolves": lambda: self._handle("resolve"),
        }

    def _act(self, act: Callable[[], object], dies: bool = False) -> None:
        """Whoever dies or is refused has changed nothing."""
        before = self._everything()
        self.database.dies = dies
        try:
            act()
        except (Died, RegistryError, SafelightError):
            assert self._everything() == before
        finally:
            self.database.dies = False

    def _everything(self) -> list[Any]:
        with self.database.reading() as session:
            found = incidents.page(session, self.scene.generator, (), None, 500)
            return [
                ledger.chain(session, self.scene.generator),
                releases.page(session, self.scene.generator, None, 500),
                [(each, incidents.timeline(session, each.id)) for each in found],
            ]

    def _serving(self) -> int | None:
        with self.database.reading() as session:
            entry = ledger.newest_release(session, self.scene.generator)
        return entry.to_version if entry else None

    def _promote(
        self,
        who: str,
        version: int,
        expected: int | None,
        *,
        override: str | None = None,
        canary: CanaryPlan | None = None,
    ) -> None:
        with self.database.transaction() as session:
            self.scene.releasing.promote(
                session,
                generator=self.scene.generator,
                version=version,
                expected_serving=expected,
                actor=who,
                reason="better",
                override=override,
                canary=canary,
            )

    def _roll_back(self, who: str, to: int | None, expected: int | None) -> None:
        with self.database.transaction() as session:
            self.scene.releasing.rollback(
                session, generator=self.scene.generator, to=to, expected_serving=expected, actor=who, reason="worse"
            )

    def _accept(self, who: str, expected: int | None) -> None:
        with self.database.transaction() as session:
            self.scene.releasing.accept(
                session, generator=self.scene.generator, expected_serving=expected, actor=who, reason="good"
            )

    def _advance(self) -> None:
        with self.database.transaction() as session:
            self.scene.releasing.advance(session, self.scene.generator)

    def _set_policy(self, mode: PolicyMode) -> None:
        with self.database.transaction() as session:
            incidents.set_policy(session, self.scene.generator, mode, "ann", self.scene.clock.now())

    def _throw_the_switch(self, stopped: bool) -> None:
        with self.database.transaction() as session:
            if not stopped:
                guard.resume(session, "ann", self.scene.clock.now())
            elif guard.stopped(session) is None:
                guard.stop(session, "ann", "a fire drill", self.scene.clock.now())

    def _handle(self, verb: str) -> None:
        now = self.scene.clock.now()
        with self.database.transaction() as session:
            for incident in incidents.open_incidents(session, self.scene.generator)[:1]:
                if verb == "acknowledge":
                    self.scene.handling.acknowledge(session, incident.id, "ann", now)
                else:
                    self.scene.handling.resolve(session, incident.id, "ann", "seen to", now)

    def _set_engine(self, version: int, state: EngineState) -> None:
        with self.database.transaction() as session:
            engines.put(session, engine(self.scene.generator, version, state, self.scene.clock.now()))

    def _answer(self, suspect: Health, target: Health) -> None:
        self.scene.answer(suspect=suspect, target=target)


def _unless_refused(act: Callable[[], object]) -> None:
    """What loses a race is refused, by a rule or by the database's uniqueness, and has changed nothing."""
    try:
        act()
    except (RegistryError, SafelightError, IntegrityError):
        return
