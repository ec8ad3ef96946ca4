from datetime import UTC, datetime, timedelta

import pytest

from safelight.handouts.chart import HEIGHT, Sighting, chart, share, span

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _sighting(hour: float, value: float | None, version: int = 1, n: int = 10) -> Sighting:
    return Sighting(NOON + hour * HOUR, version, value, n)


def test_a_line_for_each_version_lies_within_the_box() -> None:
    drawn = chart([_sighting(0, 0.2), _sighting(1, 0.4), _sighting(2, 0.3, version=2), _sighting(3, 0.1, version=2)])
    assert drawn.lines.keys() == {1, 2}
    points = [
        tuple(map(float, p.split(","))) for pieces in drawn.lines.values() for line in pieces for p in line.split()
    ]
    assert [x for x, _ in points] == pytest.approx([0, 333.3, 666.7, 1000])
    assert all(0 < y < HEIGHT for _, y in points)
    assert points[1][1] == min(y for _, y in points)
    assert drawn.low < 0.1 < 0.4 < drawn.high


def test_a_line_breaks_where_nothing_was_made_and_where_nothing_is_known() -> None:
    drawn = chart([_sighting(0, 0.2), _sighting(1, 0.3), _sighting(9, 0.2), _sighting(10, None), _sighting(11, 0.1)])
    assert [len(line.split()) for line in drawn.lines[1]] == [2, 2]


def test_one_moment_is_a_chart_too() -> None:
    drawn = chart([_sighting(0, None)])
    assert (drawn.lines, drawn.most) == ({}, 10)


def test_a_span_is_never_too_narrow_to_be_seen() -> None:
    drawn = chart([_sighting(0, 0.2), _sighting(100, 0.3)])
    assert span(NOON + 10 * HOUR, NOON + 60 * HOUR, drawn) == span(NOON + 10 * HOUR, NOON + 60 * HOUR, drawn)
    assert span(NOON + 50 * HOUR, NOON + 50 * HOUR, drawn).width == 0.005
    end = span(NOON + 100 * HOUR, NOON + 100 * HOUR, drawn)
    assert end.left + end.width <= 1.0


def test_moments_outside_are_put_on_the_edge() -> None:
    assert share(NOON - HOUR, NOON, NOON + HOUR) == 0
    assert share(NOON + 9 * HOUR, NOON, NOON + HOUR) == 1
    assert share(NOON, NOON, NOON) == 0
