"""Noting the heads of the chains in a file that only grows, and holding the chains against it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from registry.anchors import Anchor, anchored, breaks, from_line, newest, to_line
from registry.ledger import Break, BreakReason, Entry, verify
from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.store import chains
from safelight.store.database import Database

_OWNER_ONLY = 0o600
_APPENDED_TO = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_END = b"\n"


class AnchorFile:
    """One anchor a line, JSON. Nothing here changes a line: the file may be one that can only be appended to.

    So a line that a full disk or a crash has cut off stays there. It notes nothing, and is passed over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest: dict[tuple[str, str], Anchor] | None = None

    def read(self) -> list[Anchor]:
        """Oldest first; none where there is no file yet. Raises `anchor_file_invalid`, `anchor_file_unreadable`."""
        try:
            text = self._path.read_text()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(self._path, error) from error
        lines = enumerate(text.splitlines(), 1)
        return [_parsed(self._path, number, line) for number, line in lines if line and not _is_cut_off(line)]

    def newest(self) -> dict[tuple[str, str], Anchor]:
        """The last one of each chain. The file is read once; what others add meanwhile may be noted twice."""
        if self._newest is None:
            self._newest = newest(self.read())
        return self._newest

    def append(self, anchors: Iterable[Anchor]) -> None:
        """On the disk when this returns. Raises `anchor_file_unreadable`."""
        added = list(anchors)
        if not added:
            return
        self.newest()
        lines = "".join(f"{to_line(anchor)}\n" for anchor in added)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self._path, _APPENDED_TO, _OWNER_ONLY), "ab") as file:
                file.write((_END if self._ends_cut_off() else b"") + lines.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unreadable(self._path, error) from error
        self._newest = self.newest() | newest(added)

    def _ends_cut_off(self) -> bool:
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 1, 0))
            return file.read() not in (b"", _END)


@dataclass(frozen=True)
class Tampered:
    """An anchor that its chain no longer bears out."""

    anchor: Anchor
    reason: BreakReason


@dataclass(frozen=True)
class Anchored:
    """What one round noted, and what it found."""

    noted: list[Anchor]
    tampered: list[Tampered]


class Anchoring:
    """Notes heads that have moved on. A chain that its last anchor does not hold for is told of, and not noted anew."""

    def __init__(self, database: Database, file: AnchorFile, clock: Clock) -> None:
        self._database = database
        self._file = file
        self._clock = clock

    def run_once(self) -> Anchored:
        """As much work as there are chains, however long they are. Raises as AnchorFile does."""
        last, now = self._file.newest(), self._clock.now()
        tampered = []
        with self._database.reading() as session:
            heads = {chain: chains.head(session, *chain) for chain in {*chains.known(session), *last}}
            for anchor in last.values():
                reason = breaks(anchor, chains.entry(session, anchor.generator, anchor.seq, anchor.scope))
                if reason is not None:
                    tampered.append(Tampered(anchor, reason))
        broken = {each.anchor.chain for each in tampered}
        noted = [
            anchored(head, now)
            for chain, head in sorted(heads.items())
            if head is not None and chain not in broken and _moved(head, last.get(chain))
        ]
        self._file.append(noted)
        return Anchored(noted, tampered)


@dataclass(frozen=True)
class Verification:
    """Whether a whole chain holds, by itself and against what was noted of it."""

    generator: str
    scope: str
    entries: int
    head: str | None
    broken: Break | None
    anchors: int
    """How many anchors of it were held against it."""


def verify_chain(
    database: Database, generator: str, scope: str, anchors: Iterable[Anchor], head: str | None = None
) -> Verification:
    """Reads it link by link, a piece at a time. Of two anchors that contradict each other the first one counts."""
    noted: dict[int, str] = {}
    for anchor in anchors:
        if anchor.chain == (generator, scope):
            noted.setdefault(anchor.seq, anchor.hash)
    count, last = 0, None

    def counted() -> Iterable[Entry]:
        nonlocal count, last
        for entry in chains.entries(database, generator, scope):
            count, last = count + 1, entry.hash
            yield entry

    broken = verify(counted(), head=head, anchors=noted)
    return Verification(generator, scope, count, last, broken, len(noted))


def _moved(head: Entry, last: Anchor | None) -> bool:
    return last is None or last.seq != head.seq


def _is_cut_off(line: str) -> bool:
    """An anchor is a flat document: no part of its beginning ends as the whole does."""
    return line.startswith("{") and not line.endswith("}")


def _parsed(path: Path, number: int, line: str) -> Anchor:
    try:
        return from_line(line)
    except ValueError as error:
        raise SafelightError(
            Kind.INVALID,
            "anchor_file_invalid",
            f"Line {number} of {path} is no anchor. Restore the file from a copy, or name another one.",
        ) from error


def _unreadable(path: Path, error: Exception) -> SafelightError:
    return SafelightError(
        Kind.UNAVAILABLE, "anchor_file_unreadable", f"The anchor file {path} cannot be used: {error}."
    )
