"""What checkpoints hold, file by file."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from registry.checkpoint import FileEntry
from safelight.store.tables.releases import CheckpointRow
from safelight.store.upsert import insert


def record(session: Session, digest: str, files: Iterable[FileEntry], now: datetime) -> None:
    """Keep the SHA-256 of each file by its path; one that is known already is left as it stands."""
    row = {"digest": digest, "files": {file.path: file.sha256 for file in files}, "recorded_at": now}
    session.execute(insert(session, CheckpointRow).values(row).on_conflict_do_nothing())


def files(session: Session, digest: str) -> dict[str, str] | None:
    """The SHA-256 of each file by its path; None where the checkpoint was not registered from a folder here."""
    row = session.get(CheckpointRow, digest)
    return row.files if row else None
