"""Rows in batches, each with its image or with the reason why it is none: what importing and backtests start from."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from safelight.errors import Kind, SafelightError
from safelight.importing.pictures import Pictures
from safelight.importing.rows import ImportedRow, RowReader
from safelight.importing.table import Record, Table, Unreadable

BATCH = 64
"""Rows whose images are held in memory at once."""


@dataclass(frozen=True)
class BadRow:
    """A row that was left out, and why."""

    line: int
    code: str
    reason: str


@dataclass
class Rejects:
    """Counts what was left out, and tells of each; with `strict`, the first one ends it all."""

    tell: Callable[[BadRow], None]
    strict: bool = False
    by_code: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.by_code.total()

    def add(self, line: int, error: SafelightError) -> None:
        """Raises the error itself where nothing may be left out."""
        if self.strict:
            raise SafelightError(error.kind, error.code, f"Line {line}: {error.message}", **error.details) from error
        self.by_code[error.code] += 1
        self.tell(BadRow(line, error.code, error.message))


@dataclass(frozen=True, eq=False)
class Loaded:
    """A row and the encoded image it names, None where it names none."""

    row: ImportedRow
    content: bytes | None


def read_rows(table: Table, reader: RowReader, rejects: Rejects) -> Iterator[ImportedRow]:
    """Every row that is a generation; the others go to `rejects`."""
    for position, record in enumerate(table.rows()):
        try:
            yield _read(record, reader, position)
        except SafelightError as error:
            rejects.add(record.line, error)


def load(rows: Iterable[ImportedRow], pictures: Pictures, rejects: Rejects) -> Iterator[list[Loaded]]:
    """The rows with their images, a batch at a time."""
    waiting = iter(rows)
    while batch := list(islice(waiting, BATCH)):
        loaded = []
        for row, content in zip(batch, pictures.read(batch), strict=True):
            if isinstance(content, SafelightError):
                rejects.add(row.line, content)
            else:
                loaded.append(Loaded(row, content))
        yield loaded


def _read(record: Record | Unreadable, reader: RowReader, position: int) -> ImportedRow:
    if isinstance(record, Unreadable):
        raise SafelightError(Kind.INVALID, "row_unreadable", f"{record.why}.")
    return reader.read(record, position)
