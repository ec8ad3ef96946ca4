"""Forgets somebody: their generations and images, what was found out about them, and what was made of their prompts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.ids import first_id_at
from safelight.recording.images import ImageArchive
from safelight.store import access, baseline_jobs, erasures, generation_jobs, probe_sets, probes, retention
from safelight.store.database import Database, Session
from safelight.store.erasures import Erasure, ErasureState, Personal, Subject

ACTOR = "safelight"
_BATCH = 200
_SETTLED_AFTER = timedelta(minutes=1)
"""What a shipper had in its hands when it was asked to forget has arrived by then, or is not going to."""
_ID_AGE = timedelta(hours=1)
"""An id and the moment it stands for are never farther apart."""


def request(session: Session, subject: Subject, reason: str, *, actor: str, now: datetime) -> Erasure:
    """Have somebody forgotten, with all that is recorded of them up to now. One that is under way is returned.

    Raises SafelightError `key_not_found`.
    """
    if subject.api_key_id is not None and subject.api_key_id not in {key.id for key in access.keys(session)}:
        raise SafelightError(Kind.NOT_FOUND, "key_not_found", f"There is no key {subject.api_key_id}. List the keys.")
    under_way = [each for each in erasures.running(session, subject) if each.looked_from is None]
    if under_way:
        return under_way[0]
    # What waits to be made would be made after the moment up to which things are deleted.
    generation_jobs.cancel_of(session, subject, now)
    access.record_audit(session, now, actor, "erasure.request", str(subject), reason)
    return erasures.add(session, subject, reason, actor, now)


class Eraser:
    """Looks through the log at once, and again when what was on its way has arrived. Any number may run."""

    def __init__(self, database: Database, images: ImageArchive, clock: Clock) -> None:
        self._database = database
        self._images = images
        self._clock = clock

    def run_once(self) -> int:
        """A batch of the oldest request; 0 where there is none. Raises OSError while the image store is away."""
        now = self._clock.now()
        with self._database.transaction() as session:
            todo = next((each for each in erasures.running(session) if _is_due(each, now)), None)
            if todo is None:
                return 0
            if todo.looked_from is None:
                todo = erasures.advance(session, todo.id, looked_from=now)
            found = erasures.personal(session, todo, first_id_at(todo.requested_at + _ID_AGE), _BATCH)
            # Copies go before the originals: without these nobody would know them.
            copies = _copies(session, found)
        doomed = copies or found
        # Images first: whoever stops in between finds the row again, and an image without a row nobody would find.
        self._images.delete(key for each in doomed for key in each.image_keys)
        with self._database.transaction() as session:
            retention.forget(session, [each.id for each in doomed])
            if not found:
                _end_look(session, todo, now)
            elif not copies:
                _forget_prompts(session, found, now)
                erasures.advance(session, todo.id, cursor=found[-1].id, erased=todo.erased + len(found))
        return 1


def _is_due(erasure: Erasure, now: datetime) -> bool:
    return erasure.looked_from is None or erasure.looked_from <= now


def _end_look(session: Session, erasure: Erasure, now: datetime) -> None:
    settled = erasure.requested_at + _SETTLED_AFTER
    if erasure.looked_from is not None and erasure.looked_from >= settled:
        erasures.advance(session, erasure.id, state=ErasureState.DONE.value, finished_at=now)
        access.record_audit(session, now, ACTOR, "erasure.done", str(erasure.subject), f"{erasure.erased} generations")
    else:
        erasures.advance(session, erasure.id, looked_from=settled, cursor=None)


def _copies(session: Session, found: Sequence[Personal]) -> list[Personal]:
    return [
        copy
        for generator, prompts in _prompts(found).items()
        for copy in erasures.copies(session, generator, prompts, _BATCH)
    ]


def _forget_prompts(session: Session, found: Sequence[Personal], now: datetime) -> None:
    """Where prompts were taken along: sets of probes drawn from production, and baselines that are being made."""
    for generator, prompts in _prompts(found).items():
        for known in probe_sets.of_generator(session, generator):
            if known.source == "production" and any(probe["prompt"] in prompts for probe in known.probes):
                probe_sets.blot_out(session, known, prompts)
                probes.cancel_of_set(session, known.id, "a prompt of it was erased", now)
        baseline_jobs.cancel_with_prompts(session, generator, prompts, now)


def _prompts(found: Sequence[Personal]) -> dict[str, set[str]]:
    """By generator."""
    prompts: dict[str, set[str]] = {}
    for each in found:
        prompts.setdefault(each.generator, set()).add(each.prompt)
    return prompts
