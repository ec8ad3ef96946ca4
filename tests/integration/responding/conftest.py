"""A generator whose version 1 is known good and whose version 2 serves, and a responder with a scripted judge."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from monitors.preference import Departures
from monitors.probes import Comparison
from monitors.recovery import Recovery
from monitors.scan import Rule
from monitors.verdict import Health, Json, Reason, Verdict
from registry.manifest import Golden, Manifest
from registry.parameters import Defaults, Limits
from safelight.clock import ManualClock
from safelight.ids import new_id
from safelight.notifying import making
from safelight.notifying.addresses import PUBLIC, Reach
from safelight.releasing.service import Releasing
from safelight.responding.announcement import Links
from safelight.responding.deciding import Decider
from safelight.responding.handling import Handling
from safelight.responding.responder import Responder
from safelight.store import engines, incidents, ledger, notifications, probe_sets, probes, verdicts, versions
from safelight.store.channels import ChannelKind
from safelight.store.database import Database, Session
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.incidents import KnownIncident
from safelight.store.probes import KnownRun, NewRun, Purpose
from safelight.store.verdicts import NewVerdict, StoredVerdict
from safelight.store.versions import KnownVersion

GENERATOR = "studio"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINKS = Links("https://safelight.example")

Degrade = Callable[..., list[KnownIncident]]


@dataclass
class Scene:
    """The parts on stage, and what the scripted judge says next."""

    database: Database
    clock: ManualClock
    releasing: Releasing
    decider: Decider
    handling: Handling
    generator: str = GENERATOR
    judged_since: list[datetime] = field(default_factory=list)
    recovery: Recovery = Recovery.WAITING

    def tick(
        self,
        reason: Reason | None = None,
        *,
        monitor: str = "release_comparison",
        critical: bool = True,
        p_value: float | None = None,
        threshold: float | None = None,
        against: int | None = None,
        part: dict[str, Json] | None = None,
    ) -> list[KnownIncident]:
        """One tick: a degraded verdict where a reason is given, a healthy one else; `part` is the slice it is about,
        `against` the version whose baseline it rests on.

        Returns the generator's open incidents.
        """
        self.clock.advance(10)
        evidence: dict[str, Json] = {"compared_with": against}
        verdict = Verdict(
            Health.DEGRADED if reason else Health.HEALTHY,
            reason or Reason.WITHIN_BUDGET,
            "images fit their prompts worse" if reason else "nothing unusual",
            n=300,
            p_value=p_value,
            threshold=threshold,
            evidence=evidence | ({"slice": part} if part else {}),
        )
        return self.respond(NewVerdict(monitor, critical, 2, verdict))

    def respond(self, *answers: NewVerdict) -> list[KnownIncident]:
        """To what several monitors answer at once; returns the generator's open incidents."""
        now = self.clock.now()
        with self.database.transaction() as session:
            stored = verdicts.add(session, self.generator, now, answers)
            self._responder().respond(session, self.generator, stored, now)
            return incidents.open_incidents(session, self.generator)

    def store_outputs(self, version: int) -> None:
        """Probes of a version that later ones can be held against."""
        with self.database.transaction() as session:
            chosen = probe_sets.require(session, self.generator, "synthetic")
            new = NewRun(
                generator=self.generator,
                version=version,
                set_id=chosen.id,
                purpose=Purpose.BASELINE,
                places=chosen.plain,
                expires_at=self.clock.now(),
                ordered_by="test",
            )
            run = probes.order(session, new, self.clock.now())
            probes.judged(session, run.id, {"comparison": None}, None, self.clock.now())

    def open_runs(self) -> list[KnownRun]:
        with self.database.reading() as session:
            return probes.in_states(session, probes.OPEN)

    def end(self, run: KnownRun, health: Health) -> None:
        """A run comes back; where nothing could be told, it found no engine."""
        with self.database.transaction() as session:
            self.judge(session, run, health)

    def judge(self, session: Session, run: KnownRun, health: Health) -> None:
        """The same in a transaction of somebody's, with the ledger locked as whoever judges does."""
        now = self.clock.now()
        ledger.lock(session, self.generator)
        if run.purpose is Purpose.BASELINE or health is not Health.INCONCLUSIVE:
            probes.judged(session, run.id, _result(run, health), None, now)
        else:
            probes.failed(session, run.id, "It found no engine in time.", now)
        if run.incident_id is not None:
            self.decider.probes_ended(session, run.incident_id, now)

    def answer(self, **healths: Health) -> None:
        """All probes come back: a health for each purpose (suspect, target, reload), inconclusive where it has none."""
        for run in self.open_runs():
            self.end(run, healths.get(run.purpose.value, Health.INCONCLUSIVE))

    def serving(self) -> int:
        with self.database.reading() as session:
            entry = ledger.newest_release(session, self.generator)
        assert entry is not None
        return entry.to_version

    def decisions(self, incident: KnownIncident) -> list[str]:
        with self.database.reading() as session:
            timeline = incidents.timeline(session, incident.id)
        return [event.data["why"] for event in timeline if event.kind == "policy"]

    def rollback(self) -> None:
        """By hand, and followed to its end."""
        with self.database.transaction() as session:
            self.releasing.rollback(
                session, generator=self.generator, to=None, expected_serving=2, actor="ann", reason="it is bad"
            )
        self.settle()

    def settle(self) -> None:
        with self.database.transaction() as session:
            self.releasing.advance(session, self.generator)

    def events(self, incident: KnownIncident) -> list[str]:
        with self.database.reading() as session:
            return [event.kind for event in incidents.timeline(session, incident.id)]

    def told(self) -> list[tuple[str, UUID | None]]:
        """What the channels are told, in order."""
        with self.database.reading() as session:
            return [(each.event, each.incident_id) for each in notifications.page(session)][::-1]

    def _responder(self) -> Responder:
        return Responder(self.decider, _evidence, self._judge, LINKS)

    def _judge(self, _session: Session, _generator: str, since: datetime, _now: datetime) -> Recovery:
        self.judged_since.append(since)
        return self.recovery


