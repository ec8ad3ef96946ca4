"""Tables wherever fsspec reaches, read in a stream: Parquet, CSV, JSON lines, or a folder of images."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import PurePosixPath
from typing import IO, Any

import fsspec

from safelight.errors import Kind, SafelightError
from safelight.importing.mapping import IMAGE
from safelight.recording.images import connect
from safelight.settings import ImageStoreSettings

_IMAGES = (".png", ".jpg", ".jpeg", ".webp")
_METADATA = ("metadata.jsonl", "metadata.csv", "metadata.parquet")
_COMPRESSED = (".gz", ".bz2", ".xz")
_PARQUET_ROWS = 256  # read at once: a row may hold an image
_LINES_LOOKED_AT = 1000  # for the columns there are: each line of JSON has its own
_LONGEST_CELL = 64 * 1024 * 1024


@dataclass(frozen=True)
class Record:
    """One row by column; `line` counts from one, as editors do (CSV and JSON lines) or as rows come (the others)."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Unreadable:
    """A row that could not even be taken apart."""

    line: int
    why: str


@dataclass(frozen=True)
class Table:
    """Rows to be read any number of times; relative image paths start at `folder`."""

    filesystem: fsspec.AbstractFileSystem
    folder: str
    parts: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Record | Unreadable]]
    total: int | None = None
    """How many rows there are, where the files say so themselves."""

    def count(self) -> int:
        """How many rows there are; where the files do not say, the table is read for it."""
        return sum(1 for _ in self.rows()) if self.total is None else self.total

    def state(self) -> str:
        """Changes when a file of the table does."""
        return ",".join(str(self.filesystem.ukey(part)) for part in self.parts)


def open_table(source: str, settings: ImageStoreSettings) -> Table:
    """Raises SafelightError `source_missing`, `source_unreadable` or `source_unknown`; so does reading its rows."""
    with _readable(source):
        filesystem, path = connect(source, settings)
        if not filesystem.exists(path):
            raise SafelightError(Kind.NOT_FOUND, "source_missing", f"There is nothing at {source}.")
        table = _folder(filesystem, path) if filesystem.isdir(path) else _file(filesystem, [path])

    def rows() -> Iterator[Record | Unreadable]:
        with _readable(source):
            yield from table.rows()

    return replace(table, rows=rows)


@contextmanager
def _readable(source: str) -> Iterator[None]:
    """What is torn in the middle of a file shows when it is read."""
    try:
        yield
    except SafelightError:
        raise
    except Exception as error:  # each format and each store's client fails in ways of its own
        why = str(error) or type(error).__name__
        raise SafelightError(Kind.INVALID, "source_unreadable", f"{source} cannot be read: {why}") from error


def _folder(filesystem: fsspec.AbstractFileSystem, path: str) -> Table:
    """A table of the usual name, else all Parquet files as one table, else the images themselves."""
    found = sorted(filesystem.find(path))
    named = {PurePosixPath(file).name: file for file in found if str(PurePosixPath(file).parent) == path.rstrip("/")}
    table = next((named[name] for name in _METADATA if name in named), None)
    parts = [table] if table else [file for file in found if file.endswith(".parquet")]
    return _file(filesystem, parts, path) if parts else _images(filesystem, path, found)


def _file(filesystem: fsspec.AbstractFileSystem, parts: list[str], folder: str | None = None) -> Table:
    kind = next((k for k in (PurePosixPath(parts[0]).suffixes or [""])[::-1] if k not in _COMPRESSED), "").lower()
    base = folder or str(PurePosixPath(parts[0]).parent)
    match kind:
        case ".parquet":
            columns, total = _parquet_shape(filesystem, parts)
            return Table(filesystem, base, tuple(parts), columns, lambda: _parquet(filesystem, parts), total)
        case ".csv" | ".tsv":
            delimiter = "\t" if kind == ".tsv" else ","
            with _text(filesystem, parts[0]) as file:
                columns = tuple(csv.DictReader(file, delimiter=delimiter).fieldnames or ())
            return Table(filesystem, base, tuple(parts), columns, lambda: _csv(filesystem, parts[0], delimiter))
        case ".jsonl" | ".ndjson":
            first = (row for row in islice(_json_lines(filesystem, parts[0]), _LINES_LOOKED_AT))
            columns = tuple(dict.fromkeys(name for row in first if isinstance(row, Record) for name in row.values))
            return Table(filesystem, base, tuple(parts), columns, lambda: _json_lines(filesystem, parts[0]))
        case _:
            raise SafelightError(
                Kind.INVALID,
                "source_unknown",
                f"{parts[0]} is none of .parquet, .csv, .tsv, .jsonl, .ndjson (also .gz), nor a folder.",
            )


