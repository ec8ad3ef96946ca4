"""Every image is scored and folded exactly once, whatever happens to the workers."""

import io
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select

from monitors.lens import Lens
from monitors.sketch import Sketch
from safelight.scoring.scorer import Scorer
from safelight.settings import SliceAttribute
from safelight.store import scores, sketches, slices
from safelight.store.baselines import KnownBaseline
from safelight.store.scores import GenerationScore
from safelight.store.sketches import SignalSums, SketchRange
from safelight.store.slices import Slice
from safelight.store.tables import Score, ScoreTask, SignalBucket


def drain(scorer: Scorer) -> int:
    return sum(iter(scorer.run_once, 0))


def count(world: Any, table: type) -> int:
    with world.database.reading() as session:
        return int(session.scalar(select(func.count()).select_from(table)) or 0)


def kept(world: Any) -> dict[UUID, GenerationScore]:
    """The scores of version 1 by generation."""
    now = world.clock.now()
    with world.database.reading() as session:
        found = scores.made_between(
            session,
            "studio",
            1,
            now - timedelta(days=1),
            now + timedelta(days=1),
            arms=("stable",),
            embedder_digest=world.embedder.digest,
            limit=100,
        )
    return {each.score.generation_id: each.score for each in found}


def signals(world: Any) -> SignalSums:
    """Everything folded so far."""
    with world.database.reading() as session:
        start, end = world.clock.now() - timedelta(days=1), world.clock.now() + timedelta(days=1)
        points = sketches.signals(
            session, "studio", start, end, embedder_digest=world.embedder.digest, arms=("stable", "canary")
        )
        return sum((point.sums for point in points), start=SignalSums())


def test_an_image_is_scored_once(world: Any) -> None:
    identifier = world.log(prompt="red cat on snow")
    assert drain(world.scorer()) == 1
    assert count(world, ScoreTask) == 0
    score = kept(world)[identifier]
    assert score.embedder_digest == world.embedder.digest
    assert score.alignment == pytest.approx(0.9, abs=0.15)
    assert not score.broken
    assert score.image_embedding is not None
    assert np.linalg.norm(score.image_embedding) == pytest.approx(1.0, abs=2e-3)
    assert signals(world).n == 1
    assert signals(world).alignment_sum == pytest.approx(score.alignment)


def test_an_empty_queue_is_no_work(world: Any) -> None:
    assert world.scorer().run_once() == 0


def test_buckets_follow_the_generation_not_the_scorer(world: Any) -> None:
    for minute in (0, 0, 1):
        world.log(at=world.clock.now() + timedelta(minutes=minute))
    world.clock.advance(3600)
    drain(world.scorer())
    with world.database.reading() as session:
        rows = list(
            session.execute(select(SignalBucket.bucket_start, SignalBucket.n).order_by(SignalBucket.bucket_start))
        )
    start = world.clock.now() - timedelta(hours=1)
    assert rows == [(start, 2), (start + timedelta(minutes=1), 1)]


def test_what_cannot_be_read_is_broken_and_does_not_stop_the_queue(world: Any) -> None:
    missing, never, garbage = world.log(key="gone"), world.log(key=None), world.log(image=b"not an image")
    del world.images.content["gone"]
    whole = world.log()
    assert drain(world.scorer()) == 4
    reasons = [kept(world)[each].broken_reason for each in (missing, never, garbage, whole)]
    assert reasons == ["image_missing", "image_missing", "image_undecodable", None]
    assert (signals(world).n, signals(world).broken, signals(world).blank) == (4, 3, 0)


def test_a_blank_image_is_counted_and_not_averaged(world: Any) -> None:
    black = io.BytesIO()
    Image.new("RGB", (16, 16)).save(black, "PNG")
    world.log(image=black.getvalue())
    drain(world.scorer())
    assert (signals(world).blank, signals(world).alignment_sum) == (1, 0.0)


