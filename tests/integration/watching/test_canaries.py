"""Canaries on real rows: a worse version is called off while few have it, a harmless one passes, silence never does."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from monitors.verdict import Health, Reason
from registry.canary import CanaryPlan, CanaryRefused, CanaryStep
from registry.ledger import EntryKind
from registry.manifest import Golden, Manifest
from registry.parameters import Defaults, Limits
from registry.progress import State
from safelight.ids import new_id
from safelight.releasing.canary import Canarying
from safelight.releasing.service import Releasing
from safelight.responding.announcement import Links
from safelight.store import baselines, canaries, engines, incidents, ledger, releases, sketches, versions
from safelight.store.canaries import KnownCanary
from safelight.store.database import Session
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.releases import KnownRelease
from safelight.store.sketches import SketchRange
from safelight.store.versions import KnownVersion
from safelight.watching.canaries import CanaryJudge
from safelight.watching.canary_guard import CanaryGuard

QUICK = CanaryPlan(
    steps=(
        CanaryStep(weight=10, bake_seconds=60),
        CanaryStep(weight=25, bake_seconds=60),
        CanaryStep(weight=50, bake_seconds=60),
    ),
    alignment_tolerance=0.01,
    alignment_margin=0.1,
    spoilt_margin=0.2,
    give_up_seconds=300,
)


class Stage:
    """A canary of version 2 beside version 1, which serves."""

    def __init__(self, world: Any) -> None:
        self.world, self.database = world, world.database
        self.releasing = Releasing(world.clock)
        self.canarying = Canarying(self.releasing, world.clock)
        self.judge = CanaryJudge(
            world.database,
            world.clock,
            world.leadership,
            self.canarying,
            world.lenses,
            Links("http://here"),
            world.embedder.digest,
            60,
        )
        self.guard = CanaryGuard(
            world.database,
            world.clock,
            world.leadership,
            world.assessor,
            self.releasing,
            Links("http://here"),
            world.settings.tick_seconds,
        )
        with self.database.transaction() as session:
            for number in (1, 2):
                versions.put_version(session, _version(number, world.clock.now()))
        self.release = self.begin(QUICK)

    def begin(self, plan: CanaryPlan) -> KnownRelease:
        with self.database.transaction() as session:
            self.release = self.releasing.promote(
                session,
                generator="studio",
                version=2,
                expected_serving=1,
                actor="ann",
                reason="sharper",
                canary=plan,
            )
            engines.put(session, _engine(self.world.clock.now()))
        with self.database.transaction() as session:
            self.releasing.advance(session, "studio")
        return self.release

    def ask(self, verb: Callable[..., KnownRelease], reason: str = "") -> KnownRelease:
        with self.database.transaction() as session:
            return verb(session, self.release.id, "ann", reason)

    def minute(self, n: int = 160, *, fidelity: float = 0.9, blank: float = 0.0, shadows: int = 0) -> None:
        """Everybody's requests, split as the step says; they are scored, and the judge looks."""
        weight = self.canary.at.weight if self.state in releases.CANARIES else 0
        ours = n * weight // 100
        if ours:
            self.world.log(ours, version=2, arm="canary", fidelity=fidelity, blank=blank)
        served = self.world.log(n - ours)
        if shadows:
            self.world.log(shadows, version=2, arm="shadow", fidelity=fidelity, shadowed=served[:shadows])
        while self.world.scorer.run_once():
            pass
        self.look()

    def look(self, seconds: float = 60) -> int:
        self.world.clock.advance(seconds)
        self.world.leadership.renew()
        return self.judge.run_once()

    @property
    def canary(self) -> KnownCanary:
        with self.database.reading() as session:
            found = canaries.find(session, self.release.id)
        assert found is not None
        return found

    @property
    def state(self) -> State:
        with self.database.reading() as session:
            return releases.require(session, self.release.id).state

    @property
    def serving(self) -> list[int]:
        """By the ledger, from the first."""
        with self.database.reading() as session:
            return [entry.to_version for entry in ledger.chain(session, "studio")]


