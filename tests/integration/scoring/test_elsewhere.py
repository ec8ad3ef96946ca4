"""What was looked at where it was made counts as if it had been looked at here, and counts once."""

import base64
import json
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from monitors import codec
from monitors.lens import Lens
from monitors.sketch import Sketch
from registry.external import parse_external
from safelight.errors import SafelightError
from safelight.ids import new_id
from safelight.recording.merging import Merging
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.measuring import measure
from safelight.scoring.presence import Presence
from safelight.scoring.regional import Region
from safelight.scoring.seen import see
from safelight.settings import WatchingSettings
from safelight.store import embedders, sketches, told, traffic, versions
from safelight.store.baselines import KnownBaseline
from safelight.store.sketches import SketchRange
from safelight.store.slices import ALL
from safelight.store.tables import Score, ScoreTask, ToldSignals
from safelight.store.told import Told
from safelight.store.versions import KnownVersion
from safelight.watching.lenses import LensCache
from tests.integration.scoring.conftest import DEFAULTS, NOON, PARAMETERS, png
from tests.integration.scoring.test_scorer import count, drain, signals

Document = dict[str, Any]


@pytest.fixture
def baseline(world: Any, lens: Lens) -> KnownBaseline:
    external = parse_external({"name": "theirs"})
    with world.database.transaction() as session:
        versions.put_version(session, KnownVersion("studio", 1, external.digest, external, "", NOON, "test"))
    world.promote(1, None)
    found: KnownBaseline = world.baseline(lens, 1, "first")
    return found


@pytest.fixture
def merging(world: Any) -> Merging:
    return Merging(world.database, LensCache(), WatchingSettings(), world.clock)


def region(world: Any, lens: Lens, baseline: KnownBaseline, name: str = "eu") -> Region:
    return Region(world.embedder, baseline.id, lens, version=1, region=name, defaults=DEFAULTS)


def stored(world: Any, baseline: KnownBaseline) -> dict[str, Sketch]:
    where = SketchRange("studio", 1, "stable", baseline.id, NOON - timedelta(days=1), NOON + timedelta(days=1))
    with world.database.reading() as session:
        return {each.slice: Sketch.from_bytes(each.payload) for each in sketches.stored(session, where)}


def pictures(embedder: FakeEmbedder, n: int) -> list[tuple[str, Any]]:
    rng = np.random.default_rng(7)
    prompts = [" ".join(rng.choice(["red", "cat", "house", "snow"], 4)) for _ in range(n)]
    return [(prompt, embedder.paint(prompt, rng)) for prompt in prompts]


def test_signals_seen_at_the_source_are_scored_like_an_image(world: Any, baseline: KnownBaseline) -> None:
    seen = []
    for prompt, pixels in pictures(world.embedder, 5):
        identifier = world.log(prompt=prompt, key=None)
        seen.append((identifier, see(world.embedder, prompt, pixels)))
    with world.database.transaction() as session:  # as the shipper does; the world has made the tasks
        for task in session.query(ScoreTask).all():
            session.delete(task)
        session.flush()
        told.add(session, {identifier: Told("studio", document) for identifier, document in seen})
    assert drain(world.scorer()) == 5
    assert (count(world, Score), count(world, ScoreTask), count(world, ToldSignals)) == (5, 0, 0)
    sums = signals(world)
    assert (sums.n, sums.broken) == (5, 0)
    found = measure(world.embedder, *map(list, zip(*pictures(world.embedder, 5), strict=True)))
    assert sums.alignment_sum == pytest.approx(sum(each.alignment for each in found), abs=0.01)
    assert stored(world, baseline)[ALL].n == 5


