"""What the log sustains beside a bare batched insert: `python -m benchmarks.record`.

The log takes generations from many callers at once and makes each durable in the journal before it answers. It ships
them: reads them back, checks, inserts and counts them, and takes them out of the journal. The peer inserts the same
rows into the same table in batches of a hundred, and does nothing else. Both take turns on one database, in one
process.
"""

import argparse
import asyncio
import logging
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from benchmarks.kill_storm.services import Postgres
from safelight.clock import SystemClock
from safelight.ids import new_id
from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.recording.images import LocalImages
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorder
from safelight.recording.shipper import Shipper
from safelight.settings import OnFull
from safelight.store import migrate
from safelight.store.database import Database
from safelight.store.journal import JournalFile
from safelight.store.tables import GenerationRow

_BARE_BATCH = 100
_JOURNAL_BYTES = 1024**3


@dataclass(frozen=True)
class Turn:
    """Generations a second: inserted bare, answered by the recorder, and shipped from the journal to the database."""

    bare: float
    answered: float
    shipped: float


def generation() -> Generation:
    now = SystemClock().now()
    return Generation(
        id=new_id(),
        created_at=now,
        generator="bench",
        version=1,
        bundle_digest="sha256:" + "0" * 64,
        environment_digest="sha256:" + "1" * 64,
        source=Source.ENGINE,
        arm=Arm.STABLE,
        outcome=Outcome.SERVED,
        request_id=new_id(),
        prompt="a red balloon on a blue background, in the manner of a benchmark",
        seed=7,
        parameters={"steps": 20, "guidance": 3.0, "width": 512, "height": 512, "negative_prompt": ""},
        envelope={"batch_size": 8, "position": 3, "scheduler": "DDIM", "device": "cuda", "dtype": "bfloat16"},
        queue_ms=4.0,
        engine_ms=800.0,
        total_ms=812.0,
    )


def generations(size: int) -> list[Generation]:
    return [generation() for _ in range(size)]


def row(made: Generation) -> dict[str, Any]:
    nothing = {"image_key": None, "thumbnail_key": None, "image_sha256": None}
    words = {name: getattr(made, name).value for name in ("source", "arm", "outcome")}
    return made.model_dump(exclude={"environment", "seen"}) | words | nothing


def bare(database: Database, made: list[Generation]) -> float:
    rows = [row(each) for each in made]
    started = time.perf_counter()
    for start in range(0, len(rows), _BARE_BATCH):
        with database.transaction() as session:
            session.execute(insert(GenerationRow), rows[start : start + _BARE_BATCH])
    return len(rows) / (time.perf_counter() - started)


class Log:
    """A recorder and a shipper as an API process runs them."""

    def __init__(self, folder: Path, database: Database) -> None:
        losses, clock = Losses(60), SystemClock()
        self._journal = Journal(JournalFile(folder / "journal", _JOURNAL_BYTES))
        self._recorder = Recorder(self._journal, losses, clock, OnFull.REFUSE)
        self._shipper = Shipper(
            JournalFile(folder / "journal", _JOURNAL_BYTES),
            losses,
            LocalImages(folder / "images"),
            database,
            clock,
            bucket_seconds=60,
            thumbnail_pixels=192,
        )

    def rates(self, made: list[Generation], callers: int) -> tuple[float, float]:
        """Answered, and then shipped, a second."""
        started = time.perf_counter()
        asyncio.run(self._record(made, callers))
        answered = time.perf_counter()
        while self._shipper.run_once():
            pass
        return len(made) / (answered - started), len(made) / (time.perf_counter() - answered)

    def close(self) -> None:
        self._journal.close()
        self._shipper.close()

    async def _record(self, made: list[Generation], callers: int) -> None:
        waiting: Iterator[Generation] = iter(made)

        async def caller() -> None:
            for each in waiting:
                await self._recorder.record(each, None)

        await asyncio.gather(*(caller() for _ in range(callers)))


def measure(database: Database, folder: Path, turns: int, size: int, callers: int) -> list[Turn]:
    log = Log(folder, database)
    measured = []
    for number in range(turns + 1):
        # Whoever goes second finds a larger table.
        first = bare(database, generations(size)) if number % 2 else None
        answered, shipped = log.rates(generations(size), callers)
        turn = Turn(bare(database, generations(size)) if first is None else first, answered, shipped)
        if number:  # the first turn warms both up
            measured.append(turn)
    log.close()
    return measured


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, Database]]:
    postgres = Postgres(folder / "postgres")
    opened = {"SQLite": Database(f"sqlite:///{folder / 'bench.db'}"), "PostgreSQL": Database(postgres.url())}
    try:
        for database in opened.values():
            migrate.upgrade(database)
        yield opened
    finally:
        for database in opened.values():
            database.dispose()
        postgres.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--size", type=int, default=5000, help="generations a turn")
    parser.add_argument("--callers", type=int, default=64)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    print("| database | bare insert /s | answered /s | shipped /s | shipped : bare |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="record-") as name:
        Path(name).chmod(0o755)  # PostgreSQL's user has to reach its data
        with databases(Path(name)) as opened:
            for kind, database in opened.items():
                measured = measure(database, Path(name) / kind, asked.turns, asked.size, asked.callers)
                figures = [statistics.median(getattr(turn, what) for turn in measured) for what in vars(measured[0])]
                ratio = statistics.median(turn.shipped / turn.bare for turn in measured)
                print(f"| {kind} | {figures[0]:,.0f} | {figures[1]:,.0f} | {figures[2]:,.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
