"""Buckets grow wider with age, and every generation stays counted once."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from monitors.lens import Lens
from monitors.sketch import Sketch
from safelight.scoring.rolling import RollUp
from safelight.settings import RetentionSettings, WatchingSettings
from safelight.store import feedback, sketches, traffic
from safelight.store.baselines import KnownBaseline
from safelight.store.feedback import FeedbackKey, FeedbackKind, FeedbackPoint
from safelight.store.sketches import SignalSums, SketchRange
from safelight.store.tables import SignalBucket, SketchBucket
from safelight.store.traffic import LATENCY_CLASSES, Traffic

DAY = timedelta(days=1)


def everything(world: Any, baseline: KnownBaseline) -> tuple[dict[str, Sketch], SignalSums]:
    """Sums over all time: by slice, and of the signals."""
    start, end = world.clock.now() - 4 * DAY, world.clock.now() + DAY
    with world.database.reading() as session:
        found = sketches.stored(session, SketchRange("studio", 1, "stable", baseline.id, start, end))
        points = sketches.signals(
            session, "studio", start, end, embedder_digest=world.embedder.digest, arms=("stable",)
        )
    by_slice = {each.slice: [Sketch.from_bytes(e.payload) for e in found if e.slice == each.slice] for each in found}
    assert all(Sketch.from_bytes(each.payload).n == each.n for each in found)
    return (
        {name: Sketch.total(parts) for name, parts in by_slice.items()},
        sum((point.sums for point in points), start=SignalSums()),
    )


def rows(world: Any) -> tuple[int, int]:
    with world.database.reading() as session:
        return tuple(session.scalar(select(func.count()).select_from(t)) for t in (SketchBucket, SignalBucket))


def roll_up(world: Any) -> int:
    job = RollUp(world.database, world.clock, WatchingSettings(), RetentionSettings())
    return sum(iter(job.run_once, 0))


def log(world: Any, minutes: list[int]) -> None:
    for minute in minutes:
        for replica in ("r0", "r1"):
            world.log(at=world.clock.now() + timedelta(minutes=minute), replica=replica)
    while world.scorer().run_once():
        pass


@pytest.fixture
def first(world: Any, lens: Lens) -> KnownBaseline:
    world.promote(1, None)
    found: KnownBaseline = world.baseline(lens, 1, "first")
    return found


def same(before: tuple[dict[str, Sketch], SignalSums], after: tuple[dict[str, Sketch], SignalSums]) -> bool:
    sums = all(
        (after[0][name].counts == each.counts).all() and after[0][name].sums == pytest.approx(each.sums, rel=1e-9)
        for name, each in before[0].items()
    )
    return sums and before[0].keys() == after[0].keys() and vars(after[1]) == pytest.approx(vars(before[1]), rel=1e-12)


def test_after_a_day_five_minutes_are_one_bucket_and_nothing_is_lost_or_doubled(
    world: Any, first: KnownBaseline
) -> None:
    log(world, [0, 1, 2, 4, 5, 9, 11, 70])
    before, fine = everything(world, first), rows(world)
    assert roll_up(world) == 0, "the last day stays as fine as it was"
    world.clock.advance(DAY.total_seconds() + 7200)
    assert roll_up(world) == sum(fine)
    assert same(before, everything(world, first))
    assert rows(world) == (4 * 3, 4), "12:00, 12:05, 12:10 and 13:10, of all traffic and two replicas"
    assert roll_up(world) == 0
    assert same(before, everything(world, first))


def test_what_comes_late_is_counted_once_in_its_wide_bucket(world: Any, first: KnownBaseline) -> None:
    log(world, [0, 1, 2])
    world.clock.advance(2 * DAY.total_seconds())
    roll_up(world)
    log(world, [-2880, -2879])  # one falls on a wide bucket, the other beside it
    before = everything(world, first)
    assert before[1].n == 10
    assert roll_up(world) > 0
    assert same(before, everything(world, first))
    assert rows(world) == (3, 1)


def test_an_interrupted_roll_up_changes_nothing(
    world: Any, first: KnownBaseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(world, [0, 1, 2])
    world.clock.advance(2 * DAY.total_seconds())
    before, fine = everything(world, first), rows(world)

    def fail(*_: object) -> None:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patch:
        patch.setattr("safelight.store.rollup._add", fail)
        with pytest.raises(RuntimeError):
            roll_up(world)
    assert rows(world) == fine
    roll_up(world)
    assert same(before, everything(world, first))


def test_a_sketch_that_nobody_can_read_holds_nobody_up(world: Any, first: KnownBaseline) -> None:
    log(world, [0, 1])
    with world.database.transaction() as session:
        for row in session.scalars(select(SketchBucket).where(SketchBucket.slice == "all")):
            row.payload = b"of another release"
    world.clock.advance(2 * DAY.total_seconds())
    assert roll_up(world) > 0
    assert roll_up(world) == 0
    assert rows(world) == (2 + 2, 1), "those of all traffic stay as they are"


def test_counts_of_traffic_and_feedback_are_added_up_with_those_of_the_signals(world: Any) -> None:
    def counted(minute: int, *, told: bool = True) -> Traffic:
        start = world.clock.now() + timedelta(minutes=minute)
        classes = tuple(minute if i == 3 else 0 for i in range(LATENCY_CLASSES))
        waits = classes[::-1] if told else (0,) * LATENCY_CLASSES
        return Traffic("studio", 1, "stable", start, 7, 1, 2, 3, classes, 0.25, 1, waits)

    minutes = [counted(0), counted(1), counted(4, told=False), counted(5)]
    start = world.clock.now()
    keys = [FeedbackKey("studio", 1, "stable", start + timedelta(minutes=minute)) for minute in (0, 3)]
    made = [world.log(at=key.bucket_start) for key in keys]
    with world.database.transaction() as session:
        traffic.add(session, minutes)
        for image, key in zip(made, keys, strict=True):
            feedback.give(session, image, "anna", FeedbackKind.DOWN, start, key)
    world.clock.advance(2 * DAY.total_seconds())
    roll_up(world)
    late = counted(-2880 + 2)
    with world.database.transaction() as session:
        traffic.add(session, [late])
    roll_up(world)
    with world.database.reading() as session:
        first, second = traffic.between(session, "studio", start, start + DAY)
        given = feedback.between(session, "studio", 1, "stable", start, start + DAY)
    assert second == minutes[-1]
    together = [*minutes[:-1], late]
    assert (first.served, first.filtered, first.failed, first.cancelled, first.unlogged) == (28, 4, 8, 12, 4)
    assert first.engine_ms_sum == 1.0
    for counts in ("latency_counts", "queue_counts"):
        assert getattr(first, counts) == tuple(
            map(sum, zip(*(getattr(each, counts) for each in together), strict=True))
        )
    assert given == [FeedbackPoint(start, 0, 2, 0, 0)]


def test_sketches_go_when_nobody_asks_for_them_any_more_and_counts_stay(world: Any, first: KnownBaseline) -> None:
    log(world, [0, 5, 1380])
    before = everything(world, first)[1]
    world.clock.advance((31 * DAY + timedelta(minutes=5)).total_seconds())
    roll_up(world)
    assert rows(world) == (2 * 3, 3), "one bucket was too old"
    world.clock.advance(2 * DAY.total_seconds())
    roll_up(world)
    assert rows(world) == (0, 3)
    world.clock.advance(-33 * DAY.total_seconds())
    assert vars(everything(world, first)[1]) == pytest.approx(vars(before))
