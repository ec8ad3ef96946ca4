"""A company on paper: all that people, workers and engines do to one generator, composed of the rules alone.

There is no database and no process: a world is a value, and an act makes another of it, or is refused and makes none.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeAlias

from monitors.verdict import Reason
from registry.canary import CanaryPlan, Finding, Move, Standing, check_canary, decide, is_way_back
from registry.gates import result
from registry.gates.evidence import Engine, Evidence, Loading, NotPaired, Unpaired
from registry.gates.judging import judge
from registry.gates.policy import GatePolicy
from registry.gates.result import Decision, Gate
from registry.ledger import Draft, Entry, EntryKind, StaleServing, append
from registry.progress import Event, State, transition
from registry.rules import Plan, plan_accept, plan_promote, plan_rollback, quarantined, serving
from safelight.store.incident_states import IncidentState
from safelight.store.incidents import PolicyMode
from safelight.store.releases import CANARIES

VERSIONS = frozenset({1, 2, 3, 4})
Act: TypeAlias = "Callable[[World], World]"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WAITING = (State.REQUESTED, State.PREPARING, State.VERIFYING)


@dataclass(frozen=True, kw_only=True)
class Release:
    number: int
    plan: Plan
    by: str
    asked_at: datetime
    incident: str | None = None
    override: bool = False
    canary: CanaryPlan | None = None
    at: Standing = field(default=Standing(0, NOON, paused=False))
    path: tuple[State, ...] = (State.REQUESTED,)
    broken: bool = False
    """An engine has failed to load it since it was asked for."""
    passed_over: frozenset[Gate] = frozenset()
    seq: int | None = None
    """Of its entry in the ledger."""

    @property
    def state(self) -> State:
        return self.path[-1]


@dataclass(frozen=True)
class Incident:
    suspect: int
    target: int | None
    reason: Reason
    states: tuple[IncidentState, ...] = (IncidentState.TRIGGERED,)
    probed: bool = False
    """Probes that were ordered for it have not come back."""

    @property
    def is_open(self) -> bool:
        return self.states[-1] is not IncidentState.RESOLVED


@dataclass(frozen=True)
class World:
    now: datetime = NOON
    chain: tuple[Entry, ...] = ()
    releases: tuple[Release, ...] = ()
    incidents: tuple[tuple[str, Incident], ...] = ()
    """By cause, in the order in which they were opened."""
    loaded: frozenset[int] = frozenset()
    unverified: frozenset[int] = frozenset()
    mode: PolicyMode = PolicyMode.RECOMMEND
    stopped: bool = False
    routed: int = 0
    """The entry by which every gateway routes."""

    @property
    def head(self) -> Entry | None:
        return next((each for each in reversed(self.chain) if each.kind is not EntryKind.ACCEPT), None)

    def in_states(self, states: Collection[State]) -> list[Release]:
        return [each for each in self.releases if each.state in states]


def promote(
    world: World,
    by: str,
    version: int,
    expected: int | None = None,
    *,
    canary: CanaryPlan | None = None,
    override: bool = False,
) -> World:
    plan = plan_promote(world.chain, version, registered=VERSIONS, expected_serving=expected)
    if canary is not None:
        check_canary(plan.from_version, version, ())
    world, release = _added(world, plan, by, canary=canary, override=override)
    decision, release = _gates(world, release)
    if decision is Decision.REFUSE:
        return _moved(world, release, Event.FAIL)
    return _moved(_superseded(world, release, (*WAITING, *CANARIES)), release, Event.PREPARE)


def roll_back(
    world: World, by: str, to: int | None = None, expected: int | None = None, incident: str | None = None
) -> World:
    running = world.in_states(CANARIES)
    if running and is_way_back(world.chain, to):
        if expected not in (None, serving(world.chain)):
            raise StaleServing(expected, serving(world.chain))
        return _moved(world, running[-1], Event.ABORT)
    plan = plan_rollback(world.chain, to, registered=VERSIONS, warm=world.loaded, expected_serving=expected)
    world, release = _added(world, plan, by, incident=incident)
    world = _superseded(world, release, (*WAITING, *CANARIES))
    return _flipped(world, release) if plan.path[0] is State.FLIPPING else _moved(world, release, Event.PREPARE)


def accept(world: World, expected: int | None = None) -> World:
    plan = plan_accept(world.chain, expected_serving=expected)
    world = _written(world, plan, "ann", "good", None)
    for each in world.in_states((State.SERVING,)):
        world = _moved(world, each, Event.ACCEPT)
    return world


def engine_says(world: World, version: int, *, ready: bool) -> World:
    if ready:
        return replace(world, loaded=world.loaded | {version})
    struck = (replace(each, broken=each.broken or each.plan.to_version == version) for each in world.releases)
    return replace(world, loaded=world.loaded - {version}, releases=tuple(struck))


def advance(world: World) -> World:
    for release in world.in_states((State.PREPARING, State.VERIFYING)):
        world = _followed(world, release)
    for release in world.in_states((State.FLIPPING,)):
        if release.seq is not None and world.routed >= release.seq:
            world = _moved(world, release, Event.ARRIVE)
    return world


def say(world: World, verb: str, by: str) -> World:
    """To the newest promote that is a canary, whatever became of it."""
    release = next((each for each in reversed(world.releases) if each.canary is not None), None)
    if release is None:
        return world
    match verb:
        case "abort":
            return _moved(world, release, Event.ABORT)
        case "retry":
            over = release.state in (State.ABORTED, State.FAILED, State.SUPERSEDED)
            return promote(world, by, release.plan.to_version, canary=release.canary) if over else world
        case "pause":
            return _moved(world, replace(release, at=replace(release.at, paused=True)), Event.PAUSE)
        case "resume":
            return _moved(world, replace(release, at=replace(release.at, paused=False, answered=True)), Event.RESUME)
        case "step":
            return _stepped(world, release) if release.state in CANARIES else world
        case _:
            return _flipped(world, release) if release.state in CANARIES else world


def judged(world: World, number: int, seen: Standing, finding: Finding, images: int) -> World:
    """What a judge makes of the canary that it looked at, if it still stands as it was seen."""
    release = world.releases[number]
    if release.state not in CANARIES or release.at != seen or release.canary is None:
        return world
    if serving(world.chain) != release.plan.from_version:
        return _moved(world, release, Event.FAIL)
    move, _ = decide(release.canary, replace(release.at, stopped=world.stopped), finding, images, world.now)
    match move:
        case Move.WAIT:
            return world
        case Move.PAUSE:
            return _moved(world, replace(release, at=replace(release.at, paused=True)), Event.PAUSE)
        case Move.ABORT:
            return _moved(world, release, Event.ABORT)
        case Move.STEP | Move.FINISH:
            return _stepped(world, release)


def _added(
    world: World,
    plan: Plan,
    by: str,
    *,
    incident: str | None = None,
    canary: CanaryPlan | None = None,
    override: bool = False,
) -> tuple[World, Release]:
    release = Release(
        number=len(world.releases),
        plan=plan,
        by=by,
        asked_at=world.now,
        incident=incident,
        canary=canary,
        override=override,
    )
    return replace(world, releases=(*world.releases, release)), release


def _gates(world: World, release: Release) -> tuple[Decision, Release]:
    version = release.plan.to_version
    evidence = Evidence(
        external=False,
        engine=Engine(Loading.READY if version in world.loaded else Loading.UNTRIED),
        quarantined=quarantined(world.chain).get(version),
        provenance=None,
        paired=Unpaired(NotPaired.NOT_YET),
        variant=None,
        author="eve",
        promoter=release.by,
        approvals=(),
    )
    results = judge(evidence, GatePolicy())
    passed_over = frozenset(each.gate for each in result.overridden(results)) if release.override else frozenset()
    return result.decide(results, override=release.override), replace(release, passed_over=passed_over)


def _followed(world: World, release: Release) -> World:
    if release.broken:
        return _moved(world, release, Event.FAIL)
    if release.plan.to_version not in world.loaded:
        return world
    if serving(world.chain) != release.plan.from_version:
        return _moved(world, release, Event.FAIL)
    if release.plan.kind is EntryKind.ROLLBACK:
        return _flipped(world, release)
    if release.state is State.PREPARING:
        world = _moved(world, release, Event.VERIFY)
        release = world.releases[release.number]
    decision, release = _gates(world, release)
    if decision is Decision.REFUSE:
        return _moved(world, release, Event.FAIL)
    if decision is Decision.WAIT:
        return world
    if release.canary is not None:
        return _moved(world, replace(release, at=Standing(0, world.now, paused=False)), Event.BEGIN)
    return _flipped(world, release)


def _stepped(world: World, release: Release) -> World:
    assert release.canary is not None
    if release.at.step + 1 == len(release.canary.steps):
        return _flipped(world, release)
    return _moved(world, replace(release, at=Standing(release.at.step + 1, world.now, paused=False)), Event.STEP)


def _flipped(world: World, release: Release) -> World:
    world = _superseded(world, release, (State.FLIPPING, State.SERVING))
    reason = f"override of {sorted(release.passed_over)}" if release.passed_over else "better"
    world = _written(world, release.plan, release.by, reason, release.incident)
    return _moved(world, replace(release, seq=world.chain[-1].seq), Event.FLIP)


def _written(world: World, plan: Plan, by: str, reason: str, incident: str | None) -> World:
    draft = Draft(
        generator="studio",
        scope="default",
        kind=plan.kind,
        from_version=plan.from_version,
        to_version=plan.to_version,
        to_digest=digest(plan.to_version),
        actor=by,
        reason=reason,
        incident_id=incident,
    )
    return replace(world, chain=(*world.chain, append(world.chain[-1] if world.chain else None, draft, world.now)))


def _superseded(world: World, release: Release, states: Collection[State]) -> World:
    for other in world.in_states(states):
        if other.number != release.number:
            called_off = release.plan.kind is EntryKind.ROLLBACK and other.state in CANARIES
            world = _moved(world, other, Event.ABORT if called_off else Event.SUPERSEDE)
    return world


def _moved(world: World, release: Release, event: Event) -> World:
    state = transition(release.plan.kind, world.releases[release.number].state, event)
    moved = replace(release, path=(*release.path, state))
    return replace(world, releases=(*world.releases[: release.number], moved, *world.releases[release.number + 1 :]))


def digest(version: int) -> str:
    return "sha256:" + f"{version:x}" * 64