@pytest.fixture
def scene(database: Database) -> Scene:
    return build(database)


def build(database: Database, url: str = "https://pager.example/hook", reach: Reach = PUBLIC) -> Scene:
    """Sets the stage in an empty database; `url` is where its one channel is told."""
    scene = prepare(database, GENERATOR, versions_registered=2)
    with database.transaction() as session:
        for number in (1, 2):
            engines.put(session, engine(GENERATOR, number))
            scene.releasing.promote(
                session, generator=GENERATOR, version=number, expected_serving=None, actor="ann", reason=""
            )
            scene.releasing.advance(session, GENERATOR)
            if number == 1:
                scene.releasing.accept(session, generator=GENERATOR, expected_serving=1, actor="ann", reason="")
        making.create(session, "on call", ChannelKind.WEBHOOK, NOON, url=url, reach=reach)
    return scene


def prepare(database: Database, generator: str, versions_registered: int) -> Scene:
    """A generator of which nothing serves yet, with a set of probes."""
    clock = ManualClock(NOON)
    releasing = Releasing(clock)
    with database.transaction() as session:
        versions.add_generator(session, generator, "", NOON)
        for number in range(1, versions_registered + 1):
            manifest = _manifest(number)
            versions.put_version(session, KnownVersion(generator, number, manifest.digest, manifest, "", NOON, "test"))
        probe_sets.add(
            session,
            generator=generator,
            name="synthetic",
            source="bundled",
            probes=[{"prompt": f"thing {i}", "seed": i} for i in range(150)],
            now=NOON,
            actor="test",
        )
    return Scene(database, clock, releasing, Decider(releasing, LINKS, 128), Handling(LINKS), generator)


def _result(run: KnownRun, health: Health) -> dict[str, Any]:
    if run.purpose is Purpose.BASELINE:
        return {"comparison": None}
    rule = Rule.ANY_CHANGE if run.against is None else Rule.WORSE
    p_value = 1e-9 if health is Health.DEGRADED else 1.0
    found = Comparison(rule, len(run.places), 0, 0, 0, None, None, 0.1, -0.1, p_value, p_value)
    # What is healthy did not move, what is degraded lost alignment everywhere: so it can be seen which does better.
    lost = 0.1 if health is Health.DEGRADED else 0.0
    by_place = dict.fromkeys(run.places, -lost)
    departed = Departures(rule, by_place, dict.fromkeys(run.places, lost), dict.fromkeys(run.places, False))
    return {"comparison": found.to_dict(), "departures": departed.to_dict()}


def _evidence(_session: Session, _generator: str, _verdict: StoredVerdict) -> dict[str, Any]:
    return {"worst_images": [{"id": "0198d0c4-0000-7000-8000-000000000000"}]}


def engine(generator: str, version: int, state: EngineState = EngineState.READY, since: datetime = NOON) -> KnownEngine:
    """One that is heard of all the time."""
    return KnownEngine(
        id=new_id(),
        generator=generator,
        version=version,
        host="one",
        pid=1,
        url="http://127.0.0.1:1",
        state=state,
        detail="",
        environment_digest=None,
        started_at=since,
        ready_at=since,
        heartbeat_at=datetime(2027, 1, 1, tzinfo=UTC),
    )


def _manifest(number: int) -> Manifest:
    return Manifest(
        checkpoint="sha256:" + f"{number:x}" * 64,
        dtype="float32",
        defaults=Defaults(steps=8, guidance=3.0, width=64, height=64),
        limits=Limits(min_side=64, max_side=64, max_steps=50, max_guidance=10.0, max_prompt_length=500),
        golden=(Golden(prompt="a red ball", seed=1),),
    )
