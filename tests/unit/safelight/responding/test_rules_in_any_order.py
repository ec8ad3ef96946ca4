"""The rules of releases, canaries, guard and incidents in any order, by the ten thousand: what must always be so is so.

Whoever dies before the commit has done nothing, and whoever looked a while ago acts on what was then: that is all that
a crash or a race can come to where each act is one transaction. That it is one, is for the database's tests to show.
"""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from monitors.verdict import Health, Reason
from registry.canary import CanaryPlan, CanaryStep, Finding
from registry.errors import RegistryError
from registry.ledger import EntryKind, verify
from registry.progress import State
from registry.rules import known_good, quarantined, serving
from safelight.errors import SafelightError
from safelight.responding.policy import COOLDOWN, Findings
from safelight.store.incident_states import IncidentState, IncidentStep, follow, possible
from safelight.store.incidents import PolicyMode
from safelight.store.releases import CANARIES
from tests.progress import legal

from . import paper, paper_guard  # noqa: TID252
from .paper import WAITING, World  # noqa: TID252

STEPS = 30
PLAN = CanaryPlan(
    steps=(
        CanaryStep(shadow=20, bake_seconds=60),
        CanaryStep(weight=5, bake_seconds=60),
        CanaryStep(weight=25, bake_seconds=60, pause=True),
        CanaryStep(weight=50, bake_seconds=60),
    )
)
WHO = st.sampled_from(["ann", "bob"])
VERSION = st.sampled_from(sorted(paper.VERSIONS))
VERBS = st.sampled_from(["step", "step", "finish", "pause", "resume", "abort", "retry"])
REASONS = st.sampled_from([Reason.ALIGNMENT_DOWN, Reason.ALIGNMENT_DOWN, Reason.BLANK_RATE_UP, Reason.LATENCY_UP, None])
HEALTHS = st.sampled_from([Health.HEALTHY, Health.DEGRADED, Health.INCONCLUSIVE])
# What leads far is drawn often: an armed guard, probes that confirm it, a judge that is content.
FINDINGS = st.one_of(
    st.just(Findings({"one": Health.DEGRADED}, Health.HEALTHY, target_better=True)),
    st.builds(Findings, st.dictionaries(st.sampled_from(["one", "two"]), HEALTHS), HEALTHS, st.booleans()),
)
JUDGED = st.sampled_from([Finding.HEALTHY, Finding.HEALTHY, Finding.DEGRADED, Finding.INCONCLUSIVE, Finding.ERROR])
MODES = st.sampled_from([PolicyMode.AUTO, PolicyMode.AUTO, PolicyMode.RECOMMEND, PolicyMode.OBSERVE])


