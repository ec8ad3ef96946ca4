"""Counts that several processes add to."""

from datetime import UTC, datetime, timedelta
from threading import Thread

from safelight.store import traffic
from safelight.store.database import Database
from safelight.store.traffic import LATENCY_CLASSES, Traffic

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _traffic(version: int, minute: int = 0, served: int = 1) -> Traffic:
    latency = tuple(served if index == 5 else 0 for index in range(LATENCY_CLASSES))
    start = NOON + timedelta(minutes=minute)
    return Traffic("studio", version, "stable", start, served, 1, 2, 3, latency, 0.5)


def test_counts_add_up(database: Database) -> None:
    with database.transaction() as session:
        traffic.add(session, [_traffic(1), _traffic(2)])
    with database.transaction() as session:
        traffic.add(session, [_traffic(1, served=4)])
    with database.reading() as session:
        first, second = traffic.between(session, "studio", NOON, NOON + timedelta(minutes=1))
    assert (first.served, first.filtered, first.failed, first.cancelled) == (5, 2, 4, 6)
    assert (first.latency_counts[5], sum(first.latency_counts), first.engine_ms_sum) == (5, 5, 1.0)
    assert second == _traffic(2)


def test_a_window_holds_the_buckets_that_start_in_it(database: Database) -> None:
    with database.transaction() as session:
        traffic.add(session, [_traffic(1, minute) for minute in (3, 0, 2, 1)])
    with database.reading() as session:
        found = traffic.between(session, "studio", NOON + timedelta(minutes=1), NOON + timedelta(minutes=3))
        assert traffic.between(session, "other", NOON, NOON + timedelta(days=1)) == []
    assert [bucket.bucket_start.minute for bucket in found] == [1, 2]


def test_processes_that_count_at_once_lose_nothing(database: Database) -> None:
    def count(versions: list[int]) -> None:
        for _ in range(10):
            with database.transaction() as session:
                traffic.add(session, [_traffic(version) for version in versions])

    threads = [Thread(target=count, args=(versions,)) for versions in ([1, 2, 3], [3, 2, 1], [2, 3, 1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        found = traffic.between(session, "studio", NOON, NOON + timedelta(minutes=1))
    assert [bucket.served for bucket in found] == [30, 30, 30]
