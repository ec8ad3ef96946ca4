"""One generation and its image, wherever they are by now: in the database, or still in the journal."""

import time
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from safelight.access import Permission, Principal
from safelight.api.platform import Platform
from safelight.errors import Kind, SafelightError, not_found
from safelight.ids import first_id_at
from safelight.recording.generation import Generation
from safelight.store import generations
from safelight.store.generations import StoredGeneration

_YOUNG = timedelta(seconds=10)
_LOOKS = 8
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Found:
    """A generation in the database, or one that is still in the journal, and there its image."""

    record: Generation | StoredGeneration
    journalled_image: bytes | None = None

    @property
    def has_image(self) -> bool:
        return self.journalled_image is not None or getattr(self.record, "image_key", None) is not None


def find(platform: Platform, generation_id: UUID) -> Found:
    """Raises `generation_not_found`. One made a moment ago may lie in another process's journal: it is waited for."""
    found = (
        _stored(platform, generation_id)
        or _journalled(platform, generation_id)
        # It may have been shipped from the one to the other between the two looks.
        or _stored(platform, generation_id)
    )
    now = platform.clock.now()
    looks = _LOOKS if first_id_at(now - _YOUNG) <= generation_id < first_id_at(now + _YOUNG) else 0
    while found is None and looks:
        time.sleep(_PAUSE_SECONDS)
        found, looks = _stored(platform, generation_id), looks - 1
    if found is None:
        raise not_found("generation", generation_id)
    return found


def find_for(platform: Platform, generation_id: UUID, principal: Principal) -> Found:
    """Raises `generation_not_found`, also for one that is none of the principal's business."""
    found = find(platform, generation_id)
    made_by = found.record.api_key_id
    if not principal.may(Permission.READ) and (made_by is None or made_by != principal.key_id):
        raise not_found("generation", generation_id)
    return found


def image_of(platform: Platform, found: Found) -> bytes:
    """Raises `image_not_found`, `image_store_unavailable`."""
    if isinstance(found.record, Generation):
        if found.journalled_image is None:
            raise _no_image(found.record.id)
        return found.journalled_image
    if found.record.image_key is None:
        raise _no_image(found.record.id)
    return read_image(platform, found.record.image_key, found.record.id)


def read_image(platform: Platform, key: str, generation_id: UUID) -> bytes:
    """What the image store keeps under a key. Raises as `image_of` does."""
    try:
        return platform.images.read(key)
    except FileNotFoundError as error:
        raise _no_image(generation_id) from error
    except OSError as error:
        message = "The image store does not answer. Try again later."
        raise SafelightError(Kind.UNAVAILABLE, "image_store_unavailable", message, retry_after=5) from error


def _stored(platform: Platform, generation_id: UUID) -> Found | None:
    with platform.database.reading() as session:
        record = generations.find(session, generation_id)
    return Found(record) if record else None


def _journalled(platform: Platform, generation_id: UUID) -> Found | None:
    entry = platform.recorder.find(generation_id)
    return Found(Generation.model_validate_json(entry.document), entry.image) if entry else None


def _no_image(generation_id: UUID) -> SafelightError:
    return SafelightError(
        Kind.NOT_FOUND, "image_not_found", f"Generation {generation_id} has no image. Its outcome says why."
    )
