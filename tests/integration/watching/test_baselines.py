"""Baselines from traffic and from recorded streams; each is made once and never changes."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitors.verdict import Health
from registry.manifest import parse_manifest
from safelight.errors import SafelightError
from safelight.store import baseline_jobs, baselines, incidents, versions
from safelight.store.baseline_jobs import KnownJob
from safelight.store.baselines import KnownBaseline
from safelight.store.incidents import Resolution
from safelight.store.job_state import JobState
from safelight.store.versions import KnownVersion
from safelight.watching.baselines import from_recorded, scalars_of
from safelight.watching.inspecting import inspect
from safelight.watching.making import Maker
from safelight.watching.ordering import Ordered, Source, order_logged
from safelight.watching.readiness import readiness
from safelight.watching.recorded import RecordedSample

from .conftest import DEFAULTS  # noqa: TID252

MANIFEST = parse_manifest(
    {
        "checkpoint": "sha256:" + "0" * 64,
        "dtype": "float32",
        "defaults": DEFAULTS.model_dump(),
        "limits": {"min_side": 32, "max_side": 64, "max_steps": 50, "max_guidance": 20, "max_prompt_length": 500},
        "golden": [{"prompt": "a red apple", "seed": 1}],
    }
)


@pytest.fixture(autouse=True)
def registered(world: Any) -> None:
    with world.database.transaction() as session:
        known = KnownVersion("studio", 1, MANIFEST.digest, MANIFEST, "", world.clock.now(), "anna")
        versions.put_version(session, known)


def scored(world: Any, n: int, **kind: Any) -> None:
    """A minute of traffic that nobody judges."""
    world.log(n, **kind)
    while world.scorer.run_once():
        pass
    world.clock.advance(60)


def ordered(world: Any, name: str = "second", start: datetime | None = None) -> KnownJob:
    now = world.clock.now()
    with world.database.transaction() as session:
        wanted = Ordered("studio", 1, name, "anna")
        return order_logged(session, wanted, Source.TRAFFIC, start or now - timedelta(minutes=10), now, now)


def made(world: Any, job: KnownJob) -> KnownBaseline:
    assert Maker(world.database, world.clock, "one", world.embedder.digest).run_once() == 1
    with world.database.reading() as session:
        job = baseline_jobs.get(session, job.id)
        assert (job.state, job.error) == (JobState.DONE, "")
        assert job.baseline_id is not None
        return baselines.get(session, job.baseline_id)


def failure(world: Any, job: KnownJob) -> str | None:
    Maker(world.database, world.clock, "one", world.embedder.digest).run_once()
    with world.database.reading() as session:
        return baseline_jobs.get(session, job.id).error_code


def test_logged_traffic_becomes_a_baseline_that_judges_what_follows(world: Any) -> None:
    scored(world, 800, blank=0.02)
    known = made(world, ordered(world))
    assert known.n + known.blank == 800
    assert 5 <= known.blank <= 40
    assert known.created_by == "anna"
    with world.database.reading() as session:
        assert world.lenses.get(session, known).baseline_size == known.n
        assert len(scalars_of(session, known.id)["alignment"]) == known.n
        assert [each.name for each in baselines.of_generator(session, "studio")] == ["second", "first"]
        fresh = readiness(session, known, world.clock.now())
        assert fresh is not None
        assert (fresh.version, fresh.n) == (1, 0)
        assert fresh.expected_at is not None
        assert world.clock.now() < fresh.expected_at < world.clock.now() + timedelta(minutes=10)
        replaced = baselines.named(session, "studio", "first")
        assert replaced is not None
        assert readiness(session, replaced, world.clock.now()) is None, "nothing is held against it any more"
    for _ in range(2):
        answers = world.minute()
    with world.database.reading() as session:
        assert world.assessor.situation(session, "studio").references.own == known
        filled = readiness(session, known, world.clock.now())
        assert filled is not None
        assert (filled.n, filled.expected_at) == (400, None)
    verdict = answers["conditional_drift"].verdict
    assert verdict.health is Health.HEALTHY
    assert verdict.n >= 200


def test_a_baseline_says_what_it_is_about_and_how_blind_it_is(world: Any) -> None:
    scored(world, 800)
    known = made(world, ordered(world))
    with world.database.reading() as session:
        shipped = baselines.named(session, "studio", "first")
        assert shipped is not None
        first = inspect(session, shipped, world.lenses, world.settings)
        second = inspect(session, known, world.lenses, world.settings)
    assert sum(topic.n for topic in second.topics) == known.n
    assert any(topic.words for topic in second.topics)
    assert not any(topic.words for topic in first.topics), "a recorded stream holds no prompts"
    assert first.sight is not None
    assert second.sight is not None
    assert second.sight.floor > first.sight.floor, "it is the smaller of the two"
    assert second.sight.half_needs > known.n


def test_what_was_served_while_something_was_wrong_is_left_out(world: Any) -> None:
    scored(world, 500)
    began = world.clock.now()
    scored(world, 100, fidelity=0.5)
    opened = open_incident(world, began)
    with world.database.transaction() as session:
        incidents.resolve(session, opened, "anna", Resolution.BY_HAND, world.clock.now())
    scored(world, 300)
    assert made(world, ordered(world)).n == 500 + 300


def test_an_incident_that_lasts_leaves_nothing_to_go_by(world: Any) -> None:
    open_incident(world, world.clock.now())
    scored(world, 800)
    assert failure(world, ordered(world)) == "baseline_too_small"


def test_little_traffic_is_refused(world: Any) -> None:
    assert failure(world, ordered(world)) == "baseline_too_small"
    scored(world, 100)
    assert failure(world, ordered(world)) == "baseline_too_small"


def test_what_was_cancelled_is_not_made(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(world, 800)
    job = ordered(world)
    maker = Maker(world.database, world.clock, "one", world.embedder.digest)
    keep = maker._keep

    def cancel_and_keep(*what: Any) -> None:
        with world.database.transaction() as session:
            baseline_jobs.cancel(session, job.id, world.clock.now())
        keep(*what)

    monkeypatch.setattr(maker, "_keep", cancel_and_keep)
    maker.run_once()
    with world.database.reading() as session:
        assert baseline_jobs.get(session, job.id).state is JobState.CANCELLED
        assert baselines.named(session, "studio", "second") is None
    with pytest.raises(SafelightError) as refusal, world.database.transaction() as session:
        baseline_jobs.cancel(session, job.id, world.clock.now())
    assert refusal.value.code == "baseline_job_ended"


def test_another_worker_goes_on_when_one_dies(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(world, 800)
    job = ordered(world)
    dying = Maker(world.database, world.clock, "dying", world.embedder.digest)
    monkeypatch.setattr(dying, "_make", lambda job: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        dying.run_once()
    other = Maker(world.database, world.clock, "one", world.embedder.digest)
    assert other.run_once() == 0, "as long as the first may be at it"
    world.clock.advance(121)
    assert made(world, job).name == "second"


def test_a_name_is_used_once(world: Any, recorded: RecordedSample, first_baseline: Any) -> None:
    with pytest.raises(SafelightError) as refusal, world.database.transaction() as session:
        baselines.add(session, first_baseline, world.clock.now())
    assert refusal.value.code == "baseline_exists"
    with world.database.transaction() as session:
        baselines.add(session, replace(first_baseline, name="again"), world.clock.now())
    job = ordered(world, "new")
    for name in ("again", "new"):
        with pytest.raises(SafelightError) as refusal:
            ordered(world, name)
        assert refusal.value.code == "baseline_exists"
    with world.database.transaction() as session:
        baseline_jobs.cancel(session, job.id, world.clock.now())
    ordered(world, "new")


def open_incident(world: Any, began: datetime) -> Any:
    with world.database.transaction() as session:
        return incidents.open_incident(
            session,
            generator="studio",
            dedup_key="one",
            title="",
            monitor="conditional_drift",
            reason="conditional_drift",
            verdict_id=None,
            suspect_version=1,
            suspect_release_id=None,
            suggested_target=None,
            evidence={"window": {"start": began.isoformat()}},
            now=world.clock.now(),
        ).id


@pytest.mark.parametrize(
    "foreign",
    [{"bundle_digest": "sha256:other"}, {"embedder_digest": "sha256:other"}],
)
def test_a_recorded_stream_of_something_else_is_refused(recorded: RecordedSample, foreign: dict[str, str]) -> None:
    named = {"bundle_digest": recorded.bundle_digest, "embedder_digest": recorded.embedder_digest} | foreign
    with pytest.raises(SafelightError) as refusal:
        from_recorded(recorded, generator="studio", version=1, name="x", created_by="anna", **named)
    assert refusal.value.code == "recorded_sample_foreign"
