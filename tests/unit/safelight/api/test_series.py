"""Points of a chart from buckets."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safelight.api.series import point_width, signal_points, traffic_points
from safelight.scoring.rolling import WIDE_SECONDS, width_at
from safelight.settings import WatchingSettings
from safelight.store.sketches import SignalPoint, SignalSums
from safelight.store.traffic import LATENCY_CLASSES, Traffic, latency_class

START = datetime(2026, 11, 22, 12, tzinfo=UTC)


@given(st.integers(1, 3600), st.floats(1, 31 * 86400))
def test_a_range_never_has_more_points_than_a_screen_shows(bucket: int, seconds: float) -> None:
    width = point_width(timedelta(seconds=seconds), bucket)
    assert width % bucket == 0
    assert seconds / width <= 240


def test_traffic_of_one_version_merges_into_one_point() -> None:
    point = traffic_points([_traffic(0, 20.0, served=3), _traffic(10, 2000.0, served=1, failed=2)], 60)
    assert [(each.served, each.failed) for each in point] == [(4, 2)]
    assert point[0].p50_ms == pytest.approx(20.0, rel=0.35)
    assert point[0].p95_ms == pytest.approx(2000.0, rel=0.35)


def test_versions_are_never_merged() -> None:
    points = traffic_points([_traffic(0, 20.0, served=1), _traffic(0, 20.0, served=1, version=2)], 60)
    assert [point.version for point in points] == [1, 2]


def test_an_empty_bucket_has_no_latency() -> None:
    assert traffic_points([_traffic(0, 20.0, served=0)], 60)[0].p50_ms is None


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=50))
def test_alignment_is_the_mean_with_its_standard_error(values: list[float]) -> None:
    half = len(values) // 2
    points = signal_points([_signals(0, values[:half]), _signals(10, values[half:])], 60)
    assert len(points) == 1
    assert points[0].alignment == pytest.approx(np.mean(values), abs=1e-9)
    assert points[0].alignment_se == pytest.approx(np.std(values, ddof=1) / math.sqrt(len(values)), abs=1e-6)


def test_broken_images_are_in_no_mean() -> None:
    sums = SignalSums(n=3, broken=1, alignment_sum=1.0, alignment_squares=0.5)
    point = signal_points([SignalPoint(START, 1, sums)], 60)[0]
    assert (point.n, point.broken, point.alignment) == (3, 1, 0.5)


def test_nothing_is_known_of_images_that_are_all_broken() -> None:
    point = signal_points([SignalPoint(START, 1, SignalSums(n=2, broken=2))], 60)[0]
    assert (point.alignment, point.alignment_se) == (None, None)


def _traffic(second: int, milliseconds: float, *, served: int, failed: int = 0, version: int = 1) -> Traffic:
    counts = [0] * LATENCY_CLASSES
    counts[latency_class(milliseconds)] = served
    return Traffic(
        generator="studio",
        version=version,
        arm="stable",
        bucket_start=START + timedelta(seconds=second),
        served=served,
        filtered=0,
        failed=failed,
        cancelled=0,
        latency_counts=tuple(counts),
        engine_ms_sum=0.0,
    )


def _signals(second: int, values: list[float]) -> SignalPoint:
    sums = SignalSums(
        n=len(values), alignment_sum=sum(values), alignment_squares=sum(value * value for value in values)
    )
    return SignalPoint(START + timedelta(seconds=second), 1, sums)


def test_points_are_no_narrower_than_what_was_kept() -> None:
    noon, watching = datetime(2026, 11, 23, 12, tzinfo=UTC), WatchingSettings()
    assert width_at(noon - timedelta(hours=24), noon, watching) == watching.bucket_seconds
    assert width_at(noon - timedelta(days=2), noon, watching) == WIDE_SECONDS
    assert width_at(noon - timedelta(days=2), noon, WatchingSettings(bucket_seconds=600)) == 600
