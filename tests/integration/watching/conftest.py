"""A synthetic product in front of real monitors: traffic is painted, logged, scored and judged minute by minute."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from registry.ledger import Draft, EntryKind
from registry.parameters import Defaults
from safelight.clock import ManualClock
from safelight.ids import first_id_at
from safelight.scoring.examining import Examiner
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.folding import Folder
from safelight.scoring.scorer import Scorer
from safelight.scoring.stream import record
from safelight.settings import WatchingSettings
from safelight.store import baselines, ledger, monitors, traffic, versions
from safelight.store.base import Base
from safelight.store.baselines import NewBaseline
from safelight.store.database import Database, Session
from safelight.store.tables import GenerationRow, ScoreTask
from safelight.store.traffic import LATENCY_CLASSES, Traffic, latency_class
from safelight.store.verdicts import StoredVerdict
from safelight.watching.assess import Assessor
from safelight.watching.baselines import from_recorded
from safelight.watching.evidence import EvidenceGatherer
from safelight.watching.lease import Leadership
from safelight.watching.lenses import LensCache
from safelight.watching.monitors import defaults
from safelight.watching.observing import Observer
from safelight.watching.recorded import RecordedSample
from safelight.watching.recovery import RecoveryJudge
from safelight.watching.slicing import Slicing
from safelight.watching.tick import Ticker

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARAMETERS = {"steps": 8, "guidance": 3.0, "width": 64, "height": 64}
DEFAULTS = Defaults(steps=8, guidance=3.0, width=64, height=64)
WORDS = ("red", "blue", "green", "cat", "dog", "car", "house", "on", "grass", "snow", "two", "small")


class SpyResponder:
    """Remembers what it was handed; fails when told to."""

    def __init__(self) -> None:
        self.handed: list[list[StoredVerdict]] = []
        self.failing = False

    def respond(self, session: Session, generator: str, verdicts: Sequence[StoredVerdict], now: datetime) -> None:
        if self.failing:
            raise RuntimeError("no answer")
        self.handed.append(list(verdicts))


class World:
    """One generator, its traffic and one worker that watches it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = ManualClock(NOON)
        self.embedder = FakeEmbedder()
        self.content: dict[str, bytes] = {}
        self.prompts: dict[UUID, str] = {}
        self.responder = SpyResponder()
        self.lenses = LensCache()
        self.settings = WatchingSettings()
        self.observer = Observer(self.lenses, self.embedder.digest, timedelta(minutes=30))
        self.assessor = Assessor(self.settings, self.observer, self.embedder.digest)
        self.judge = RecoveryJudge(self.assessor, self.observer)
        self.evidence = EvidenceGatherer(self.lenses, self.embedder.digest)
        slicing = Slicing(self.settings.slices, self.settings.most_slices)
        folder = Folder(self.lenses, self.embedder.digest, slicing, self.clock, self.settings.bucket_seconds)
        self.scorer = Scorer(database, Examiner(self, self.embedder, self.clock), folder, batch=500)
        self.leadership, self.ticker = self.worker("one")
        self._rng = np.random.default_rng(7)
        self._made = 0

    def worker(self, name: str) -> tuple[Leadership, Ticker]:
        leadership = Leadership(self.database, self.clock, name, self.settings.lease_seconds)
        ticker = Ticker(
            self.database,
            self.clock,
            self.assessor,
            self.responder,
            leadership,
            name,
            self.settings.tick_seconds,
        )
        return leadership, ticker

    def read(self, key: str) -> bytes:
        return self.content[key]

    def log(
        self,
        n: int,
        *,
        version: int = 1,
        fidelity: float = 0.9,
        blank: float = 0.0,
        failed: int = 0,
        replica: str | None = None,
        words: Sequence[str] = WORDS,
        arm: str = "stable",
        shadowed: Sequence[UUID] = (),
    ) -> list[UUID]:
        """`n` served generations of this minute, of which a share is blank, and some failures beside them.

        Where `shadowed` are given, each is one of these made again.
        """
        now = self.clock.now()
        rows: list[Base] = []
        made: list[UUID] = []
        for i in range(n):
            self._made += 1
            at = now + timedelta(milliseconds=i)
            identifier = UUID(int=first_id_at(at).int + self._made)
            prompt = self.prompts[shadowed[i]] if shadowed else " ".join(self._rng.choice(words, 5))
            self.prompts[identifier] = prompt
            image = self.embedder.paint(prompt, self._rng, fidelity)
            self.content[str(identifier)] = _png(image * 0 if self._rng.random() < blank else image)
            rows += [
                _row(identifier, at, version, prompt, replica, arm, shadowed[i] if shadowed else identifier),
                ScoreTask(generation_id=identifier, generator="studio"),
            ]
            made.append(identifier)
        latencies = [0] * LATENCY_CLASSES
        latencies[latency_class(200.0)] = n
        bucket = Traffic("studio", version, arm, now, n, 0, failed, 0, tuple(latencies), 0.0)
        with self.database.transaction() as session:
            session.add_all(rows)
            traffic.add(session, [bucket])
        return made

    def minute(
        self, n: int = 200, *, version: int = 1, fidelity: float = 0.9, blank: float = 0.0, failed: int = 0
    ) -> dict[str, StoredVerdict]:
        """A minute of traffic, scored, and the tick that follows; what each monitor then says."""
        self.log(n, version=version, fidelity=fidelity, blank=blank, failed=failed)
        return self.tick()

    def tick(self) -> dict[str, StoredVerdict]:
        """The minute ends: what was logged is scored, and the monitors are asked."""
        while self.scorer.run_once():
            pass
        return self.pass_by()

    def pass_by(self) -> dict[str, StoredVerdict]:
        """The minute ends, and the monitors are asked; the scorer does nothing."""
        self.clock.advance(60)
        self.leadership.renew()
        self.ticker.run_once()
        return {verdict.monitor: verdict for verdict in self.responder.handed[-1]}

    def release(self, kind: EntryKind, version: int, before: int | None) -> None:
        draft = Draft(
            generator="studio",
            scope="default",
            kind=kind,
            from_version=before,
            to_version=version,
            to_digest="sha256:b",
            actor="anna",
            reason="",
        )
        with self.database.transaction() as session:
            ledger.add(session, draft, self.clock.now())


