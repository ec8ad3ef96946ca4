"""What cannot be compared is said to be so: another embedder's baseline, or one of another release."""

import logging
from typing import Any

import pytest
from sqlalchemy import update

from monitors.verdict import Health, Reason
from safelight.scoring.backfill import Backfiller, order
from safelight.scoring.examining import Examiner
from safelight.scoring.fake_embedder import FakeEmbedder
from safelight.scoring.folding import Folder
from safelight.scoring.scorer import Scorer
from safelight.store import backfills
from safelight.store.tables import Baseline
from safelight.store.verdicts import StoredVerdict
from safelight.watching.assess import Assessor
from safelight.watching.evidence import EvidenceGatherer
from safelight.watching.slicing import Slicing

LENSES = ("conditional_drift", "prompt_drift")


class OtherEmbedder(FakeEmbedder):
    @property
    def digest(self) -> str:
        return "sha256:another"


def test_an_old_lens_is_no_error_and_is_told_once(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    with world.database.transaction() as session:
        session.execute(update(Baseline).values(lens=b"of another release", lens_digest="old"))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            answers = world.minute()
    for name in LENSES:
        assert (answers[name].verdict.health, answers[name].verdict.reason) == (
            Health.INCONCLUSIVE,
            Reason.BASELINE_UNREADABLE,
        )
        assert "Make the baseline anew" in answers[name].verdict.summary
    assert answers["service_health"].verdict.health is Health.HEALTHY
    assert len([each for each in caplog.records if "cannot be read" in each.message]) == 1


def test_an_alarm_is_explained_as_far_as_it_can_be_without_a_lens(world: Any) -> None:
    with world.database.transaction() as session:
        session.execute(update(Baseline).values(lens=b"of another release", lens_digest="old"))
    for _ in range(2):
        answers = world.minute(blank=0.1)
    found: StoredVerdict = answers["blank_rate"]
    assert found.verdict.health is Health.DEGRADED
    with world.database.reading() as session:
        evidence = world.evidence(session, "studio", found)
    assert evidence["worst_images"][0]["blank"]
    assert "topics" not in evidence


def change_embedder(world: Any) -> Backfiller:
    """The worker comes back with another embedder."""
    world.embedder = OtherEmbedder()
    examiner = Examiner(world, world.embedder, world.clock)
    folder = Folder(world.lenses, world.embedder.digest, Slicing((), 0), world.clock, 60)
    world.scorer = Scorer(world.database, examiner, folder, batch=500)
    world.observer._embedder_digest = world.embedder.digest
    world.assessor = Assessor(world.settings, world.observer, world.embedder.digest)
    world.evidence = EvidenceGatherer(world.lenses, world.embedder.digest)
    world.leadership, world.ticker = world.worker("two")
    return Backfiller(world.database, examiner, folder, world.clock)


def test_a_change_of_embedder_is_told_with_the_progress_of_scoring_anew(world: Any) -> None:
    for _ in range(2):
        world.minute(60)
    backfiller = change_embedder(world)
    world.clock.advance(60)
    answers = world.minute(60)
    for name in LENSES:
        assert (answers[name].verdict.health, answers[name].verdict.reason) == (
            Health.INCONCLUSIVE,
            Reason.EMBEDDER_CHANGED,
        )
        assert "safelight backfill" in answers[name].verdict.summary
    now = world.clock.now()
    with world.database.transaction() as session:
        order(session, generator="studio", start=now.replace(hour=0), end=now, actor="anna", now=now)
    while (world_done := backfiller.run_once()) and progress(world) < 0.45:
        assert world_done
    assert "47% are re-scored" in world.minute(60)["conditional_drift"].verdict.summary
    with world.database.transaction() as session:
        session.execute(update(Baseline).values(embedder_digest=world.embedder.digest))
    for _ in range(2):
        answers = world.minute()
    assert answers["conditional_drift"].verdict.health is Health.HEALTHY


def progress(world: Any) -> float:
    with world.database.reading() as session:
        found = backfills.progress(session, "studio", world.embedder.digest)
    assert found is not None
    return found
