"""After a rollback: what it put in place is probed while it serves, and what is found is said."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import pytest

from monitors.verdict import Health, Reason
from registry.progress import State
from safelight.ids import new_id
from safelight.responding.verifying import MONITOR, PAIRS, Verifier
from safelight.store import incidents, ledger, releases, verifications
from safelight.store.database import Session
from safelight.store.releases import KnownRelease
from safelight.store.verifications import Verification, VerificationState

from .conftest import GENERATOR, LINKS, Scene  # noqa: TID252


@dataclass
class Leads:
    def held(self) -> bool:
        return True


@pytest.fixture
def verifier(scene: Scene) -> Verifier:
    return Verifier(scene.database, Leads(), LINKS, scene.clock)


def newest(scene: Scene) -> Verification | None:
    with scene.database.reading() as session:
        entry = ledger.newest_release(session, GENERATOR)
        assert entry is not None
        release = releases.of_entry(session, GENERATOR, entry.seq)
        assert release is not None
        return verifications.find(session, release.id)


def test_a_promote_is_not_looked_at_again(scene: Scene, verifier: Verifier) -> None:
    assert (verifier.run_once(), newest(scene)) == (0, None)


def test_a_rollback_flips_first_and_is_verified_by_probes_while_it_serves(scene: Scene, verifier: Verifier) -> None:
    scene.store_outputs(1)
    [incident] = scene.tick(Reason.ALIGNMENT_DOWN)
    scene.rollback()
    scene.tick()
    assert verifier.run_once() == 1
    [run] = scene.open_runs()
    assert (run.version, run.against, len(run.places)) == (1, None, PAIRS)
    assert verifier.run_once() == 0
    scene.end(run, Health.HEALTHY)
    assert (verifier.run_once(), verifier.run_once()) == (1, 0)
    found = newest(scene)
    assert found is not None
    assert (found.state, found.run_id) == (VerificationState.PASSED, run.id)
    assert "verification" in scene.events(incident)


def test_a_rollback_that_cannot_be_looked_at_keeps_no_other_waiting(
    scene: Scene, verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.rollback()
    known = releases.in_states

    def in_states(session: Session, states: Collection[State]) -> list[KnownRelease]:
        found = known(session, states)
        return [*(replace(each, id=new_id(), generator="gone") for each in found), *found]

    monkeypatch.setattr(releases, "in_states", in_states)
    assert verifier.run_once() == 1
    assert newest(scene) is not None


def test_one_that_is_not_what_it_was_opens_an_incident_of_its_own(scene: Scene, verifier: Verifier) -> None:
    scene.store_outputs(1)
    scene.rollback()
    verifier.run_once()
    [run] = scene.open_runs()
    scene.end(run, Health.DEGRADED)
    verifier.run_once()
    with scene.database.reading() as session:
        [opened] = incidents.open_of_monitor(session, MONITOR)
    assert (opened.suspect_version, opened.reason) == (1, "verification_failed")
    assert newest(scene).state is VerificationState.FAILED  # type: ignore[union-attr]  # it was looked at


def test_where_nothing_can_be_told_that_is_said_and_nothing_opens(scene: Scene, verifier: Verifier) -> None:
    scene.rollback()
    verifier.run_once()
    found = newest(scene)
    assert found is not None
    assert (found.state, found.run_id) == (VerificationState.UNKNOWN, None)
    assert verifier.run_once() == 0
    with scene.database.reading() as session:
        assert incidents.open_of_monitor(session, MONITOR) == []
