"""What a journal still holds of somebody who was to be forgotten."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from safelight.ids import made_at
from safelight.recording.generation import Generation
from safelight.store import erasures
from safelight.store.database import Database, Session
from safelight.store.erasures import Subject
from safelight.store.journal import JournalFile


@dataclass(frozen=True)
class Belonging:
    """Whose a generation is, and when it was made."""

    id: UUID
    subjects: tuple[Subject, ...]
    created_at: datetime

    @classmethod
    def of(cls, generation: Generation) -> "Belonging":
        subjects = _subjects(generation.tenant, generation.api_key_id, generation.end_user)
        return cls(generation.id, subjects, generation.created_at)


def forgotten(session: Session, made: Iterable[Belonging]) -> set[UUID]:
    """Which of these were made for somebody who was to be forgotten since."""
    every = list(made)
    until = erasures.forgotten(session, {who for each in every for who in each.subjects})
    return {each.id for each in every if any(who in until and each.created_at <= until[who] for who in each.subjects)}


class SetAside:
    """Looks through what the database refused, which nobody ships: it has to be forgotten where it lies."""

    def __init__(self, journal: JournalFile, database: Database) -> None:
        self._journal = journal
        self._database = database

    def run_once(self) -> int:
        """Returns how many were deleted."""
        belonging = [_belonging(identifier, document) for identifier, document in self._journal.set_aside()]
        if not belonging:
            return 0
        with self._database.reading() as session:
            gone = forgotten(session, belonging)
        self._journal.forget_set_aside(gone)
        return len(gone)


def _belonging(identifier: UUID, document: str) -> Belonging:
    """Another release may have written it: only what says whose it is is read."""
    told: dict[str, Any] = json.loads(document)
    key, at = told.get("api_key_id"), told.get("created_at")
    return Belonging(
        identifier,
        _subjects(told.get("tenant"), None if key is None else UUID(key), told.get("end_user")),
        made_at(identifier) if at is None else datetime.fromisoformat(at),
    )


def _subjects(tenant: str | None, api_key_id: UUID | None, end_user: str | None) -> tuple[Subject, ...]:
    # Most name nobody, and everything that is shipped is asked.
    if not (tenant or api_key_id or end_user):
        return ()
    named = {"tenant": tenant, "api_key_id": api_key_id, "end_user": end_user}
    return tuple(Subject(**{column: value}) for column, value in named.items() if value)  # type: ignore[arg-type]  # by name
