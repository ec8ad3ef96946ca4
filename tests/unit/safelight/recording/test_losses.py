"""Counting what was served unlogged until somebody can be told."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from safelight.recording.generation import Arm, Generation, Outcome, Source
from safelight.recording.losses import Losses

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _generation(seconds: int = 0, version: int = 1) -> Generation:
    return Generation(
        id=uuid4(),
        created_at=NOON + timedelta(seconds=seconds),
        generator="studio",
        version=version,
        bundle_digest="d",
        source=Source.ENGINE,
        arm=Arm.STABLE,
        outcome=Outcome.SERVED,
        request_id=uuid4(),
        prompt="a red fox",
        parameters={},
    )


def test_losses_are_counted_by_version_and_bucket() -> None:
    losses = Losses(bucket_seconds=60)
    for generation in (_generation(0), _generation(59), _generation(60), _generation(0, version=2)):
        losses.add(generation)
    told = {(each.version, each.bucket_start): each.unlogged for each in losses.take()}
    assert told == {(1, NOON): 2, (1, NOON + timedelta(minutes=1)): 1, (2, NOON): 1}


def test_losses_are_told_once() -> None:
    losses = Losses(bucket_seconds=60)
    losses.add(_generation())
    assert len(losses.take()) == 1
    assert losses.take() == []
    assert losses.total == 1


def test_losses_that_could_not_be_told_are_added_to_those_that_came_meanwhile() -> None:
    losses = Losses(bucket_seconds=60)
    losses.add(_generation())
    taken = losses.take()
    losses.add(_generation())
    losses.put_back(taken)
    assert [each.unlogged for each in losses.take()] == [2]
