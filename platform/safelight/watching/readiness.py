"""When a baseline can be compared with: its windows start empty, for nothing before it was seen through its lens."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitors.scan import MIN_GENERATIONS
from safelight.store import sketches
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Session
from safelight.store.sketches import SketchRange
from safelight.watching.monitors import ConditionalDrift
from safelight.watching.samples import SERVING_ARM
from safelight.watching.situation import situation

_PACE_OF = timedelta(hours=1)


@dataclass(frozen=True)
class Readiness:
    """`n` images of the version that serves were seen through its lens in the longest window; the monitors answer from
    `needed` on, or a little later where requests repeat. `expected_at` is None once there are so many, and where
    nothing was scored lately."""

    version: int
    n: int
    needed: int
    expected_at: datetime | None


def readiness(session: Session, baseline: KnownBaseline, now: datetime) -> Readiness | None:
    """None where nothing that serves is held against it."""
    served = situation(session, baseline.generator, baseline.embedder_digest)
    if served is None or baseline.id not in {each.id for each in served.references.all}:
        return None
    start = max(served.since, now - ConditionalDrift().longest)
    seen = SketchRange(served.generator, served.version, SERVING_ARM, baseline.id, start, now)
    n = sketches.seen_through(session, seen)
    lately = sketches.signals(
        session,
        served.generator,
        max(served.since, now - _PACE_OF),
        now,
        embedder_digest=baseline.embedder_digest,
        arms=(SERVING_ARM,),
        version=served.version,
    )
    scored = sum(point.sums.n for point in lately)
    return Readiness(served.version, n, MIN_GENERATIONS, _expected(n, scored, min(_PACE_OF, now - served.since), now))


def _expected(n: int, scored: int, within: timedelta, now: datetime) -> datetime | None:
    """At the pace of late: `scored` images `within` that time."""
    if n >= MIN_GENERATIONS or scored == 0:
        return None
    return now + within * ((MIN_GENERATIONS - n) / scored)
