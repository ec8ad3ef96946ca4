"""What a process left when it ended for good is shipped by another one of its host."""

from collections.abc import Callable
from pathlib import Path

import pytest

from safelight.clock import ManualClock
from safelight.recording.adoption import Adopter
from safelight.recording.claiming import claim
from safelight.recording.generation import Generation
from safelight.recording.images import LocalImages
from safelight.recording.losses import Losses
from safelight.recording.shipper import Shipper
from safelight.store import generations
from safelight.store.database import Database
from safelight.store.generations import Filters
from safelight.store.journal import Entry, JournalFile

MEBIBYTE = 1024 * 1024

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_journal_without_a_process_is_emptied_and_one_in_use_is_left_alone(
    database: Database,
    images: LocalImages,
    losses: Losses,
    make_generation: Callable[..., Generation],
    png: bytes,
    tmp_path: Path,
) -> None:
    def shipper(folder: Path) -> Shipper:
        file, clock = JournalFile(folder, 64 * MEBIBYTE), ManualClock(made.created_at)
        return Shipper(file, losses, images, database, clock, bucket_seconds=60, thumbnail_pixels=32)

    def leave(folder: Path, generation: Generation) -> None:
        file = JournalFile(folder, 64 * MEBIBYTE)
        file.append([Entry(generation.id, generation.created_at, generation.model_dump_json(), png)])
        file.close()

    made, others = make_generation(), make_generation()
    adopter = Adopter(tmp_path / "journals", shipper)
    with claim(tmp_path / "journals") as own:
        leave(own.folder, others)
        with claim(tmp_path / "journals") as gone:
            leave(gone.folder, made)
        assert adopter.run_once() == 1
        assert adopter.run_once() == 0
        with database.reading() as session:
            assert [each.id for each in generations.page(session, Filters())] == [made.id]