def _png(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _row(
    identifier: UUID,
    at: datetime,
    version: int,
    prompt: str,
    replica: str | None,
    arm: str,
    request_id: UUID,
) -> GenerationRow:
    return GenerationRow(
        id=identifier,
        created_at=at,
        generator="studio",
        version=version,
        bundle_digest="sha256:b",
        source="engine",
        arm=arm,
        outcome="served",
        request_id=request_id,
        replica=replica,
        prompt=prompt,
        seed=1,
        parameters=PARAMETERS,
        envelope={},
        image_key=str(identifier),
    )


@pytest.fixture(scope="session")
def recorded() -> RecordedSample:
    """What version 1 makes of everyday prompts."""
    embedder, rng = FakeEmbedder(), np.random.default_rng(1)
    prompts = [" ".join(rng.choice(WORDS, 5)) for _ in range(3000)]
    images = [embedder.paint(prompt, rng) for prompt in prompts]
    return record(embedder, "sha256:b", prompts, [PARAMETERS] * len(prompts), images, DEFAULTS)


@pytest.fixture(scope="session")
def first_baseline(recorded: RecordedSample) -> NewBaseline:
    return from_recorded(
        recorded,
        generator="studio",
        version=1,
        bundle_digest="sha256:b",
        embedder_digest=recorded.embedder_digest,
        name="first",
        created_by="anna",
    )


@pytest.fixture
def world(database: Database, first_baseline: NewBaseline) -> World:
    """Version 1 serves and has its baseline; the default monitors watch."""
    built = World(database)
    with database.transaction() as session:
        versions.add_generator(session, "studio", "", NOON)
        baselines.add(session, first_baseline, NOON)
        monitors.add_missing(session, defaults("studio", NOON))
    built.release(EntryKind.PROMOTE, 1, None)
    return built
