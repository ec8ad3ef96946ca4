"""A log of synthetic generations, and scorers that look at them."""

import io
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from monitors.fitting import fit_lens
from monitors.lens import Lens
from registry.ledger import Draft, EntryKind
from registry.parameters import Defaults
from safelight.clock import ManualClock
from safelight.ids import first_id_at
from safelight.scoring.examining import Examiner, ImageReader
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.folding import Folder
from safelight.scoring.scorer import Scorer
from safelight.scoring.stream import record
from safelight.settings import SliceAttribute
from safelight.store import baselines, ledger, versions
from safelight.store.baselines import KnownBaseline, NewBaseline
from safelight.store.database import Database
from safelight.store.tables import GenerationRow, ScoreTask
from safelight.watching.lenses import LensCache
from safelight.watching.slicing import Slicing

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARAMETERS = {"steps": 8, "guidance": 3.0, "width": 64, "height": 64}
DEFAULTS = Defaults(steps=8, guidance=3.0, width=64, height=64)
WORDS = ("red", "blue", "green", "cat", "dog", "car", "house", "on", "grass", "snow")


class Images:
    """Images in memory."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.away = False

    def read(self, key: str) -> bytes:
        if self.away:
            raise ConnectionError("the image store does not answer")
        if key not in self.content:
            raise FileNotFoundError(key)
        return self.content[key]


class World:
    """Generations as the shipper leaves them: a row, a task and an image."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.embedder = FakeEmbedder()
        self.images = Images()
        self.clock = ManualClock(NOON)
        self.slicing = Slicing((SliceAttribute.REPLICA, SliceAttribute.PARAMETERS), most=3)
        self._rng = np.random.default_rng(0)
        self._made = 0

    def prompt(self) -> str:
        return " ".join(self._rng.choice(WORDS, 4))

    def log(
        self,
        *,
        at: datetime = NOON,
        prompt: str | None = None,
        version: int = 1,
        arm: str = "stable",
        outcome: str = "served",
        image: bytes | None = None,
        key: str | None = "",
        replica: str | None = None,
    ) -> UUID:
        """One generation; `image` replaces the painted one, `key` None means that none was stored."""
        self._made += 1
        identifier = UUID(int=first_id_at(at).int + self._made)
        asked = prompt or self.prompt()
        stored = f"{identifier}.png" if key == "" else key
        if stored is not None:
            self.images.content[stored] = image or png(self.embedder.paint(asked, self._rng))
        made = GenerationRow(
            id=identifier,
            created_at=at,
            generator="studio",
            version=version,
            bundle_digest="sha256:b",
            source="engine",
            arm=arm,
            outcome=outcome,
            request_id=identifier,
            replica=replica,
            prompt=asked,
            seed=self._made,
            parameters=PARAMETERS,
            envelope={},
            image_key=stored,
        )
        with self.database.transaction() as session:
            session.add_all([made, ScoreTask(generation_id=identifier, generator="studio")])
        return identifier

    def encoded(self, shown: str) -> bytes:
        """A PNG of what a prompt would give."""
        return png(self.embedder.paint(shown, self._rng))

    def scorer(self, images: ImageReader | None = None, batch: int = 8) -> Scorer:
        examiner = Examiner(images or self.images, self.embedder, self.clock)
        folder = Folder(LensCache(), self.embedder.digest, self.slicing, self.clock, bucket_seconds=60)
        return Scorer(self.database, examiner, folder, batch=batch)

    def promote(self, version: int, before: int | None) -> None:
        draft = Draft(
            generator="studio",
            scope="default",
            kind=EntryKind.PROMOTE,
            from_version=before,
            to_version=version,
            to_digest="sha256:b",
            actor="anna",
            reason="",
        )
        with self.database.transaction() as session:
            ledger.add(session, draft, NOON - timedelta(hours=1))

    def baseline(self, lens: Lens, version: int, name: str) -> KnownBaseline:
        new = NewBaseline(
            generator="studio",
            version=version,
            name=name,
            source="recorded",
            embedder_digest=self.embedder.digest,
            n=lens.baseline_size,
            blank=0,
            data_from=None,
            data_to=None,
            lens=lens.to_bytes(),
            lens_digest=lens.digest,
            scalars=b"",
            topics=(),
            created_by="anna",
        )
        with self.database.transaction() as session:
            return baselines.add(session, new, NOON)


def png(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def world(database: Database) -> World:
    with database.transaction() as session:
        versions.add_generator(session, "studio", "", NOON)
    return World(database)


@pytest.fixture(scope="session")
def lens() -> Lens:
    """Fitted on what the fake world usually paints."""
    embedder, rng = FakeEmbedder(), np.random.default_rng(1)
    prompts = [" ".join(rng.choice(WORDS, 4)) for _ in range(1200)]
    images = [embedder.paint(prompt, rng) for prompt in prompts]
    return fit_lens(record(embedder, "sha256:b", prompts, [PARAMETERS] * len(prompts), images, DEFAULTS).sample, seed=0)
