"""The bytes behind what a table calls an image."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import fsspec

from safelight.errors import Kind, SafelightError
from safelight.importing.rows import ImportedRow
from safelight.importing.table import Table
from safelight.recording.images import connect
from safelight.settings import ImageStoreSettings

_READ_AT_ONCE = 8


class Pictures:
    """Reads the images of a table's rows: in it, beside it, or at an address of their own."""

    def __init__(self, table: Table, settings: ImageStoreSettings) -> None:
        self._table = table
        self._settings = settings
        self._filesystems: dict[str, fsspec.AbstractFileSystem] = {}

    def read(self, rows: Sequence[ImportedRow]) -> list[bytes | SafelightError | None]:
        """For each row its image, why it cannot be read, or None where it names none."""
        with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
            return list(pool.map(self._read, rows))

    def _read(self, row: ImportedRow) -> bytes | SafelightError | None:
        if row.image is None or isinstance(row.image, bytes):
            return row.image
        try:
            filesystem, path = self._locate(row.image)
            content: bytes = filesystem.cat_file(path)
        except Exception as error:  # noqa: BLE001 - each store's client fails in ways of its own
            what = "there is none" if isinstance(error, FileNotFoundError) else f"{type(error).__name__}: {error}"
            return SafelightError(Kind.NOT_FOUND, "image_missing", f"image: {row.image} cannot be read: {what}.")
        return content

    def _locate(self, reference: str) -> tuple[fsspec.AbstractFileSystem, str]:
        scheme = urlsplit(reference).scheme
        if not scheme:
            return self._table.filesystem, str(PurePosixPath(self._table.folder) / reference)
        if scheme not in self._filesystems:
            self._filesystems[scheme], path = connect(reference, self._settings)
            return self._filesystems[scheme], path
        filesystem = self._filesystems[scheme]
        return filesystem, str(type(filesystem)._strip_protocol(reference))  # noqa: SLF001 - fsspec has no other name for it
