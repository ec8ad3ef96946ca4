"""A new embedder scores what the old one has scored, once each; nothing of the two is ever mixed."""

from datetime import timedelta
from typing import Any

import pytest

from monitors.lens import Lens
from safelight.errors import SafelightError
from safelight.scoring.backfill import BATCH, Backfiller, order
from safelight.scoring.examining import Examiner
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.folding import Folder
from safelight.store import backfills, scores, sketches
from safelight.store.backfills import Backfill, BackfillState
from safelight.store.sketches import SignalSums
from safelight.watching.lenses import LensCache

HOUR = timedelta(hours=1)
MADE = 20


class OtherEmbedder(FakeEmbedder):
    """Sees the same, under another digest: another checkpoint's embeddings are another space."""

    @property
    def digest(self) -> str:
        return "sha256:another"


@pytest.fixture
def old(world: Any) -> Any:
    """A world whose images the former embedder has scored."""
    world.promote(1, None)
    picture = None
    for i in range(MADE):
        made = world.log(at=world.clock.now() + timedelta(seconds=7 * i), replica=f"r{i % 2}", image=picture)
        picture = world.images.content[f"{made}.png"] if i == 3 else None
    while world.scorer().run_once():
        pass
    world.embedder = OtherEmbedder()
    world.clock.advance(7200)
    return world


def backfiller(world: Any) -> Backfiller:
    examiner = Examiner(world.images, world.embedder, world.clock)
    folder = Folder(LensCache(), world.embedder.digest, world.slicing, world.clock, bucket_seconds=60)
    return Backfiller(world.database, examiner, folder, world.clock)


def ask(world: Any, start: timedelta = 3 * HOUR, end: timedelta = timedelta(0)) -> Backfill:
    now = world.clock.now()
    with world.database.transaction() as session:
        return order(session, generator="studio", start=now - start, end=now - end, actor="anna", now=now)


def current(world: Any, asked: Backfill) -> Backfill:
    with world.database.reading() as session:
        return backfills.get(session, asked.id)


def signals(world: Any, digest: str) -> SignalSums:
    now = world.clock.now()
    with world.database.reading() as session:
        points = sketches.signals(
            session, "studio", now - 3 * HOUR, now, embedder_digest=digest, arms=("stable", "canary")
        )
    return sum((point.sums for point in points), start=SignalSums())


def scored_by(world: Any, digest: str) -> int:
    now = world.clock.now()
    with world.database.reading() as session:
        return len(
            scores.made_between(
                session, "studio", 1, now - 3 * HOUR, now, arms=("stable",), embedder_digest=digest, limit=100
            )
        )


def test_every_image_is_scored_anew_and_folded_once(old: Any, lens: Lens) -> None:
    baseline = old.baseline(lens, 1, "with the new embedder")
    asked = ask(old)
    assert (asked.progress, asked.embedder_digest) == (0.0, None)
    work = backfiller(old)
    progress = []
    while work.run_once():
        progress.append(current(old, asked).progress)
    done = current(old, asked)
    assert (done.state, done.total, done.done, done.missing) == (BackfillState.DONE, MADE, MADE, 0)
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    assert (scored_by(old, old.embedder.digest), scored_by(old, FakeEmbedder().digest)) == (MADE, 0)
    before, after = signals(old, FakeEmbedder().digest), signals(old, old.embedder.digest)
    assert vars(after) == pytest.approx(vars(before), rel=1e-9), "the same sums, near-duplicates too, each in its own"
    assert after.near_duplicates == 1
    now = old.clock.now()
    with old.database.reading() as session:
        found = sketches.stored(
            session, sketches.SketchRange("studio", 1, "stable", baseline.id, now - 3 * HOUR, now), ("all",)
        )
    assert sum(each.n for each in found) == MADE
    assert work.run_once() == 0


def test_it_goes_on_where_it_was_interrupted(old: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ask(old)
    first = backfiller(old)
    assert [first.run_once(), first.run_once()] == [1, BATCH]
    with monkeypatch.context() as patch:

        def fail(*_: object) -> None:
            raise RuntimeError("the process ends here")

        patch.setattr(backfills, "advance", fail)
        with pytest.raises(RuntimeError):
            backfiller(old).run_once()
    assert (current(old, asked).done, signals(old, old.embedder.digest).n) == (BATCH, BATCH)
    while backfiller(old).run_once():
        pass
    assert (current(old, asked).done, signals(old, old.embedder.digest).n) == (MADE, MADE)


def test_asking_twice_scores_nothing_twice(old: Any) -> None:
    first, second = ask(old), ask(old, 2 * HOUR + timedelta(minutes=5), HOUR)
    while backfiller(old).run_once():
        pass
    assert (current(old, first).done, current(old, second).done) == (MADE, 0)
    assert signals(old, old.embedder.digest).n == MADE


def test_only_the_range_is_touched(old: Any) -> None:
    asked = ask(old, 2 * HOUR - timedelta(minutes=1))
    while backfiller(old).run_once():
        pass
    assert current(old, asked).total == scored_by(old, old.embedder.digest) == 11
    assert scored_by(old, FakeEmbedder().digest) == 9


def test_an_image_that_was_let_go_keeps_its_old_score(old: Any) -> None:
    for key in list(old.images.content)[:5]:
        del old.images.content[key]
    asked = ask(old)
    while backfiller(old).run_once():
        pass
    assert (current(old, asked).done, current(old, asked).missing) == (MADE - 5, 5)
    assert scored_by(old, FakeEmbedder().digest) == 5
    assert signals(old, old.embedder.digest).broken == 0


def test_new_images_come_first(old: Any) -> None:
    asked = ask(old)
    work = backfiller(old)
    work.run_once()
    old.log(at=old.clock.now() - timedelta(seconds=6))
    assert work.run_once() == 0
    while old.scorer().run_once():
        pass
    assert work.run_once() == BATCH
    assert current(old, asked).done == BATCH


def test_a_cancelled_one_stops_and_keeps_what_it_has_done(old: Any) -> None:
    asked = ask(old)
    work = backfiller(old)
    assert [work.run_once(), work.run_once()] == [1, BATCH]
    with old.database.transaction() as session:
        backfills.finish(session, asked.id, BackfillState.CANCELLED, old.clock.now())
    assert work.run_once() == 0
    assert scored_by(old, old.embedder.digest) == BATCH
    with old.database.transaction() as session, pytest.raises(SafelightError, match="cancelled"):
        backfills.finish(session, asked.id, BackfillState.CANCELLED, old.clock.now())


def test_a_range_that_ends_before_it_begins_is_refused(old: Any) -> None:
    with pytest.raises(SafelightError, match="Swap its ends"):
        ask(old, HOUR, 2 * HOUR)