@pytest.fixture
def stage(world: Any) -> Stage:
    built = Stage(world)
    built.look(1)
    return built


def test_a_worse_version_is_called_off_before_a_quarter_of_the_requests_goes_to_it(stage: Stage) -> None:
    largest = 0
    for _ in range(6):
        if stage.state is State.ABORTED:
            break
        largest = max(largest, stage.canary.at.weight)
        stage.minute(fidelity=0.4)
    assert (stage.state, stage.serving) == (State.ABORTED, [1])
    assert largest < 25
    verdict = stage.canary.verdict
    assert verdict is not None
    assert (verdict.health, verdict.reason) == (Health.DEGRADED, Reason.ALIGNMENT_DOWN)
    with stage.database.reading() as session:
        [incident] = incidents.open_incidents(session, "studio")
    assert (incident.monitor, incident.reason, incident.suspect_version) == ("canary", "alignment_down", None)


def test_the_guard_calls_off_what_its_monitors_find_degraded_though_the_judge_has_not_looked(stage: Stage) -> None:
    stage.world.log(200)
    stage.world.log(60, version=2, arm="canary", failed=40)
    stage.world.tick()
    assert (stage.guard.run_once(), stage.guard.run_once()) == (1, 0)
    assert (stage.state, stage.serving) == (State.ABORTED, [1])
    with stage.database.reading() as session:
        [incident] = incidents.open_incidents(session, "studio")
        [line] = [each for each in incidents.timeline(session, incident.id) if each.kind == "canary"]
        called_off = releases.steps(session, stage.release.id)[-1].detail
    assert (incident.monitor, incident.reason, incident.suspect_version) == ("canary", "error_budget_burn", None)
    assert line.data["found_by"] == "good_images"
    assert called_off.startswith("good_images: ")


def test_the_guard_leaves_a_canary_alone_for_what_is_wrong_with_both_or_with_shadows(stage: Stage) -> None:
    served = stage.world.log(200, failed=120)
    stage.world.log(60, version=2, arm="canary", failed=40)
    stage.world.log(100, version=2, arm="shadow", blank=1.0, failed=100, shadowed=served[:100])
    said = stage.world.tick()
    assert {name for name, each in said.items() if each.verdict.health is Health.DEGRADED} >= {"service_health"}
    assert said["blank_rate"].verdict.n == 200
    assert (stage.guard.run_once(), stage.state) == (0, State.CANARY)


def test_a_harmless_version_passes_step_by_step_and_its_traffic_is_kept_apart(stage: Stage) -> None:
    weights = [stage.canary.at.weight]
    for _ in range(12):
        stage.minute()
        if stage.state is not State.CANARY:
            break
        weights.append(stage.canary.at.weight)
    assert (stage.state, stage.serving) == (State.FLIPPING, [1, 2])
    assert sorted(set(weights)) == [10, 25, 50]
    with stage.database.reading() as session:
        baseline = session_baseline(session)
        now = stage.world.clock.now()
        span = (now - timedelta(hours=1), now)
        seen = {
            (version, arm): sketches.seen_through(session, SketchRange("studio", version, arm, baseline, *span))
            for version in (1, 2)
            for arm in ("stable", "canary")
        }
    assert seen[1, "stable"] > seen[2, "canary"] > 0
    assert seen[2, "stable"] == seen[1, "canary"] == 0


