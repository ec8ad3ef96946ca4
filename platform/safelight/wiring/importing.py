"""An import of generations from elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from safelight.importing.importer import Importer
from safelight.recording.journal import Journal
from safelight.recording.losses import Losses
from safelight.recording.recorder import Recorder
from safelight.recording.redaction import Redactor
from safelight.settings import Settings
from safelight.store.journal import JournalFile
from safelight.wiring import clock, database
from safelight.wiring.recording import shipper_of


@contextmanager
def importer(settings: Settings) -> Iterator[Importer]:
    """An importer with a journal of its own, which an import that is cut off leaves to the next one."""
    time, store, folder = clock(), database(settings), settings.data_dir / "import"
    journal = Journal(JournalFile(folder, settings.journal.max_bytes))
    losses = Losses(settings.watching.bucket_seconds)
    shipper = shipper_of(settings, folder, losses, store)
    try:
        redact = Redactor(settings.redaction)
        yield Importer(store, Recorder(journal, losses, time, settings.journal.on_full, redact), shipper, time)
    finally:
        journal.close()
        shipper.close()
        store.dispose()
