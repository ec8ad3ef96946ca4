"""Two versions on engines that paint what they are asked for, more or less faithfully, and repeat themselves."""

import asyncio
import hashlib
import io
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from registry.manifest import Golden, Manifest
from registry.parameters import Defaults, Limits
from safelight.clock import ManualClock
from safelight.ids import new_id
from safelight.probing.judging import ProbeJudge
from safelight.probing.ordering import ProbeOrderer
from safelight.probing.runner import ProbeRunner
from safelight.probing.sets import Probe, synthetic
from safelight.recording.generation import Generation, Outcome, Source
from safelight.releasing.service import Releasing
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.measuring import measure
from safelight.serving.request import Generated, GenerationRequest
from safelight.store import engines, generations, monitors, probe_sets, probes, scores, versions
from safelight.store.database import Database, Session
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.probes import KnownRun, RunState
from safelight.store.scores import GenerationScore
from safelight.store.versions import KnownVersion
from safelight.watching.monitors import defaults

GENERATOR = "studio"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENVIRONMENT = {"device": "cpu", "dtype": "float32"}


@dataclass
class Painter:
    """Makes images where the gateway would have them made, and leaves them behind as shipper and scorer would."""

    database: Database
    clock: ManualClock
    embedder: FakeEmbedder
    fidelity: dict[int, float] = field(default_factory=dict)
    milliseconds: dict[int, float] = field(default_factory=dict)
    trembling: float = 0.0
    lost: bool = False
    content: dict[str, bytes] = field(default_factory=dict)
    deferred: set[float] = field(default_factory=set)
    made: int = 0

    async def make_on(
        self, request: GenerationRequest, version: KnownVersion, engine: KnownEngine, defer: float = 5.0
    ) -> Generated:
        self.made += 1
        self.deferred.add(defer)
        asked = version.held.resolve(request.requested, fallback_seed=0)
        made = Generation(
            id=new_id(),
            created_at=self.clock.now(),
            generator=version.generator,
            version=version.number,
            bundle_digest=version.digest,
            environment_digest=engine.environment_digest,
            source=Source.ENGINE,
            arm=request.arm,
            outcome=Outcome.FAILED if self.lost else Outcome.SERVED,
            error_code="engine_lost" if self.lost else None,
            request_id=request.id,
            replica=engine.host,
            prompt=asked.prompt,
            seed=asked.seed,
            parameters={name: each for name, each in asdict(asked).items() if name not in ("prompt", "seed", "n")},
            envelope={"batch_size": 1},
            engine_ms=self.milliseconds.get(version.number, 100.0),
        )
        if self.lost:
            return Generated(made, b"")
        with self.database.transaction() as session:
            self._keep(session, made, self._paint(asked.prompt, asked.seed, version.number))
        return Generated(made, b"png")

    def read(self, key: str) -> bytes:
        return self.content[key]

    def _paint(self, prompt: str, seed: int, version: int) -> NDArray[np.uint8]:
        rng = np.random.default_rng([seed, version])
        painted = self.embedder.paint(prompt, rng, self.fidelity.get(version, 0.9))
        shaken = painted + self.trembling * np.random.default_rng(self.made).standard_normal(painted.shape)
        return np.asarray(np.clip(shaken, 0, 255), dtype=np.uint8)

    def _keep(self, session: Session, made: Generation, pixels: NDArray[np.uint8]) -> None:
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG")
        key = f"{made.id}.png"
        self.content[key] = out.getvalue()
        row = made.model_dump(exclude={"environment", "seen"}) | {
            "source": made.source.value,
            "arm": made.arm.value,
            "outcome": made.outcome.value,
            "image_key": key,
            "thumbnail_key": None,
            "image_sha256": hashlib.sha256(out.getvalue()).hexdigest(),
        }
        generations.add(session, [row])
        scores.take(session, [made.id])
        [found] = measure(self.embedder, [made.prompt], [pixels])
        score = GenerationScore(
            generation_id=made.id,
            generator=made.generator,
            version=made.version,
            scored_at=self.clock.now(),
            embedder_digest=self.embedder.digest,
            alignment=found.alignment,
            sharpness=0.1,
            contrast=0.1,
            brightness=0.1,
            image_embedding=found.image,
            prompt_embedding=found.prompt,
        )
        scores.add(session, [score])


