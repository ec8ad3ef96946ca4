"""What images show of what prompts leave open, read once an hour."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from safelight.errors import SafelightError
from safelight.scoring.attributes import AttributeReader
from safelight.store import attributes
from safelight.store.attributes import Attribute, Reading

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PET = Attribute("studio", "pet", about="pet", options=("cat", "dog"), created_at=NOON, created_by="tester")


def watch(world: Any, attribute: Attribute = PET) -> None:
    with world.database.transaction() as session:
        attributes.put(session, attribute)


def show(world: Any, prompt: str, animal: str, count: int, version: int = 1) -> None:
    """Images asked for in one way that show one animal, made in the hour before noon."""
    encoded = [world.encoded(f"a {animal} {animal} {animal}") for _ in range(count)]
    for image in encoded:
        world.log(at=NOON - timedelta(minutes=30), prompt=prompt, version=version, image=image)
    while world.scorer().run_once():
        pass


def read(world: Any) -> list[Reading]:
    AttributeReader(world.database, world.embedder, world.clock).run_once()
    with world.database.reading() as session:
        return attributes.readings(session, "studio", "pet", 10)


def test_images_are_told_apart_by_what_they_show_not_by_what_was_asked(world: Any) -> None:
    world.promote(1, None)
    watch(world)
    show(world, "a pet on grass", "cat", 6)
    show(world, "a Pet in snow", "dog", 3)
    show(world, "a red house", "dog", 4)
    [reading] = read(world)
    assert (reading.version, reading.slot, reading.embedder_digest) == (1, NOON, world.embedder.digest)
    assert (reading.counts, reading.unclear) == ((6, 3), 0)


def test_an_hour_is_read_once_and_the_next_one_anew(world: Any) -> None:
    world.promote(1, None)
    watch(world)
    show(world, "a pet", "cat", 2)
    assert len(read(world)) == 1
    show(world, "a pet", "dog", 2)
    assert [each.counts for each in read(world)] == [(2, 0)]
    world.clock.advance(3600)
    assert [each.counts for each in read(world)] == [(2, 2), (2, 0)]


def test_only_what_serves_is_read(world: Any) -> None:
    watch(world)
    show(world, "a pet", "cat", 2, version=1)
    assert read(world) == []
    world.promote(2, None)
    [reading] = read(world)
    assert (reading.version, reading.counts) == (2, (0, 0))


def test_other_phrases_begin_a_new_series(world: Any) -> None:
    world.promote(1, None)
    watch(world)
    assert len(read(world)) == 1
    watch(world, Attribute("studio", "pet", "pet", ("cat", "car"), NOON, "tester"))
    with world.database.reading() as session:
        assert attributes.readings(session, "studio", "pet", 10) == []


def test_what_is_not_watched_cannot_be_removed(world: Any) -> None:
    with pytest.raises(SafelightError, match="attribute"), world.database.transaction() as session:
        attributes.remove(session, "studio", "pet")
