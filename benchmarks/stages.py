"""What one image costs at each stage of its way, in processor time: `python -m benchmarks.stages`.

An image of the given size is encoded, journalled, shipped and scored by the parts that do so in production, one stage
after the other, each alone in this process. Beside them what every process pays once, whatever it serves: a gateway's
look at the store, a host's heartbeat. A GPU's share, rendering, is not in it: it depends on the checkpoint alone.
"""

import argparse
import asyncio
import gc
import json
import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import SecretStr

from benchmarks.kill_storm.services import Postgres
from safelight import wiring
from safelight.access import Role
from safelight.clock import SystemClock
from safelight.ids import new_id
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.recording.images import LocalImages
from safelight.recording.ingest import Ingest
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorder
from safelight.recording.shipper import Shipper
from safelight.scoring.examining import Examiner
from safelight.scoring.folding import Folder
from safelight.scoring.scorer import Scorer
from safelight.serving.live_routing import LiveRouting
from safelight.serving.png import encode_png
from safelight.settings import DatabaseSettings, OnFull, Settings
from safelight.store import access, engines, migrate
from safelight.store.database import Database
from safelight.store.engines import EngineState, KnownEngine
from safelight.store.journal import JournalFile
from safelight.watching.lenses import LensCache
from safelight.watching.slicing import Slicing

GENERATOR, VERSION = "portraits", 1
PROMPT = "a lighthouse at dusk, oil on canvas, heavy brush strokes, warm light from the left, high detail"
_JOURNAL_BYTES = 4 * 1024**3
_AT_ONCE = 32
_CLOCK = SystemClock()

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Stage:
    """`spent` and `lasted` in milliseconds for one: of processor time of this process, and of time."""

    name: str
    where: str
    spent: float
    lasted: float


def timed(name: str, where: str, number: int, work: Callable[[], object]) -> Stage:
    gc.collect()  # or a stage pays for what was left by loading the libraries of another
    lasted, spent = time.perf_counter(), time.process_time()
    work()
    return Stage(
        name, where, (time.process_time() - spent) / number * 1000, (time.perf_counter() - lasted) / number * 1000
    )


