"""What the stores hold when the storm is over, against what the clients were given."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from safelight import wiring
from safelight.recording.images import ImageStore, open_images
from safelight.settings import Settings
from safelight.store import generations, traffic
from safelight.store.generations import Filters, StoredGeneration
from safelight.store.journal import JournalFile
from safelight.studio.demo import GENERATOR

_PAGE = 1000


@dataclass(frozen=True)
class Findings:
    """Counts. All but the first two have to be 0."""

    acknowledged: int
    stored: int
    lost: int
    """Acknowledged, and not in the database."""
    differing: int
    """Acknowledged, and its image is not there or is another one."""
    miscounted: int
    """How far the counts of traffic are from the rows: what was shipped twice would be counted twice."""
    set_aside: int

    @property
    def clean(self) -> bool:
        return not (self.lost or self.differing or self.miscounted or self.set_aside)


def wait_until_shipped(folder: Path, seconds: float) -> int:
    """Until every journal under `folder` is empty; returns how many entries were set aside. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    files = [JournalFile(path.parent, 2**40) for path in sorted(folder.rglob("journal.db"))]
    while any(file.backlog().entries for file in files):
        if time.monotonic() > deadline:
            raise TimeoutError("the journals are not empty")
        time.sleep(0.5)
    set_aside = sum(file.backlog().refused for file in files)
    for file in files:
        file.close()
    return set_aside


def compare(given: Mapping[UUID, str], set_aside: int) -> Findings:
    settings = Settings()
    database, images = wiring.database(settings), open_images(settings.images_url, settings.images)
    stored: dict[UUID, StoredGeneration] = {}
    with database.reading() as session:
        before: UUID | None = None
        while page := generations.page(session, Filters(), before, _PAGE):
            stored |= {each.id: each for each in page}
            before = page[-1].id
        now = wiring.clock().now()
        counted = traffic.between(session, GENERATOR, now - timedelta(days=2), now + timedelta(days=1))
    database.dispose()
    told = sum(each.served + each.filtered + each.failed + each.cancelled for each in counted)
    return Findings(
        acknowledged=len(given),
        stored=len(stored),
        lost=len(given.keys() - stored.keys()),
        differing=sum(not _same(images, stored[each], digest) for each, digest in given.items() if each in stored),
        miscounted=abs(told - len(stored)),
        set_aside=set_aside,
    )


def _same(images: ImageStore, row: StoredGeneration, digest: str) -> bool:
    if row.image_key is None or row.image_sha256 != digest:
        return False
    try:
        return hashlib.sha256(images.read(row.image_key)).hexdigest() == digest
    except FileNotFoundError:
        return False
