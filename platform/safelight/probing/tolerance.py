"""How well two machines repeat each other, as the stored outputs of probes show it."""

from monitors.probes import Repeatability, repeatability
from safelight.probing.outputs import Read, of_repeat, outputs, pixel_distances
from safelight.store import generations, probe_images, probes
from safelight.store.database import Session
from safelight.store.probes import KnownRun

_PAIRS = 32
"""Probes that two devices are compared by: each costs reading two images."""


def device_of(session: Session, environment_digest: str | None) -> str | None:
    """What made an image, as far as it decides its pixels; None where it is not known."""
    details = generations.environment(session, environment_digest) if environment_digest else None
    return f"{details.get('device')} {details.get('dtype')}" if details else None


def tolerance(
    session: Session,
    generator: str,
    version: int,
    devices: tuple[str | None, str | None],
    embedder_digest: str,
    read: Read,
) -> Repeatability | None:
    """How far images of a version lie apart that were made of the same request on the two devices; None where that has
    not been measured. One device is held against itself by its own repetitions, two by what each made of one set.

    Raises OSError where images have to be read and the store is away.
    """
    stored = [
        run
        for run in probes.baselines(session, generator, version)
        if run.result.get("embedder_digest") == embedder_digest
    ]
    here, there = ([run for run in stored if run.result.get("device") == device] for device in devices)
    if devices[0] == devices[1]:
        known = next((run.result["repeatability"] for run in here if run.result.get("repeatability")), None)
        return None if known is None else Repeatability.from_dict(known)
    pair = next(((a, b) for a in here for b in there if a.set_id == b.set_id), None)
    return None if pair is None else _between(session, *pair, embedder_digest, read)


def _between(session: Session, a: KnownRun, b: KnownRun, embedder_digest: str, read: Read) -> Repeatability | None:
    first, second = (of_repeat(probe_images.of_run(session, run.id, embedder_digest), 0) for run in (a, b))
    places = [place for place in a.places if place in first and place in second][:_PAIRS]
    apart = pixel_distances(first, second, places, read)
    return repeatability(outputs(first, places), outputs(second, places), apart)
