"""Baselines from traffic and from recorded streams; each is made once and never changes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitors.verdict import Health
from safelight.errors import SafelightError
from safelight.store import baselines
from safelight.watching.baselines import from_recorded, from_traffic, scalars_of
from safelight.watching.recorded import RecordedSample


def traffic_baseline(world: Any, name: str = "second", minutes: int = 10) -> Any:
    with world.database.reading() as session:
        return from_traffic(
            session,
            generator="studio",
            version=1,
            embedder_digest=world.embedder.digest,
            start=world.clock.now() - timedelta(minutes=minutes),
            end=world.clock.now(),
            name=name,
            created_by="anna",
        )


def test_logged_traffic_becomes_a_baseline_that_judges_what_follows(world: Any) -> None:
    for _ in range(4):
        world.minute(250, blank=0.02)
    made = traffic_baseline(world)
    assert made.n + made.blank == 1000
    assert 5 <= made.blank <= 40
    with world.database.transaction() as session:
        known = baselines.add(session, made, world.clock.now())
    with world.database.reading() as session:
        assert world.lenses.get(session, known).baseline_size == made.n
        assert len(scalars_of(session, known.id)["alignment"]) == made.n
        assert [each.name for each in baselines.of_generator(session, "studio")] == ["second", "first"]
    for _ in range(2):
        answers = world.minute()
    with world.database.reading() as session:
        assert world.assessor.situation(session, "studio").references.own == known
    verdict = answers["conditional_drift"].verdict
    assert verdict.health is Health.HEALTHY
    assert verdict.n in (200, 400), "the new lens has seen only what came after it was made"


def test_little_traffic_is_refused(world: Any) -> None:
    with pytest.raises(SafelightError) as refusal:
        traffic_baseline(world)
    assert refusal.value.code == "baseline_too_small"
    world.minute(100)
    with pytest.raises(SafelightError) as refusal:
        traffic_baseline(world)
    assert refusal.value.code == "baseline_too_small"


def test_a_name_is_used_once(world: Any, recorded: RecordedSample, first_baseline: Any) -> None:
    with pytest.raises(SafelightError) as refusal, world.database.transaction() as session:
        baselines.add(session, first_baseline, world.clock.now())
    assert refusal.value.code == "baseline_exists"
    with world.database.transaction() as session:
        baselines.add(session, replace(first_baseline, name="again"), world.clock.now())


@pytest.mark.parametrize(
    "foreign",
    [{"bundle_digest": "sha256:other"}, {"embedder_digest": "sha256:other"}],
)
def test_a_recorded_stream_of_something_else_is_refused(recorded: RecordedSample, foreign: dict[str, str]) -> None:
    named = {"bundle_digest": recorded.bundle_digest, "embedder_digest": recorded.embedder_digest} | foreign
    with pytest.raises(SafelightError) as refusal:
        from_recorded(recorded, generator="studio", version=1, name="x", created_by="anna", **named)
    assert refusal.value.code == "recorded_sample_foreign"