def test_what_an_embedder_saw_that_was_replaced_meanwhile_is_kept_and_not_counted(
    world: Any, baseline: KnownBaseline
) -> None:
    other = FakeEmbedder(seed=9)
    ((prompt, pixels),) = pictures(other, 1)
    identifier = world.log(prompt=prompt, key=None)
    with world.database.transaction() as session:
        session.query(ScoreTask).delete()
        told.add(session, {identifier: Told("studio", see(other, prompt, pixels))})
    assert drain(world.scorer()) == 1
    assert count(world, Score) == 1
    assert signals(world).n == 0
    assert stored(world, baseline) == {}


def test_a_worker_says_what_it_looks_with(world: Any) -> None:
    with world.database.reading() as session:
        assert embedders.in_use(session) is None
    presence = Presence(world.database, world.embedder, world.clock)
    assert [presence.run_once(), presence.run_once()] == [0, 0]
    world.clock.advance(60)
    other = FakeEmbedder(dimensions=8, seed=1)
    Presence(world.database, other, world.clock).run_once()
    with world.database.reading() as session:
        assert embedders.in_use(session) == embedders.KnownEmbedder(other.digest, 8)


def test_a_regions_sketch_is_what_we_had_made_of_its_images(
    world: Any, lens: Lens, baseline: KnownBaseline, merging: Merging
) -> None:
    made = region(world, lens, baseline)
    for prompt, pixels in pictures(world.embedder, 20):
        made.see(NOON - timedelta(minutes=2), prompt, PARAMETERS, pixels)
    made.see(NOON - timedelta(minutes=2), "blank", PARAMETERS, np.zeros((16, 16, 3), np.uint8))
    made.see(NOON, "still open", PARAMETERS, pictures(world.embedder, 1)[0][1])
    (document,) = made.take(NOON)
    assert made.take(NOON) == []
    assert not any(prompt in json.dumps(document) for prompt, _ in pictures(world.embedder, 20))
    identifier, merged = merging.take(json.dumps(document).encode())
    assert (str(identifier), merged) == (document["id"], True)

    for prompt, pixels in pictures(world.embedder, 20):
        world.log(prompt=prompt, at=NOON - timedelta(minutes=2), image=png(pixels), version=2)
    world.promote(2, 1)
    drain(world.scorer())
    where = SketchRange("studio", 2, "stable", baseline.id, NOON - timedelta(days=1), NOON + timedelta(days=1))
    with world.database.reading() as session:
        (ours,) = [Sketch.from_bytes(each.payload) for each in sketches.stored(session, where, (ALL,))]
        (bucket,) = traffic.between(session, "studio", NOON - timedelta(days=1), NOON + timedelta(days=1))
    theirs = stored(world, baseline)
    assert theirs.keys() == {ALL, "region=eu"}
    assert np.array_equal(theirs[ALL].counts, ours.counts)
    assert np.allclose(theirs[ALL].sums, ours.sums, rtol=1e-3, atol=1e-3)
    assert (bucket.version, bucket.served) == (1, 21)
    assert signals(world).blank == 1


@pytest.fixture
def document(world: Any, lens: Lens, baseline: KnownBaseline) -> Document:
    made = region(world, lens, baseline)
    for prompt, pixels in pictures(world.embedder, 3):
        made.see(NOON - timedelta(minutes=2), prompt, PARAMETERS, pixels)
    return made.take(NOON)[0]


def test_sent_again_it_is_added_once(world: Any, baseline: KnownBaseline, merging: Merging, document: Document) -> None:
    body = json.dumps(document).encode()
    with ThreadPoolExecutor(4) as senders:
        merged = [each for _, each in senders.map(merging.take, [body] * 8)]
    assert sorted(merged) == [False] * 7 + [True]
    assert stored(world, baseline)[ALL].n == 3


def test_two_regions_add_up(
    world: Any, lens: Lens, baseline: KnownBaseline, merging: Merging, document: Document
) -> None:
    merging.take(json.dumps(document).encode())
    merging.take(json.dumps(document | {"id": str(new_id()), "region": "us"}).encode())
    found = stored(world, baseline)
    assert {name: sketch.n for name, sketch in found.items()} == {ALL: 6, "region=eu": 3, "region=us": 3}