def test_silence_is_never_a_pass_and_in_the_end_a_person_is_waited_for(stage: Stage) -> None:
    for _ in range(4):
        stage.look()
    assert (stage.state, stage.canary.step) == (State.CANARY, 0)
    stage.look(300)
    assert stage.state is State.PAUSED
    stage.ask(stage.canarying.resume)
    stage.look(3_600)
    assert (stage.state, stage.canary.step) == (State.CANARY, 0)
    stage.ask(stage.canarying.promote_fully, "it is night and I know better")
    assert stage.serving == [1, 2]
    with stage.database.transaction() as session:
        stage.releasing.advance(session, "studio")
        stage.releasing.accept(session, generator="studio", expected_serving=2, actor="ann", reason="it is good")
    with pytest.raises(CanaryRefused, match="accepted"):  # what has come to its end is not tried again
        stage.ask(stage.canarying.retry)


def test_shadows_alone_show_a_worse_version_before_anybody_has_it(stage: Stage) -> None:
    stage.ask(stage.canarying.abort)
    stage.begin(CanaryPlan(steps=(CanaryStep(shadow=50, bake_seconds=60), CanaryStep(weight=5)), alignment_margin=0.1))
    stage.minute(40, fidelity=0.4, shadows=20)
    assert (stage.state, stage.serving) == (State.ABORTED, [1])


def test_shadows_alone_show_that_a_version_is_no_worse(stage: Stage) -> None:
    stage.ask(stage.canarying.abort)
    plan = QUICK.model_copy(update={"steps": (CanaryStep(shadow=50, bake_seconds=60), CanaryStep(weight=5))})
    stage.begin(plan)
    for _ in range(4):
        stage.minute(60, shadows=40)
    assert (stage.state, stage.canary.step) == (State.CANARY, 1)


def test_a_judge_that_fails_passes_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage.judge, "_embedder_digest", object())
    stage.minute(40)
    verdict = stage.canary.verdict
    assert verdict is not None
    assert (verdict.health, stage.state, stage.canary.step) == (Health.ERROR, State.CANARY, 0)


def test_a_canary_that_cannot_be_read_keeps_no_other_from_being_judged(stage: Stage) -> None:
    now = stage.world.clock.now()
    with stage.database.transaction() as session:
        versions.add_generator(session, "broken", "", now)
        release = releases.add(
            session,
            generator="broken",
            kind=EntryKind.PROMOTE,
            from_version=1,
            to_version=2,
            actor="ann",
            reason="",
            incident_id=None,
            now=now,
        )
        releases.move(session, release, State.CANARY, now)
        canaries.add(session, release.id, CanaryPlan.model_construct(steps=()))
    before = stage.canary.judged_at
    stage.look()
    assert before != stage.canary.judged_at == stage.world.clock.now()


def test_a_worse_version_is_called_off_while_it_is_paused(stage: Stage) -> None:
    stage.ask(stage.canarying.pause)
    for _ in range(4):
        if stage.state is State.PAUSED:
            stage.minute(fidelity=0.4)
    assert stage.state is State.ABORTED


def test_who_does_not_lead_judges_nothing(stage: Stage) -> None:
    stage.world.clock.advance(3_600)
    before = stage.canary
    assert stage.judge.run_once() == 0
    assert stage.canary == before


def session_baseline(session: Session) -> UUID:
    return baselines.of_generator(session, "studio")[0].id


def _version(number: int, now: datetime) -> KnownVersion:
    manifest = Manifest(
        checkpoint="sha256:" + f"{number:x}" * 64,
        dtype="float32",
        defaults=Defaults(steps=8, guidance=3.0, width=64, height=64),
        limits=Limits(min_side=64, max_side=64, max_steps=50, max_guidance=10.0, max_prompt_length=500),
        golden=(Golden(prompt="a red ball", seed=1),),
    )
    return KnownVersion("studio", number, manifest.digest, manifest, "", now, "ann")


def _engine(now: datetime) -> KnownEngine:
    return KnownEngine(
        id=new_id(),
        generator="studio",
        version=2,
        host="one",
        pid=1,
        url="http://127.0.0.1:1",
        state=EngineState.READY,
        detail="",
        environment_digest=None,
        started_at=now,
        ready_at=now,
        heartbeat_at=now,
    )
