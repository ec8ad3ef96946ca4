"""What a chart is drawn from: buckets of traffic and signals, merged to a width that a screen can show."""

import math
from collections import defaultdict
from datetime import datetime, timedelta
from functools import reduce
from operator import add

from monitors.rates import LatencyHistogram
from safelight.api.schemas.monitors import IncidentSpan, ReleaseMarker, Series, SignalPoint, TrafficPoint
from safelight.clock import bucket_start
from safelight.store import incidents, releases, sketches, traffic
from safelight.store.database import Session
from safelight.store.sketches import SignalSums
from safelight.store.traffic import LATENCY_BOUNDS_MS, Traffic

_MOST_POINTS = 240
_SHOWN_ARMS = ("stable", "canary")


def read_series(session: Session, generator: str, start: datetime, end: datetime, bucket_seconds: int) -> Series:
    """Everything that happened to a generator in [start, end), of which no bucket is wider than `bucket_seconds`."""
    width = point_width(end - start, bucket_seconds)
    embedder = sketches.newest_embedder(session, generator)
    signals = (
        sketches.signals(session, generator, start, end, embedder_digest=embedder, arms=_SHOWN_ARMS) if embedder else []
    )
    return Series(
        bucket_seconds=width,
        traffic=traffic_points(
            [bucket for bucket in traffic.between(session, generator, start, end) if bucket.arm in _SHOWN_ARMS], width
        ),
        signals=signal_points(signals, width),
        releases=[
            ReleaseMarker(
                at=release.finished_at or release.created_at,
                kind=release.kind,
                from_version=release.from_version,
                to_version=release.to_version,
                release_id=release.id,
            )
            for release in releases.flipped_between(session, generator, start, end)
        ],
        incidents=[
            IncidentSpan.model_validate(incident) for incident in incidents.between(session, generator, start, end)
        ],
    )


def point_width(duration: timedelta, bucket_seconds: int) -> int:
    """The smallest multiple of a bucket, in seconds, with which a range has no more points than a screen shows."""
    return bucket_seconds * max(1, math.ceil(duration.total_seconds() / bucket_seconds / _MOST_POINTS))


def traffic_points(buckets: list[Traffic], width: int) -> list[TrafficPoint]:
    """Buckets of one version merged to points `width` seconds wide, the oldest first."""
    groups: dict[tuple[datetime, int], list[Traffic]] = defaultdict(list)
    for bucket in buckets:
        groups[bucket_start(bucket.bucket_start, width), bucket.version].append(bucket)
    return [_traffic_point(at, version, group) for (at, version), group in sorted(groups.items())]


def signal_points(buckets: list[sketches.SignalPoint], width: int) -> list[SignalPoint]:
    """Buckets of one version merged to points `width` seconds wide, the oldest first."""
    groups: dict[tuple[datetime, int], SignalSums] = defaultdict(SignalSums)
    for bucket in buckets:
        groups[bucket_start(bucket.bucket_start, width), bucket.version] += bucket.sums
    return [_signal_point(at, version, sums) for (at, version), sums in sorted(groups.items())]


def _traffic_point(at: datetime, version: int, group: list[Traffic]) -> TrafficPoint:
    bounds = tuple(bound / 1000 for bound in LATENCY_BOUNDS_MS)
    latency = reduce(add, (LatencyHistogram(bounds, bucket.latency_counts) for bucket in group))
    return TrafficPoint(
        at=at,
        version=version,
        served=sum(bucket.served for bucket in group),
        filtered=sum(bucket.filtered for bucket in group),
        failed=sum(bucket.failed for bucket in group),
        cancelled=sum(bucket.cancelled for bucket in group),
        p50_ms=_milliseconds(latency.quantile_bound(0.5)),
        p95_ms=_milliseconds(latency.quantile_bound(0.95)),
    )


def _signal_point(at: datetime, version: int, sums: SignalSums) -> SignalPoint:
    seen = sums.n - sums.broken
    mean = sums.alignment_sum / seen if seen else None
    return SignalPoint(
        at=at,
        version=version,
        n=sums.n,
        alignment=mean,
        alignment_se=_standard_error(seen, sums.alignment_sum, sums.alignment_squares),
        sharpness=sums.sharpness_sum / seen if seen else None,
        contrast=sums.contrast_sum / seen if seen else None,
        blank=sums.blank,
        broken=sums.broken,
        near_duplicates=sums.near_duplicates,
    )


def _standard_error(n: int, total: float, squares: float) -> float | None:
    """Of a mean, from its sums; None below two values."""
    if n < 2:
        return None
    variance = max(0.0, (squares - total * total / n) / (n - 1))
    return math.sqrt(variance / n)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