def test_a_store_that_is_away_costs_no_score(world: Any) -> None:
    world.log()
    world.images.away = True
    with pytest.raises(ConnectionError):
        world.scorer().run_once()
    assert (count(world, ScoreTask), count(world, Score)) == (1, 0)
    world.images.away = False
    assert drain(world.scorer()) == 1


def test_only_what_people_were_served_is_folded(world: Any) -> None:
    for arm in ("stable", "canary", "shadow", "probe", "replay"):
        world.log(arm=arm)
    assert drain(world.scorer()) == 5
    assert count(world, Score) == 5
    assert signals(world).n == 2


def test_one_image_for_two_prompts_is_a_near_duplicate(world: Any) -> None:
    first = world.log(prompt="red cat")
    picture = world.images.content[f"{first}.png"]
    same_prompt = world.log(prompt="red cat", image=picture)
    other_prompt = world.log(prompt="blue house", image=picture)
    other_version = world.log(prompt="green car", image=picture, version=2)
    world.log(prompt="dog")
    drain(world.scorer(batch=1))
    with world.database.reading() as session:
        found = {row.generation_id: row.near_duplicate_of for row in session.scalars(select(Score))}
    assert found[first] is None
    assert found[same_prompt] is None
    assert found[other_prompt] in (first, same_prompt)
    assert found[other_version] is None
    assert signals(world).near_duplicates == 1


def test_each_version_is_seen_through_its_own_lens_and_its_predecessors(world: Any, lens: Lens) -> None:
    world.promote(1, None)
    world.promote(2, 1)
    first, second = world.baseline(lens, 1, "first"), world.baseline(lens, 2, "second")
    for _ in range(20):
        world.log(version=1)
        world.log(version=2)
    drain(world.scorer())
    start, end = world.clock.now(), world.clock.now() + timedelta(minutes=1)
    with world.database.reading() as session:
        seen = {
            (version, baseline.name): [
                Sketch.from_bytes(payload).n
                for _, payload in sketches.sketches(session, "studio", version, "stable", baseline.id, start, end)
            ]
            for version in (1, 2)
            for baseline in (first, second)
        }
    assert seen == {(1, "first"): [20], (1, "second"): [], (2, "first"): [20], (2, "second"): [20]}


def sizes(world: Any, baseline: KnownBaseline) -> dict[str, int]:
    """Generations by slice."""
    where = SketchRange("studio", 1, "stable", baseline.id, world.clock.now() - timedelta(days=1), world.clock.now())
    with world.database.reading() as session:
        found = sketches.stored(session, replace(where, end=where.end + timedelta(days=1)))
    assert all(Sketch.from_bytes(each.payload).n == each.n for each in found)
    return {name: sum(each.n for each in found if each.slice == name) for name in sorted({e.slice for e in found})}


def test_each_image_counts_once_in_all_traffic_and_in_each_of_its_slices(world: Any, lens: Lens) -> None:
    world.promote(1, None)
    first = world.baseline(lens, 1, "first")
    for i in range(24):
        world.log(at=world.clock.now() + timedelta(seconds=20 * (i % 6)), replica=f"r{i % 3}" if i < 18 else None)
    drain(world.scorer(batch=5))
    assert sizes(world, first) == {"all": 24, "replica=r0": 6, "replica=r1": 6, "replica=r2": 6}


def test_beyond_the_cap_values_share_a_slice_whoever_counts_them(world: Any, lens: Lens) -> None:
    world.promote(1, None)
    first = world.baseline(lens, 1, "first")
    for _ in range(2):
        for i in range(5):
            world.log(replica=f"r{i}")
        drain(world.scorer())  # another worker each time: it knows nothing but what is in the database
    assert sizes(world, first) == {
        "all": 10,
        "replica (other)": 4,
        "replica=r0": 2,
        "replica=r1": 2,
        "replica=r2": 2,
    }