def pictures(side: int, number: int) -> list[Pixels]:
    """Neither flat nor noise: a PNG of one is about as large as that of a photograph of its size."""
    coarse = max(side // 8, 1)
    return [
        np.asarray(
            Image.effect_noise((coarse, coarse), 60 + place)
            .convert("RGB")
            .resize((side, side), Image.Resampling.BICUBIC)
        )
        for place in range(number)
    ]


def generation() -> Generation:
    return Generation(
        id=new_id(),
        created_at=_CLOCK.now(),
        generator=GENERATOR,
        version=VERSION,
        bundle_digest="sha256:" + "0" * 64,
        environment_digest="sha256:" + "1" * 64,
        source=Source.ENGINE,
        arm=Arm.STABLE,
        outcome=Outcome.SERVED,
        request_id=new_id(),
        prompt=PROMPT,
        seed=7,
        parameters={"steps": 30, "guidance": 5.0, "width": 1024, "height": 1024, "negative_prompt": ""},
        envelope={"batch_size": 8, "position": 3, "scheduler": "DDIM", "device": "cuda", "dtype": "bfloat16"},
        queue_ms=4.0,
        engine_ms=2000.0,
        total_ms=2015.0,
    )


class Way:
    """One image's way through one installation in a folder."""

    def __init__(self, folder: Path, database: Database, settings: Settings) -> None:
        losses = Losses(60)
        self._database = database
        self._settings = settings
        self._journal = Journal(JournalFile(folder / "journal", _JOURNAL_BYTES))
        self._recorder = Recorder(self._journal, losses, _CLOCK, OnFull.REFUSE)
        images = LocalImages(folder / "images")
        self._shipper = Shipper(
            JournalFile(folder / "journal", _JOURNAL_BYTES),
            losses,
            images,
            database,
            _CLOCK,
            bucket_seconds=60,
            thumbnail_pixels=192,
        )
        sight = wiring.embedder(settings)
        slicing = Slicing(settings.watching.slices, settings.watching.most_slices)
        folding = Folder(LensCache(), sight.digest, slicing, _CLOCK, settings.watching.bucket_seconds)
        self._scorer = Scorer(database, Examiner(images, sight, _CLOCK), folding, batch=_AT_ONCE)

    def stages(self, images: list[Pixels]) -> list[Stage]:
        number = len(images)
        pngs: list[bytes] = []
        found = [timed("encode as PNG", "engine", number, lambda: pngs.extend(map(encode_png, images)))]
        found.append(timed("journal, one by one", "API process", number, lambda: self._record(pngs, 1)))
        found.append(timed("journal, 32 at once", "API process", number, lambda: self._record(pngs, _AT_ONCE)))
        found.append(timed("ship image, thumbnail, row", "API process", 2 * number, self._ship))
        self._scorer.run_once()  # loads what it looks with
        scored = 2 * number - _AT_ONCE
        found.append(timed("score and fold", "worker", scored, self._score))
        return found

    def told(self, number: int) -> list[Stage]:
        """Records that somebody else's service tells of, by an image's address."""
        way_in = Ingest(self._recorder, self._database, _CLOCK, self._settings.ingest)
        told = {"generator": GENERATOR, "version": VERSION, "prompt": PROMPT, "seed": 7, "tenant": "ann"}
        line = json.dumps(told | {"image_uri": "https://images.example.com/2026/11/23/0190c3f2.png"}).encode()
        body = b"\n".join([line] * 500)
        asyncio.run(way_in.take_lines(body, None))
        self._ship()

        def take() -> None:
            for _ in range(number // 500):
                asyncio.run(way_in.take_lines(body, None))

        return [
            timed("take a told record", "API process", number, take),
            timed("ship a told record", "API process", number, self._ship),
        ]

    def close(self) -> None:
        self._journal.close()
        self._shipper.close()

    def _record(self, pngs: list[bytes], at_once: int) -> None:
        async def caller(mine: list[bytes]) -> None:
            for png in mine:
                await self._recorder.record(generation(), png)

        async def all_of_them() -> None:
            await asyncio.gather(*(caller(pngs[place::at_once]) for place in range(at_once)))

        asyncio.run(all_of_them())

    def _ship(self) -> None:
        while self._shipper.run_once():
            pass

    def _score(self) -> None:
        while self._scorer.run_once():
            pass


def standing(database: Database, hosts: int) -> list[Stage]:
    """What a process does all the time, with so many engines in the store."""
    now = _CLOCK.now()
    rows = [
        KnownEngine(
            id=new_id(),
            generator=GENERATOR,
            version=VERSION,
            host=f"host-{number}",
            pid=1,
            url=f"http://host-{number}:9000",
            state=EngineState.READY,
            detail="",
            environment_digest="sha256:" + "1" * 64,
            started_at=now,
            ready_at=now,
            heartbeat_at=now,
        )
        for number in range(hosts)
    ]

    def beat() -> None:
        for row in rows:
            with database.transaction() as session:
                engines.put(session, row)

    beat()
    routing = LiveRouting(database, "gateway", _CLOCK)

    async def look() -> None:
        for _ in range(50):
            await routing.refresh()

    return [
        timed("heartbeat of an engine", "host", hosts, beat),
        timed(f"look at the store, {hosts} engines", "API process", 50, lambda: asyncio.run(look())),
        timed("look up a key", "API process", 200, lambda: _look_up(database, 200)),
    ]


def _look_up(database: Database, times: int) -> None:
    with database.transaction() as session:
        _, key = access.create_key(session, "benchmark", Role.CLIENT, _CLOCK.now())
    for _ in range(times):
        with database.reading() as session:
            access.principal_of_key(session, key)


def table(stages: list[Stage]) -> str:
    lines = [f"{'':34}{'where':>14}{'ms of CPU':>12}{'ms':>10}{'a second, one core':>20}"]
    lines += [
        f"{each.name:34}{each.where:>14}{each.spent:12.3f}{each.lasted:10.3f}{1000 / max(each.spent, 1e-6):20.0f}"
        for each in stages
    ]
    return "\n".join(lines)


def measure(folder: Path, url: str, side: int, images: int, hosts: int) -> list[Stage]:
    settings = Settings(data_dir=folder, database=DatabaseSettings(url=SecretStr(url)))
    database = wiring.database(settings)
    migrate.upgrade(database)
    wiring.registration(settings).register_external(GENERATOR, {"name": "portraits:1"}, "benchmark")
    way = Way(folder, database, settings)
    try:
        return [*way.stages(pictures(side, images)), *way.told(5000), *standing(database, hosts)]
    finally:
        way.close()
        database.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1024, help="pixels")
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--hosts", type=int, default=64, help="engines in the store")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="stages-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's user has to reach its data
        postgres = Postgres(folder / "postgres")
        try:
            for kind in ("SQLite", "PostgreSQL"):
                own = folder / kind
                own.mkdir()
                url = f"sqlite:///{own / 'safelight.db'}" if kind == "SQLite" else postgres.url()
                print(f"{kind}, images of {asked.side} x {asked.side}\n")
                print(table(measure(own, url, asked.side, asked.images, asked.hosts)), "\n")
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
