"""Stored records as evidence: what each is called, where it stands in the pack, and the whole of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from safelight.settings import WatchingSettings
from safelight.store.database import Database


@dataclass(frozen=True)
class Period:
    """Whose records are wanted, of [since, until)."""

    generator: str
    since: datetime
    until: datetime
    watching: WatchingSettings


@dataclass(frozen=True)
class Record:
    """One record. `id` is its own within its section; `document` is all that is stored of it."""

    id: str
    title: str
    at: datetime | None
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """One kind of records. `read` takes them piece by piece, the newest first where they have a time."""

    name: str
    title: str
    about: str
    read: Callable[[Database, Period], Iterator[Record]]


def plain(value: Any) -> Any:
    """A stored thing as JSON can say it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