def test_a_value_that_is_not_seen_any_more_makes_room(world: Any) -> None:
    def admitted(*replicas: str) -> list[str]:
        wanted = [Slice(SliceAttribute.REPLICA, each) for each in replicas]
        with world.database.transaction() as session:
            found = slices.admit(session, "studio", wanted, 2, world.clock.now())
        return [found[each].name for each in wanted]

    assert admitted("old", "kept", "late") == ["replica (other)", "replica=kept", "replica=late"]
    for _ in range(5):
        world.clock.advance(900)
        assert admitted("kept", "new") == ["replica=kept", "replica (other)" if _ < 3 else "replica=new"]
    assert admitted("late") == ["replica (other)"]


def test_two_scorers_at_once_fold_each_image_once(world: Any, lens: Lens) -> None:
    world.promote(1, None)
    first = world.baseline(lens, 1, "first")
    for i in range(60):
        world.log(at=world.clock.now() + timedelta(seconds=30 * (i % 4)), replica=f"r{i % 7}")
    with ThreadPoolExecutor(2) as pool:
        done = [future.result() for future in [pool.submit(drain, world.scorer(batch=7)) for _ in range(2)]]
    assert sum(done) == 60
    assert (count(world, Score), signals(world).n) == (60, 60)
    assert sizes(world, first)["all"] == sum(n for name, n in sizes(world, first).items() if name != "all") == 60
    assert len(sizes(world, first)) == 1 + world.slicing.most + 1


def test_what_two_scorers_measured_is_folded_by_one(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second scorer finishes the very tasks that the first is still measuring."""
    for _ in range(5):
        world.log()
    slow, quick = world.scorer(), world.scorer()
    measure_first = slow._examiner.examine

    def measure_late(tasks: Any) -> Any:
        measured = measure_first(tasks)
        if world.database.is_sqlite:  # PostgreSQL does not let the second one see what the first has locked
            assert drain(quick) == 5
        else:
            assert drain(quick) == 0
        return measured

    monkeypatch.setattr(slow._examiner, "examine", measure_late)
    assert slow.run_once() == (0 if world.database.is_sqlite else 5)
    assert (count(world, ScoreTask), count(world, Score), signals(world).n) == (0, 5, 5)


def test_a_failure_while_folding_leaves_everything_as_it_was(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        world.log()

    def fail(*_: object) -> None:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patch:
        patch.setattr(sketches, "add_signals", fail)
        with pytest.raises(RuntimeError):
            world.scorer().run_once()
    assert (count(world, ScoreTask), count(world, Score), signals(world).n) == (3, 0, 0)
    assert drain(world.scorer()) == 3
    assert (count(world, ScoreTask), count(world, Score), signals(world).n) == (0, 3, 3)


KILLED = """
import sys
from safelight.clock import SystemClock
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.examining import Examiner
from safelight.scoring.folding import Folder
from safelight.scoring.scorer import Scorer
from safelight.store import scores
from safelight.store.database import Database
from safelight.watching.lenses import LensCache
from safelight.watching.slicing import Slicing
from pathlib import Path

class Disk:
    def read(self, key):
        return (Path(sys.argv[2]) / key).read_bytes()

def wait_to_be_killed(session, found, keep=scores.add):
    keep(session, found)
    print("folding", flush=True)
    sys.stdin.read()

scores.add = wait_to_be_killed
database, eyes = Database(sys.argv[1]), FakeEmbedder()
folder = Folder(LensCache(), eyes.digest, Slicing((), 0), SystemClock(), 60)
Scorer(database, Examiner(Disk(), eyes, SystemClock()), folder, batch=8).run_once()
"""


def test_kill_9_in_the_middle_of_a_fold_loses_and_doubles_nothing(world: Any, database_url: str, tmp_path: Any) -> None:
    for _ in range(6):
        world.log()
    for key, content in world.images.content.items():
        (tmp_path / key).write_bytes(content)
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), database_url, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"folding\n"
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    assert count(world, Score) == 0
    assert drain(world.scorer()) == 6
    assert (count(world, ScoreTask), count(world, Score), signals(world).n) == (0, 6, 6)


@pytest.fixture(autouse=True)
def _dispose(world: Any) -> Iterator[None]:
    yield
    world.database.dispose()
