"""Images that lie elsewhere: to be fetched, and then scored like any other."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from safelight.store.tables.generations import GenerationRow, ScoreTask
from safelight.store.tables.ingest import ImageFetch
from safelight.store.upsert import insert

IMAGE_URI = "image_uri"
"""Where the envelope of a generation says that its image lies."""
NOT_FETCHED = "image_not_fetched"
"""Where it says why that could not be had."""


@dataclass(frozen=True)
class Fetch:
    generation_id: UUID
    uri: str
    attempts: int


def shown(envelope: Mapping[str, Any]) -> dict[str, Any]:
    """The envelope as it is kept: an address's query may be a signature, which is for the fetcher alone."""
    if IMAGE_URI not in envelope:
        return dict(envelope)
    return {**envelope, IMAGE_URI: str(envelope[IMAGE_URI]).partition("?")[0]}


def order(session: Session, uris: Mapping[UUID, str], now: datetime) -> None:
    """Have the images of generations fetched; one that is ordered already is left as it stands."""
    rows = [{"generation_id": each, "uri": uri, "attempts": 0, "due_at": now} for each, uri in uris.items()]
    if rows:
        session.execute(insert(session, ImageFetch).on_conflict_do_nothing(), rows)


def due(session: Session, now: datetime, limit: int) -> list[Fetch]:
    """The longest due."""
    query = select(ImageFetch).where(ImageFetch.due_at <= now).order_by(ImageFetch.due_at).limit(limit)
    return [Fetch(row.generation_id, row.uri, row.attempts) for row in session.scalars(query)]


def waiting(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ImageFetch)) or 0


def put_off(session: Session, fetch: Fetch, until: datetime) -> None:
    values = {"attempts": fetch.attempts + 1, "due_at": until}
    session.execute(update(ImageFetch).where(ImageFetch.generation_id == fetch.generation_id).values(values))


def fetched(session: Session, fetch: Fetch, image: Mapping[str, object]) -> None:
    """Put the image (its keys, digest and size) to its generation and have it scored. Nothing where that was done."""
    row = _taken(session, fetch)
    if row is None:
        return
    size = {name: image[name] for name in ("width", "height")}
    row.image_key, row.thumbnail_key = str(image["image_key"]), str(image["thumbnail_key"])
    row.image_sha256 = str(image["image_sha256"])
    row.parameters = size | row.parameters
    session.add(ScoreTask(generation_id=row.id, generator=row.generator))


def given_up(session: Session, fetch: Fetch, why: str) -> None:
    """Leave the generation without its image, and say why: that is no image that the version made badly."""
    row = _taken(session, fetch)
    if row is not None:
        row.envelope = row.envelope | {NOT_FETCHED: why}


def _taken(session: Session, fetch: Fetch) -> GenerationRow | None:
    """The generation, for whoever removes the order: only one of two workers that fetched the same image does."""
    mine = delete(ImageFetch).where(ImageFetch.generation_id == fetch.generation_id).returning(ImageFetch.generation_id)
    if session.scalar(mine) is None:
        return None
    return session.get(GenerationRow, fetch.generation_id)
