"""An accepted version's own traffic becomes its baseline; what is not accepted, or in trouble, is nobody's usual."""

from typing import Any

import pytest

from registry.ledger import Entry, EntryKind
from registry.manifest import parse_manifest
from safelight.settings import BaselineSettings
from safelight.store import baseline_jobs, baselines, incidents, ledger, versions
from safelight.store.database import Session
from safelight.store.incidents import Resolution
from safelight.store.job_state import JobState
from safelight.store.versions import KnownVersion
from safelight.watching.automatic import ACTOR, AutomaticBaselines
from safelight.watching.making import Maker

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
ENOUGH = 620


@pytest.fixture(autouse=True)
def replaced(world: Any) -> None:
    """Version 2, which has no baseline, has come to serve."""
    with world.database.transaction() as session:
        known = KnownVersion("studio", 2, MANIFEST.digest, MANIFEST, "", world.clock.now(), "anna")
        versions.put_version(session, known)
    world.release(EntryKind.PROMOTE, 2, 1)
    world.clock.advance(60)


def scored(world: Any, n: int) -> None:
    world.log(n, version=2)
    while world.scorer.run_once():
        pass
    world.clock.advance(60)


def asked(world: Any, **settings: Any) -> int:
    world.leadership.renew()
    chosen = BaselineSettings(**{"first_at": 600, "growth": 2.0} | settings)
    automatic = AutomaticBaselines(world.database, world.clock, world.leadership, chosen, world.embedder.digest)
    return automatic.run_once()


def test_enough_traffic_of_an_accepted_version_is_asked_for_once(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    known = ledger.newest_release

    def newest_release(session: Session, generator: str, scope: str = ledger.DEFAULT_SCOPE) -> Entry | None:
        if generator == "broken":
            raise LookupError("an entry of a kind that nobody knows")
        return known(session, generator, scope)

    with world.database.transaction() as session:
        versions.add_generator(session, "broken", "", world.clock.now())
    monkeypatch.setattr(ledger, "newest_release", newest_release)
    scored(world, ENOUGH)
    assert asked(world) == 0, "nobody has accepted it"
    world.release(EntryKind.ACCEPT, 2, 2)
    assert asked(world, first_at=700) == 0, "there is too little"
    assert asked(world, automatic=False) == 0
    assert asked(world) == 1
    assert asked(world) == 0, "it is being made"
    Maker(world.database, world.clock, "one", world.embedder.digest).run_once()
    with world.database.reading() as session:
        made = baselines.newest_of(session, "studio", 2, world.embedder.digest)
        assert made is not None
        assert world.assessor.situation(session, "studio").references.own == made
    assert (made.n, made.source, made.created_by) == (ENOUGH, "traffic", ACTOR)
    assert asked(world) == 0, "traffic has not grown"
    scored(world, ENOUGH)
    assert asked(world) == 1, "twice as much sees more"


def test_a_follower_asks_for_nothing(world: Any) -> None:
    scored(world, ENOUGH)
    world.release(EntryKind.ACCEPT, 2, 2)
    world.clock.advance(1000)
    chosen = BaselineSettings(first_at=600)
    automatic = AutomaticBaselines(world.database, world.clock, world.leadership, chosen, world.embedder.digest)
    assert automatic.run_once() == 0


def test_nothing_is_called_usual_while_something_is_wrong(world: Any) -> None:
    world.release(EntryKind.ACCEPT, 2, 2)
    scored(world, ENOUGH)
    began = world.clock.now()
    with world.database.transaction() as session:
        opened = incidents.open_incident(
            session,
            generator="studio",
            dedup_key="one",
            title="",
            monitor="blank_rate",
            reason="blank_rate_up",
            verdict_id=None,
            suspect_version=2,
            suspect_release_id=None,
            suggested_target=None,
            evidence={"window": {"start": began.isoformat()}},
            now=began,
        )
    assert asked(world) == 0
    scored(world, 100)
    with world.database.transaction() as session:
        incidents.resolve(session, opened.id, "anna", Resolution.BY_HAND, world.clock.now())
    assert asked(world, first_at=ENOUGH + 50) == 0, "what was made meanwhile does not count"
    assert asked(world) == 1


def test_after_a_failure_it_rests(world: Any) -> None:
    world.release(EntryKind.ACCEPT, 2, 2)
    scored(world, ENOUGH)
    assert asked(world) == 1
    with world.database.reading() as session:
        job = baseline_jobs.unfinished(session)[0]
    # Seen by another embedder there is nothing to go by.
    Maker(world.database, world.clock, "one", "sha256:other").run_once()
    with world.database.reading() as session:
        assert baseline_jobs.get(session, job.id).state is JobState.FAILED
    assert asked(world) == 0
    world.clock.advance(6 * 3600)
    assert asked(world) == 1
