"""A chain as CSV or JSON, piece by piece: nothing holds all of it."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields

from registry.digests import canonical_json
from registry.ledger import Entry

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_COLUMNS = [field.name for field in fields(Entry)]


def as_csv(entries: Iterable[Entry]) -> Iterator[str]:
    """A line a piece, after the line of names. Times are ISO 8601 in UTC; what is None is empty.

    Text that a spreadsheet would run as a formula has a single quote before it, as OWASP advises ("CSV Injection").
    """
    yield _row(_COLUMNS)
    for entry in entries:
        yield _row(_document(entry).values())


def as_json(entries: Iterable[Entry]) -> Iterator[str]:
    """One list of documents; `hash` is the SHA-256 of the canonical JSON of all the others (see docs/audit.md)."""
    separator = "[\n"
    for entry in entries:
        yield separator + canonical_json(_document(entry)).decode()
        separator = ",\n"
    yield "\n]\n" if separator == ",\n" else "[]\n"


def _document(entry: Entry) -> dict[str, object]:
    return asdict(entry) | {"at": entry.at.isoformat(timespec="microseconds")}


def _row(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(map(_cell, values))
    return line.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
