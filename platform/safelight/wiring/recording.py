"""How what was made reaches the image store and the database."""

from pathlib import Path

from safelight.recording.images import open_images
from safelight.recording.losses import Losses
from safelight.recording.shipper import Shipper
from safelight.settings import Settings
from safelight.store.database import Database
from safelight.store.journal import JournalFile
from safelight.wiring import clock


def shipper_of(settings: Settings, folder: Path, losses: Losses, store: Database) -> Shipper:
    return Shipper(
        JournalFile(folder, settings.journal.max_bytes),
        losses,
        open_images(settings.images_url, settings.images),
        store,
        clock(),
        bucket_seconds=settings.watching.bucket_seconds,
        thumbnail_pixels=settings.images.thumbnail_pixels,
    )