def test_a_region_of_the_release_before_is_heard(
    world: Any, baseline: KnownBaseline, merging: Merging, document: Document
) -> None:
    """Its sketch does not say which prompts were hit, and all else."""
    sketch = Sketch.from_bytes(base64.b64decode(document["sketch"]))
    header, arrays = codec.unpack("sketch", 3, zlib.decompress(sketch.to_bytes()))
    end = sketch.counts.size - sketch.repeats.size
    arrays["counts"] = np.delete(arrays["counts"], np.arange(end - sketch.hits.size, end))
    data = zlib.compress(codec.pack("sketch", 2, {name: header[name] for name in ("lens", "layout")}, arrays))
    merging.take(json.dumps(document | {"sketch": base64.b64encode(data).decode()}).encode())
    found = stored(world, baseline)[ALL]
    assert (found.n, int(found.hits.sum())) == (3, 0)
    assert np.array_equal(found.tail_counts, sketch.tail_counts)


Change = Callable[[Document, Lens], Document]


def _resketched(change: Callable[[Sketch], Sketch]) -> Change:
    def changed(document: Document, _: Lens) -> Document:
        sketch = change(Sketch.from_bytes(base64.b64decode(document["sketch"])))
        return document | {"sketch": base64.b64encode(sketch.to_bytes()).decode()}

    return changed


def _numbers(sketch: Sketch, **changed: Any) -> Sketch:
    return Sketch(**{**{n: getattr(sketch, n) for n in ("lens_digest", "layout", "counts", "sums")}, **changed})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d, _: d | {"baseline": str(new_id())}, "baseline_not_found"),
        (lambda d, _: d | {"version": 9}, "version_not_found"),
        (lambda d, _: d | {"bucket_start": (NOON - timedelta(seconds=61)).isoformat()}, "time_invalid"),
        (lambda d, _: d | {"bucket_start": (NOON + timedelta(minutes=2)).isoformat()}, "time_invalid"),
        (lambda d, _: d | {"bucket_start": (NOON - timedelta(days=8)).isoformat()}, "time_invalid"),
        (lambda d, _: d | {"region": ""}, "invalid_submission"),
        (lambda d, _: d | {"arm": "probe"}, "invalid_submission"),
        (lambda d, _: d | {"prompt": "a red fox"}, "invalid_submission"),
        (lambda d, _: d | {"outcomes": {"served": -1}}, "invalid_submission"),
        (lambda d, _: d | {"signals": d["signals"] | {"n": 4}}, "sketch_invalid"),
        (lambda d, _: d | {"sketch": "%"}, "sketch_invalid"),
        (lambda d, _: d | {"sketch": "AAAA"}, "sketch_invalid"),
        (lambda d, _: d | {"sketch": base64.b64encode(zlib.compress(bytes(10**8))).decode()}, "sketch_invalid"),
        (_resketched(lambda s: _numbers(s, lens_digest="sha256:x")), "sketch_invalid"),
        (_resketched(lambda s: _numbers(s, counts=s.counts[:-1])), "sketch_invalid"),
        (_resketched(lambda s: _numbers(s, counts=-s.counts)), "sketch_invalid"),
        (_resketched(lambda s: _numbers(s, sums=s.sums * np.nan)), "sketch_invalid"),
    ],
)
def test_a_sketch_that_cannot_be_is_refused_and_adds_nothing(
    world: Any,
    lens: Lens,
    baseline: KnownBaseline,
    merging: Merging,
    document: Document,
    change: Change,
    code: str,
) -> None:
    wrong = json.dumps(change(document, lens)).encode()
    with pytest.raises(SafelightError) as refused:
        merging.take(wrong)
    assert refused.value.code == code
    assert stored(world, baseline) == {}
    assert merging.take(json.dumps(document).encode()) == (UUID(document["id"]), True)