def _parquet_shape(filesystem: fsspec.AbstractFileSystem, parts: list[str]) -> tuple[tuple[str, ...], int]:
    """The columns of the first file, and the rows of all of them."""
    from pyarrow import parquet  # takes a moment to import, and few need it

    rows: list[int] = []
    columns: list[tuple[str, ...]] = []
    for part in parts:
        with filesystem.open(part, "rb") as file:
            head = parquet.ParquetFile(file)
            rows.append(head.metadata.num_rows)
            columns.append(tuple(head.schema_arrow.names))
    return columns[0], sum(rows)


def _parquet(filesystem: fsspec.AbstractFileSystem, parts: list[str]) -> Iterator[Record | Unreadable]:
    from pyarrow import parquet

    line = 0
    for part in parts:
        with filesystem.open(part, "rb") as file:
            for batch in parquet.ParquetFile(file).iter_batches(_PARQUET_ROWS):
                for values in batch.to_pylist():
                    line += 1
                    yield Record(line, values)


def _csv(filesystem: fsspec.AbstractFileSystem, path: str, delimiter: str) -> Iterator[Record | Unreadable]:
    csv.field_size_limit(_LONGEST_CELL)
    with _text(filesystem, path) as file:
        reader = csv.DictReader(file, delimiter=delimiter, restkey="", strict=True)
        while True:
            try:
                values = next(reader, None)
            except csv.Error as error:
                yield Unreadable(reader.line_num, f"not CSV: {error}")
                continue
            if values is None:
                return
            if "" in values or None in values.values():
                yield Unreadable(reader.line_num, "not as many cells as there are columns")
            else:
                # An empty cell says nothing: it is not an empty text.
                yield Record(reader.line_num, {name: cell if cell != "" else None for name, cell in values.items()})


def _json_lines(filesystem: fsspec.AbstractFileSystem, path: str) -> Iterator[Record | Unreadable]:
    with _text(filesystem, path) as file:
        for line, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                values = json.loads(text)
            except (ValueError, RecursionError) as error:
                yield Unreadable(line, f"not JSON: {error}")
                continue
            yield Record(line, values) if isinstance(values, dict) else Unreadable(line, "not a JSON object")


def _images(filesystem: fsspec.AbstractFileSystem, path: str, found: list[str]) -> Table:
    """Each image with its prompt from the text file of the same name."""
    pictures = [file for file in found if file.lower().endswith(_IMAGES)]
    if not pictures:
        raise ValueError("the folder holds no table and no image (PNG, JPEG, WebP)")
    texts = set(found)

    def rows() -> Iterator[Record | Unreadable]:
        for line, picture in enumerate(pictures, start=1):
            caption = str(PurePosixPath(picture).with_suffix(".txt"))
            if caption not in texts:
                yield Unreadable(line, f"{PurePosixPath(picture).name} has no text file of its name with the prompt")
                continue
            try:
                prompt = filesystem.cat_file(caption).decode("utf-8", "replace").strip()
            except OSError as error:
                yield Unreadable(line, f"{PurePosixPath(caption).name} cannot be read: {error}")
                continue
            yield Record(line, {IMAGE: picture.removeprefix(path).lstrip("/"), "prompt": prompt})

    return Table(filesystem, path, tuple(pictures), (IMAGE, "prompt"), rows)


def _text(filesystem: fsspec.AbstractFileSystem, path: str) -> IO[str]:
    # utf-8-sig: spreadsheets put a mark in front that would become part of the first column's name.
    opened = filesystem.open(path, "rb", compression="infer")
    return io.TextIOWrapper(opened, encoding="utf-8-sig", errors="replace", newline="")
