"""The same company, which also tries versions on a part of the traffic before it sends all of it to them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from monitors.verdict import Health, Reason, Verdict
from registry.canary import CanaryPlan, CanaryStep
from registry.ledger import EntryKind
from registry.progress import State
from safelight.releasing.canary import Canarying
from safelight.releasing.service import ALIVE
from safelight.serving.routing import routing_table
from safelight.store import canaries, engines, guard, ledger, releases, versions
from safelight.store.canaries import KnownCanary
from safelight.store.releases import CANARIES, KnownRelease

from .company import VERSIONS, WHO, Company  # noqa: TID252

PLAN = CanaryPlan(
    steps=(
        CanaryStep(shadow=20, bake_seconds=60),
        CanaryStep(weight=5, bake_seconds=60),
        CanaryStep(weight=25, bake_seconds=60, pause=True),
        CanaryStep(weight=50, bake_seconds=60),
    )
)
VERBS = st.sampled_from(["promote", "promote", "promote_fully", "pause", "resume", "resume", "abort", "retry"])
FINDINGS = st.sampled_from([Health.HEALTHY, Health.HEALTHY, Health.HEALTHY, Health.DEGRADED, Health.INCONCLUSIVE])
ENOUGH, TOO_FEW = PLAN.min_images, PLAN.min_images - 1


class TryingCompany(Company):
    """Its canaries go on as a judge finds, or as a person says."""

    allowed: list[UUID]
    """Of the canary, for every step that it may have taken: a person said so, or enough was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.allowed = []

    @property
    def canarying(self) -> Canarying:
        return Canarying(self.scene.releasing, self.scene.clock)

    # ------------------------------------------------------------------------------------------------ what people do

    @rule(who=WHO, version=st.integers(1, VERSIONS), looked=st.booleans(), dies=st.booleans())
    def promote_by_canary(self, who: str, version: int, looked: bool, dies: bool) -> None:
        self._act(lambda: self._promote(who, version, self.looked if looked else None, canary=PLAN), dies)

    @rule(who=WHO, version=st.integers(1, VERSIONS))
    def promote_by_canary_what_is_loaded(self, who: str, version: int) -> None:
        """As most often happens; so that the verbs have something to speak of."""
        self._set_engine(version, engines.EngineState.READY)
        self._act(lambda: self._promote(who, version, None, canary=PLAN))
        self._act(self._advance)

    @rule(who=WHO, verb=VERBS, dies=st.booleans())
    def say(self, who: str, verb: str, dies: bool) -> None:
        self._act(lambda: self._say(who, verb), dies)

    # ------------------------------------------------------------------------------------- what the platform's parts do

    @rule(found=FINDINGS, images=st.sampled_from([ENOUGH, ENOUGH, TOO_FEW]), dies=st.booleans())
    def the_judge_looks(self, found: Health, images: int, dies: bool) -> None:
        self._act(lambda: self._judge(found, images), dies)

    # --------------------------------------------------------------------------------------------- what is always so

    @invariant()
    def a_canary_takes_what_its_step_says_and_no_more(self) -> None:
        now = self.scene.clock.now()
        with self.database.reading() as session:
            head = ledger.newest_release(session, self.scene.generator)
            running = _running(session, self.scene.generator)
            known = {(each.generator, each.number): each for each in versions.versions(session, self.scene.generator)}
            ready = engines.ready(session, now - ALIVE)
        assert head is not None
        route = routing_table({self.scene.generator: head}, known, ready, running).routes[self.scene.generator]
        assert route is not None
        assert route.version.number == head.to_version
        assert len(running) <= 1
        if not running:
            assert route.canary is None
            return
        [(release, canary)] = running
        assert route.canary is not None
        assert (route.canary.salt, route.canary.step) == (str(release.id), canary.at)
        assert canary.step <= self.allowed.count(release.id)
        assert (release.kind, release.from_version) == (EntryKind.PROMOTE, head.to_version)
        assert route.canary.version.number == release.to_version != head.to_version

    @invariant()
    def a_canary_is_alone_and_gives_way_to_whatever_comes_after_it(self) -> None:
        with self.database.reading() as session:
            kept = releases.page(session, self.scene.generator, None, 500)
        place = next((i for i, each in enumerate(kept) if each.state in CANARIES), None)
        if place is None:
            return
        # A promote that its gates refuse takes nobody's place.
        assert {each.state for each in kept[:place]} <= {State.FAILED}
        # One before it that has its entry in the ledger serves, and waits for gateways to say so at most.
        assert not any(each.moving and each.ledger_seq is None for each in kept[place + 1 :])

    @invariant()
    def what_was_called_off_has_changed_nothing(self) -> None:
        with self.database.reading() as session:
            kept = releases.page(session, self.scene.generator, None, 500)
        assert not any(each.ledger_seq for each in kept if each.state is State.ABORTED)

    # -------------------------------------------------------------------------------------------------- how it is done

    def _acts(self) -> dict[str, Callable[[], object]]:
        return super()._acts() | {
            "ann tries a version": lambda: self._promote("ann", 3, None, canary=PLAN),
            "ann takes the next step": lambda: self._say("ann", "promote"),
            "bob sends it everything": lambda: self._say("bob", "promote_fully"),
            "ann calls it off": lambda: self._say("ann", "abort"),
            "bob pauses it": lambda: self._say("bob", "pause"),
            "bob tries it again": lambda: self._say("bob", "retry"),
            "one judge is content": lambda: self._judge(Health.HEALTHY, ENOUGH),
            "another judge is not": lambda: self._judge(Health.DEGRADED, ENOUGH),
        }

    def _everything(self) -> list[Any]:
        found = super()._everything()
        with self.database.reading() as session:
            return [*found, [canaries.find(session, each.id) for each in found[1]]]

    def _say(self, who: str, verb: str) -> None:
        """To the newest promote of them that is a canary, whatever became of it."""
        with self.database.transaction() as session:
            release = self._newest_tried(session)
            if release is None:
                return
            getattr(self.canarying, verb)(session, release.id, who, "I say so")
        if verb == "promote":
            self.allowed.append(release.id)

    def _newest_tried(self, session: Any) -> KnownRelease | None:
        kept = releases.page(session, self.scene.generator, None, 500)
        return next((each for each in kept if canaries.find(session, each.id) is not None), None)

    def _judge(self, found: Health, images: int) -> None:
        now = self.scene.clock.now()
        verdict = Verdict(found, Reason.ALIGNMENT_DOWN if found is Health.DEGRADED else Reason.WITHIN_BUDGET, "judged")
        with self.database.transaction() as session:
            ledger.lock(session, self.scene.generator)
            running, stopped = _running(session, self.scene.generator), guard.stopped(session) is not None
            for release, canary in running:
                judged = replace(canary, images=images, verdict=verdict, judged_at=now)
                self.canarying.follow(session, release, judged)
        if (found, images, stopped) == (Health.HEALTHY, ENOUGH, False):
            self.allowed += [release.id for release, _ in running]


def _running(session: Any, generator: str) -> list[tuple[KnownRelease, KnownCanary]]:
    """The canaries that take traffic, or make shadows, right now."""
    tried = releases.in_states(session, CANARIES, generator)
    return [(each, canary) for each in tried if (canary := canaries.find(session, each.id)) is not None]