@dataclass
class Told:
    """Who is told of an incident's probes."""

    ended: list[UUID] = field(default_factory=list)

    def probes_ended(self, _session: Session, incident_id: UUID, _now: datetime) -> None:
        self.ended.append(incident_id)


class Leading:
    def held(self) -> bool:
        return True


class World:
    """An installation with a painter in the place of gateway, engines, shipper and scorer."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock(NOON)
        self.releasing = Releasing(self.clock)
        self.painter = Painter(database, self.clock, FakeEmbedder())
        self.told = Told()
        digest = self.painter.embedder.digest
        self.runner = ProbeRunner(database, self.painter, self.clock, "gateway", at_once=16)
        self.judge = ProbeJudge(database, self.painter, digest, self.told, self.clock, most_pairs=128)
        self.orderer = ProbeOrderer(database, Leading(), self.clock, digest, interval=300.0)

    def release(self, version: int, *, accept: bool = True) -> None:
        with self.database.transaction() as session:
            self.releasing.promote(
                session, generator=GENERATOR, version=version, expected_serving=None, actor="ann", reason=""
            )
            while self.releasing.advance(session, GENERATOR):
                pass
            if accept:
                self.releasing.accept(session, generator=GENERATOR, expected_serving=version, actor="ann", reason="")

    def engine(self, version: int, host: str = "one", **changed: object) -> None:
        held = KnownEngine(
            id=new_id(),
            generator=GENERATOR,
            version=version,
            host=host,
            pid=1,
            url=f"http://{host}",
            state=EngineState.READY,
            detail="",
            environment_digest="sha256:environment",
            started_at=NOON,
            ready_at=NOON,
            heartbeat_at=NOON + timedelta(days=9),
        )
        with self.database.transaction() as session:
            engines.put(session, replace(held, **changed))  # type: ignore[arg-type]  # fields by name

    def make(self) -> None:
        """What is ordered is made, as far as there are engines for it."""
        while asyncio.run(self.runner.run_once()):
            pass

    def probe(self) -> list[KnownRun]:
        """Order, make and judge what is due now; the newest runs first."""
        self.orderer.run_once()
        self.make()
        self.judge.run_once()
        with self.database.reading() as session:
            return probes.page(session, GENERATOR)

    def runs(self, *states: RunState) -> list[KnownRun]:
        with self.database.reading() as session:
            return probes.in_states(session, states)


@pytest.fixture
def world(database: Database) -> World:
    """Version 1 serves and is accepted; 2 is registered and loaded."""
    made = World(database)
    with database.transaction() as session:
        versions.add_generator(session, GENERATOR, "", NOON)
        generations.add_environments(session, {"sha256:environment": ENVIRONMENT}, NOON)
        monitors.add_missing(session, defaults(GENERATOR, NOON))
        for number in (1, 2):
            manifest = _manifest(number)
            versions.put_version(session, KnownVersion(GENERATOR, number, manifest.digest, manifest, "", NOON, "test"))
        probe_sets.add(
            session,
            generator=GENERATOR,
            name="synthetic",
            source="bundled",
            probes=[probe.document() for probe in _few_probes()],
            now=NOON,
            actor="test",
        )
    made.engine(1)
    made.engine(2)
    made.release(1)
    return made


def _few_probes() -> list[Probe]:
    """The set that ships, cut short: 24 scenes, 8 of them in other words and 8 with a slip of the pen."""
    shipped = synthetic()
    return [*shipped[:24], *(probe for probe in shipped if probe.of is not None and probe.of < 8)]


def _manifest(number: int) -> Manifest:
    return Manifest(
        checkpoint="sha256:" + f"{number:x}" * 64,
        dtype="float32",
        defaults=Defaults(steps=8, guidance=3.0, width=64, height=64),
        limits=Limits(min_side=64, max_side=64, max_steps=50, max_guidance=10.0, max_prompt_length=500),
        golden=(Golden(prompt="a red ball", seed=1),),
    )
