"""Two releases side by side, from what was stored of them: weights, manifest, environment and baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import Field, JsonValue

from registry.difference import changes
from safelight.comparing.documents import Part
from safelight.errors import Kind, SafelightError
from safelight.recording.generation import Outcome
from safelight.store import baselines, chains, checkpoints, generations, releases, versions
from safelight.store.database import Session
from safelight.store.generations import Filters
from safelight.store.releases import KnownRelease
from safelight.watching.baselines import scalars_of
from safelight.watching.samples import JUDGED_ARMS

_LOOKED_AT = 200
"""Generations whose environments are asked for: the newest of a release."""


class Matter(StrEnum):
    """What releases are compared by."""

    WEIGHTS = "weights"
    MANIFEST = "manifest"
    ENVIRONMENT = "environment"
    BASELINE = "baseline"


class ChangedValue(Part):
    """One value, by the path of keys that leads to it; null on the side that has none."""

    path: str
    before: JsonValue
    after: JsonValue


class MatterCompared(Part):
    """One matter. Where `unknown` is set, no change does not mean that there was none."""

    matter: Matter
    changes: list[ChangedValue]
    unknown: str | None = Field(description="What could not be compared, and why; null: nothing")


class ReleaseSide(Part):
    """One of the two releases."""

    release_id: UUID
    kind: str
    version: int
    digest: str
    ledger_seq: int | None
    at: datetime


class ReleaseDifference(Part):
    """What became different from one release to another."""

    generator: str
    before: ReleaseSide
    after: ReleaseSide
    comparisons: list[MatterCompared]


@dataclass(frozen=True)
class _Known:
    """A document, and why it is not all there is to know."""

    document: Mapping[str, Any]
    unknown: str | None = None


def difference(session: Session, after: KnownRelease, before: KnownRelease | None) -> ReleaseDifference:
    """`before` None: what the release took over from. Raises `nothing_before`, `releases_of_two_generators`."""
    before = before or _replaced(session, after)
    if before.generator != after.generator:
        message = f"One release is of {before.generator}, the other of {after.generator}. Name two of one generator."
        raise SafelightError(Kind.INVALID, "releases_of_two_generators", message)
    matters = {
        Matter.WEIGHTS: _weights,
        Matter.MANIFEST: _manifest,
        Matter.ENVIRONMENT: _environment,
        Matter.BASELINE: _baseline,
    }
    return ReleaseDifference(
        generator=after.generator,
        before=_side(session, before),
        after=_side(session, after),
        comparisons=[
            _compared(matter, read(session, before), read(session, after)) for matter, read in matters.items()
        ],
    )


def _replaced(session: Session, release: KnownRelease) -> KnownRelease:
    served = None
    if release.ledger_seq is not None:
        served = chains.before(session, release.generator, release.ledger_seq, release.scope)
    elif release.from_version is not None:
        served = chains.live_at(session, release.generator, release.created_at, release.scope)
    found = releases.of_entry(session, release.generator, served.seq, release.scope) if served else None
    if found is None:
        message = "Nothing served before this release. Name another one to compare it with."
        raise SafelightError(Kind.CONFLICT, "nothing_before", message)
    return found


def _compared(matter: Matter, before: _Known, after: _Known) -> MatterCompared:
    unknown = before.unknown or after.unknown
    # What only one side is known of is no difference.
    both = before.document.keys() & after.document.keys() if unknown else before.document.keys() | after.document.keys()
    sides = ({key: side.document[key] for key in both & side.document.keys()} for side in (before, after))
    found = [ChangedValue(path=each.path, before=each.before, after=each.after) for each in changes(*sides)]
    return MatterCompared(matter=matter, changes=found, unknown=unknown)


def _weights(session: Session, release: KnownRelease) -> _Known:
    """The digest of every file, by its path."""
    checkpoint = versions.require_version(session, release.generator, release.to_version).manifest.checkpoint
    if checkpoint is None:
        return _Known({}, f"The service that serves version {release.to_version} has told no digest of its weights.")
    files = checkpoints.files(session, checkpoint)
    if files is None:
        return _Known({"checkpoint": checkpoint}, f"The files of version {release.to_version} are not on record here.")
    return _Known({"checkpoint": checkpoint, "files": files})


def _manifest(session: Session, release: KnownRelease) -> _Known:
    known = versions.require_version(session, release.generator, release.to_version)
    return _Known(known.manifest.model_dump(mode="json", exclude={"checkpoint"}))


def _environment(session: Session, release: KnownRelease) -> _Known:
    """What its newest images were made on: one environment, or several by their digests."""
    entry = chains.entry(session, release.generator, release.ledger_seq, release.scope) if release.ledger_seq else None
    if entry is None:
        return _Known({}, f"Version {release.to_version} never came to serve by this release.")
    following = chains.after(session, release.generator, entry.seq, release.scope)
    seen = Filters(
        generator=release.generator,
        version=release.to_version,
        outcomes=(Outcome.SERVED.value,),
        arms=JUDGED_ARMS,
        since=entry.at,
        until=following.at if following else None,
    )
    made = generations.search(session, seen, None, _LOOKED_AT).generations
    digests = sorted({each.environment_digest for each in made if each.environment_digest is not None})
    if not digests:
        return _Known({}, f"No image of version {release.to_version} in this release tells what it was made on.")
    documents = {digest: generations.environment(session, digest) or {} for digest in digests}
    return _Known(documents[digests[0]] if len(digests) == 1 else documents)


def _baseline(session: Session, release: KnownRelease) -> _Known:
    """Mean and deviation of every signal over the generations of the version's newest baseline."""
    newest = baselines.newest_of_version(session, release.generator, release.to_version)
    if newest is None:
        return _Known({}, f"Version {release.to_version} has no baseline.")
    signals = {
        name: {"mean": _rounded(values.mean()), "deviation": _rounded(values.std())}
        for name, values in scalars_of(session, newest.id).items()
        if len(values)
    }
    about = {name: getattr(newest, name) for name in ("name", "source", "embedder_digest", "n", "blank", "lens_digest")}
    return _Known(about | {"signals": signals})


def _rounded(value: Any) -> float:
    return float(f"{float(value):.6g}")


def _side(session: Session, release: KnownRelease) -> ReleaseSide:
    return ReleaseSide(
        release_id=release.id,
        kind=release.kind.value,
        version=release.to_version,
        digest=versions.require_version(session, release.generator, release.to_version).digest,
        ledger_seq=release.ledger_seq,
        at=release.created_at,
    )
