"""Sketches made elsewhere: counts and sums of many images, added to ours exactly once, by their id."""

import base64
import binascii
import zlib
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from monitors.codec import UnreadableArtifact
from monitors.lens import Lens
from monitors.sketch import Layout, Sketch
from safelight.clock import Clock, bucket_start
from safelight.errors import Kind, SafelightError
from safelight.recording.submission import Name, refusal
from safelight.scoring.fold import merge
from safelight.settings import SliceAttribute, WatchingSettings
from safelight.store import baselines, sketches, slices, told, traffic, versions
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Database, Session
from safelight.store.sketches import SignalKey, SignalSums, SketchKey
from safelight.store.slices import Slice
from safelight.store.traffic import LATENCY_CLASSES, Traffic
from safelight.watching.lenses import LensCache, LensUnreadable

OLDEST = timedelta(days=7)
"""What lies further back has been judged and rolled up."""
_CLOCK_SKEW = timedelta(minutes=1)
_MOST = 100_000_000
Count = Annotated[int, Field(ge=0, le=_MOST)]
Sum = Annotated[float, Field(allow_inf_nan=False)]


class Outcomes(BaseModel):
    """How the requests of the bucket ended."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    served: Count
    filtered: Count = 0
    failed: Count = 0
    cancelled: Count = 0


class Sums(BaseModel):
    """Counts and sums of the images looked at. Blank and broken ones are counted, and are in no sum."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    n: Count
    blank: Count = 0
    broken: Count = 0
    near_duplicates: Count = 0
    alignment_sum: Sum
    alignment_squares: Sum
    sharpness_sum: Sum
    contrast_sum: Sum


class SketchSubmission(BaseModel):
    """What one region saw in one bucket of time: no prompt, no image, no single generation."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    id: UUID = Field(description="Yours to choose, one for each sketch: sent again, it is added once")
    baseline: UUID = Field(description="Through whose lens it was made")
    version: int = Field(ge=1, le=2**31 - 1)
    arm: Literal["stable", "canary"] = "stable"
    region: Name
    bucket_start: AwareDatetime
    outcomes: Outcomes
    signals: Sums
    sketch: Annotated[str, Field(max_length=2_000_000, description="Its bytes in base64")] | None = Field(
        None, description="Left out where there was nothing to be seen"
    )


class Merging:
    """The way in for regions that keep their prompts and images to themselves."""

    def __init__(self, database: Database, lenses: LensCache, settings: WatchingSettings, clock: Clock) -> None:
        self._database = database
        self._lenses = lenses
        self._settings = settings
        self._clock = clock

    def take(self, document: bytes) -> tuple[UUID, bool]:
        """Its id, and whether it was added: false where it had been before.

        Raises SafelightError, and then nothing is added: invalid_json, invalid_submission, baseline_not_found,
        version_not_found, time_invalid, sketch_invalid.
        """
        try:
            told_sketch = SketchSubmission.model_validate_json(document)
        except ValidationError as error:
            raise refusal(error) from None
        now = self._clock.now()
        check_bucket(told_sketch.bucket_start, now, self._settings.bucket_seconds)
        with self._database.transaction() as session:
            baseline = baselines.get(session, told_sketch.baseline)
            versions.require_version(session, baseline.generator, told_sketch.version)
            sketch = self._read(session, baseline, told_sketch)
            if not told.claim_sketch(session, told_sketch.id, baseline.generator, now):
                return told_sketch.id, False
            self._add(session, baseline, told_sketch, sketch, now)
        return told_sketch.id, True

    def _read(self, session: Session, baseline: KnownBaseline, submission: SketchSubmission) -> Sketch | None:
        if submission.sketch is None:
            return None
        try:
            lens = self._lenses.get(session, baseline)
        except LensUnreadable:
            raise _invalid("its baseline was made by another release and cannot be read") from None
        return read_sketch(submission.sketch, lens, submission.signals)

    def _add(
        self, session: Session, baseline: KnownBaseline, what: SketchSubmission, sketch: Sketch | None, now: datetime
    ) -> None:
        generator, version, arm, start = baseline.generator, what.version, what.arm, what.bucket_start
        made = Traffic(
            generator=generator,
            version=version,
            arm=arm,
            bucket_start=start,
            latency_counts=(0,) * LATENCY_CLASSES,
            engine_ms_sum=0.0,
            **what.outcomes.model_dump(),
        )
        traffic.add(session, [made])
        key = SignalKey(generator, version, arm, baseline.embedder_digest, start)
        sketches.add_signals(session, key, SignalSums(**what.signals.model_dump()))
        if sketch is None:
            return
        region = Slice(SliceAttribute.REGION, what.region)
        names = [slices.ALL]
        if SliceAttribute.REGION in self._settings.slices:
            names.append(slices.admit(session, generator, [region], self._settings.most_slices, now)[region].name)
        for name in sorted(names):
            key_of_part = SketchKey(generator, version, arm, baseline.id, name, start)
            sketches.fold_sketch(session, key_of_part, sketch.n, sketch.to_bytes(), merge)


def check_bucket(start: datetime, now: datetime, seconds: int) -> None:
    """Raises `time_invalid`."""
    if start > now + _CLOCK_SKEW:
        raise _time_invalid("bucket_start lies in the future")
    if start < now - OLDEST:
        raise _time_invalid(f"bucket_start lies more than {OLDEST.days} days back")
    if bucket_start(start, seconds) != start:
        raise _time_invalid(f"bucket_start is not a multiple of {seconds} seconds")


def read_sketch(text: str, lens: Lens, signals: Sums) -> Sketch:
    """A sketch made through `lens` of the images that `signals` count. Raises `sketch_invalid`."""
    layout = Layout.of(lens)
    try:
        data = base64.b64decode(text, validate=True)
        # Bounded before anything is unpacked: eight bytes a number, and a header.
        unpacker = zlib.decompressobj()
        unpacker.decompress(data, 8 * (layout.counts + layout.sums) + 10_000)
        if unpacker.unconsumed_tail:
            raise _invalid("it is larger than any of its lens")
        sketch = Sketch.from_bytes(data)
    except (binascii.Error, zlib.error, UnreadableArtifact):
        raise _invalid("its bytes are not those of a sketch") from None
    if sketch.lens_digest != lens.digest:
        raise _invalid(f"it was made through lens {sketch.lens_digest[:19]}, its baseline's is {lens.digest[:19]}")
    shapes = (sketch.layout, sketch.counts.shape, sketch.sums.shape)
    if shapes != (layout, (layout.counts,), (layout.sums,)):
        raise _invalid("its numbers are not laid out as its lens lays them out")
    plain = sketch.counts[: layout.counts - len(sketch.repeats)]
    if plain.min() < 0 or np.abs(sketch.counts).max() > _MOST or not np.isfinite(sketch.sums).all():
        raise _invalid("some of its numbers cannot be")
    if sketch.n != signals.n - signals.blank - signals.broken:
        raise _invalid(f"it is of {sketch.n} images, and the signals are of another number")
    return sketch


def _invalid(why: str) -> SafelightError:
    return SafelightError(
        Kind.INVALID, "sketch_invalid", f"The sketch cannot be added: {why}. Make it anew, with the baseline's lens."
    )


def _time_invalid(why: str) -> SafelightError:
    return SafelightError(Kind.INVALID, "time_invalid", f"{why}. Times are UTC, from a clock that is set.")