class OnPaper(RuleBasedStateMachine):
    """One generator and all who can change what it serves."""

    world: World
    before: World
    """The world before the last act."""
    seen: World
    """As somebody saw it a while ago."""
    allowed: list[int]
    """Of the canary, for every step that it may have taken: a person said so, or enough was shown."""

    @initialize(mode=MODES)
    def found(self, mode: PolicyMode) -> None:
        """Two versions were accepted; a third is on trial."""
        world = replace(World(), mode=mode)
        for version in (1, 2, 3):
            world = paper.engine_says(world, version, ready=True)
            world = paper.advance(paper.promote(world, "ann", version))
            world = paper.advance(replace(world, routed=len(world.chain)))
            world = paper.accept(world) if version < 3 else world
        self.world = self.before = self.seen = world
        self.allowed = []

    # ------------------------------------------------------------------------------------------------ what people do

    @rule()
    def look(self) -> None:
        self.seen = self.world

    @rule(who=WHO, version=VERSION, looked=st.booleans(), by_canary=st.booleans(), override=st.booleans())
    def promote(self, who: str, version: int, looked: bool, by_canary: bool, override: bool) -> None:
        canary, expected = PLAN if by_canary else None, serving(self.seen.chain) if looked else None
        self._act(lambda world: paper.promote(world, who, version, expected, canary=canary, override=override))

    @rule(who=WHO, to=st.none() | VERSION, looked=st.booleans())
    def roll_back(self, who: str, to: int | None, looked: bool) -> None:
        self._act(lambda world: paper.roll_back(world, who, to, serving(self.seen.chain) if looked else None))

    @rule(looked=st.booleans())
    def accept(self, looked: bool) -> None:
        self._act(lambda world: paper.accept(world, serving(self.seen.chain) if looked else None))

    @rule(who=WHO, verb=VERBS)
    def say(self, who: str, verb: str) -> None:
        tried = [each.number for each in self.world.releases if each.canary is not None]
        if self._act(lambda world: paper.say(world, verb, who)) and verb == "step" and tried:
            self.allowed.append(tried[-1])

    @rule(mode=MODES)
    def set_policy(self, mode: PolicyMode) -> None:
        self._act(lambda world: replace(world, mode=mode))

    @rule(stopped=st.booleans())
    def throw_the_switch(self, stopped: bool) -> None:
        self._act(lambda world: replace(world, stopped=stopped))

    @rule(step=st.sampled_from([IncidentStep.ACKNOWLEDGE, IncidentStep.RESOLVE]))
    def handle(self, step: IncidentStep) -> None:
        self._act(lambda world: paper_guard.handle(world, step))

    # ------------------------------------------------------------------------------------- what the platform's parts do

    @rule(version=VERSION, ready=st.booleans())
    def engine_says(self, version: int, ready: bool) -> None:
        self._act(lambda world: paper.engine_says(world, version, ready=ready))

    @rule(behind=st.integers(0, 1))
    def gateways_follow(self, behind: int) -> None:
        self._act(lambda world: replace(world, routed=max(world.routed, len(world.chain) - behind)))

    @rule(version=VERSION, passed=st.booleans())
    def a_drill_ends(self, version: int, passed: bool) -> None:
        told = {version}
        self._act(
            lambda world: replace(world, unverified=world.unverified - told if passed else world.unverified | told)
        )

    @rule()
    def advance(self) -> None:
        self._act(paper.advance)

    @rule(finding=JUDGED, images=st.sampled_from([PLAN.min_images, PLAN.min_images - 1]), lately=st.booleans())
    def the_judge_looks(self, finding: Finding, images: int, lately: bool) -> None:
        """At the canary as it is, or as it was when somebody last looked."""
        for seen in (self.world if lately else self.seen).in_states(CANARIES):
            content = finding is Finding.HEALTHY and images == PLAN.min_images and not self.world.stopped
            look = partial(paper.judged, number=seen.number, seen=seen.at, finding=finding, images=images)
            if self._act(look) and content:
                self.allowed.append(seen.number)

    @rule(reason=REASONS, recovered=st.booleans())
    def tick(self, reason: Reason | None, recovered: bool) -> None:
        self._act(lambda world: paper_guard.tick(world, reason, recovered=recovered))

    @rule(found=FINDINGS)
    def probes_come_back(self, found: Findings) -> None:
        self._act(lambda world: paper_guard.probes_come_back(world, found))

    @rule(seconds=st.sampled_from([30, 90, 1200, 3700, 90_000]))
    def wait(self, seconds: int) -> None:
        self._act(lambda world: replace(world, now=world.now + timedelta(seconds=seconds)))

    # --------------------------------------------------------------------------------------------- what is always so

    @invariant()
    def the_ledger_is_whole_and_nothing_is_lost(self) -> None:
        assert verify(self.world.chain) is None
        assert self.world.chain[: len(self.before.chain)] == self.before.chain
        for was, now in zip(self.before.releases, self.world.releases, strict=False):
            assert now.path[: len(was.path)] == was.path
        assert len(self.before.releases) <= len(self.world.releases)
        known = dict(self.world.incidents)
        assert all(known[cause].states[: len(each.states)] == each.states for cause, each in self.before.incidents)

    @invariant()
    def one_version_serves(self) -> None:
        head = self.world.head
        assert head is not None
        assert serving(self.world.chain) == head.to_version
        [flipped] = [each for each in self.world.releases if each.seq == head.seq]
        assert flipped.plan.to_version == head.to_version
        assert self.world.in_states((State.FLIPPING, State.SERVING)) in ([], [flipped])
        assert len(self.world.in_states((*WAITING, *CANARIES))) <= 1
        entries = [each.seq for each in self.world.chain if each.kind is not EntryKind.ACCEPT]
        assert entries == sorted(each.seq for each in self.world.releases if each.seq is not None)

    @invariant()
    def nothing_moves_outside_its_table(self) -> None:
        for release in self.world.releases:
            assert release.path[0] is State.REQUESTED
            assert all(legal(release.plan.kind, *pair) for pair in pairwise(release.path))
        for _, incident in self.world.incidents:
            assert incident.states[0] is IncidentState.TRIGGERED
            assert all(
                after in [follow(before, step) for step in possible(before)]
                for before, after in pairwise(incident.states)
            )

    @invariant()
    def a_canary_takes_what_its_step_says_and_holds_nothing_when_it_is_over(self) -> None:
        for release in self.world.in_states(CANARIES):
            assert release.canary is not None
            assert 0 <= release.at.step <= min(self.allowed.count(release.number), len(PLAN.steps) - 1)
            assert (release.plan.kind, release.plan.from_version) == (EntryKind.PROMOTE, serving(self.world.chain))
            assert release.plan.to_version != serving(self.world.chain)
        assert all(each.seq is None for each in self.world.in_states((State.ABORTED,)))

    @invariant()
    def what_is_in_quarantine_comes_back_by_override_alone(self) -> None:
        for place, entry in enumerate(self.world.chain):
            if entry.kind is not EntryKind.ACCEPT and entry.to_version in quarantined(self.world.chain[:place]):
                assert entry.kind is EntryKind.PROMOTE
                assert entry.reason == "override of [<Gate.QUARANTINE: 'quarantine'>]"

    @invariant()
    def the_guard_has_brakes(self) -> None:
        """It goes back only while armed, once an hour, and only to what is good, drilled and not in quarantine."""
        own = paper_guard.automatic(self.world)
        news = own[len(paper_guard.automatic(self.before)) :]
        if news:
            assert (self.before.mode, self.before.stopped) == (PolicyMode.AUTO, False)
            assert len(news) == 1
            assert news[0].plan.to_version not in self.before.unverified
            assert news[0].plan.to_version in known_good(self.before.chain)
            assert news[0].plan.to_version not in quarantined(self.before.chain)
            assert news[0].plan.kind is EntryKind.ROLLBACK
        assert all(later.asked_at - earlier.asked_at >= COOLDOWN for earlier, later in pairwise(own))

    def _act(self, act: paper.Act) -> bool:
        """Whether it was done; who is refused has changed nothing."""
        self.before = self.world
        try:
            self.world = act(self.world)
        except (RegistryError, SafelightError):
            return False
        return True


def play(examples: int) -> None:
    profile = settings(max_examples=examples, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None)
    run_state_machine_as_test(OnPaper, settings=profile)


def test_whatever_happens_one_version_serves() -> None:
    play(40)


@pytest.mark.soak
def test_ten_thousand_times() -> None:
    play(10_000)
