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
from safelight.store.journal import JournalFile


@dataclass(frozen=True)
class Belonging:
    """Whose a generation is, and when it was made."""

    id: UUID
    tenant: str | None
    api_key_id: UUID | None
    created_at: datetime

    @classmethod
    def of(cls, generation: Generation) -> "Belonging":
        return cls(generation.id, generation.tenant, generation.api_key_id, generation.created_at)


def forgotten(session: Session, made: Iterable[Belonging]) -> set[UUID]:
    """Which of these were made for somebody who was to be forgotten since."""
    every = list(made)
    tenants = {each.tenant for each in every if each.tenant is not None}
    keys = {each.api_key_id for each in every if each.api_key_id is not None}
    if not tenants and not keys:
        return set()
    until = erasures.forgotten(session, tenants, keys)
    return {
        each.id
        for each in every
        if any(who in until and each.created_at <= until[who] for who in (each.tenant, each.api_key_id) if who)
    }


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
        told.get("tenant"),
        None if key is None else UUID(key),
        made_at(identifier) if at is None else datetime.fromisoformat(at),
    )
