"""kill -9 at named points: nothing acknowledged is lost, nothing counts twice. The client counts acknowledgements."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from safelight.clock import SystemClock
from safelight.recording.images import LocalImages
from safelight.recording.losses import Losses
from safelight.recording.shipper import Shipper
from safelight.store import generations, traffic
from safelight.store.database import Database
from safelight.store.generations import Filters
from safelight.store.journal import JournalFile

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("point", "after"),
    [
        ("before the journal commit", 4),
        ("after the journal commit", 4),
        ("after an image write", 7),
        ("after the database commit", 1),
        ("after the journal delete", 1),
    ],
)
def test_a_killed_process_loses_nothing_it_acknowledged(
    point: str, after: int, database_url: str, database: Database, tmp_path: Path, png: bytes
) -> None:
    (tmp_path / "image.png").write_bytes(png)
    acknowledged = _run_until_killed(tmp_path, database_url, point, after)

    shipper = Shipper(
        JournalFile(tmp_path / "journal", max_bytes=2**26),
        Losses(60),
        LocalImages(tmp_path / "images"),
        database,
        SystemClock(),
        bucket_seconds=60,
        thumbnail_pixels=32,
    )
    while shipper.run_once():
        pass
    shipper.close()

    now = SystemClock().now()
    with database.reading() as session:
        stored = generations.page(session, Filters(), limit=1000)
        counted = traffic.between(session, "studio", now - DAY, now + DAY)
    assert acknowledged
    assert acknowledged <= {each.id for each in stored}
    assert sum(bucket.served for bucket in counted) == len(stored)
    assert sum(sum(bucket.latency_counts) for bucket in counted) == len(stored)
    images = LocalImages(tmp_path / "images")
    for each in stored:
        assert each.image_key is not None
        assert images.read(each.image_key) == png


def _run_until_killed(folder: Path, database_url: str, point: str, after: int) -> set[UUID]:
    script = Path(__file__).with_name("crashing.py")
    run = subprocess.run(
        [sys.executable, str(script), str(folder), database_url, point, str(after)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.returncode == -signal.SIGKILL
    # The last line may have been cut off by the kill; whoever read it would not have taken it for an answer.
    return {UUID(line.strip()) for line in run.stdout.splitlines(keepends=True) if line.endswith("\n")}
