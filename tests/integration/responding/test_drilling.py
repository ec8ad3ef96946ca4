"""The nightly drill: ordered once a night, answered by an incident where it failed, and closed by one that passes."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from registry.ledger import Entry
from safelight.errors import SafelightError
from safelight.responding.drilling import MONITOR, WITHIN, DrillWatch, ask
from safelight.store import chains, drills, incidents, versions
from safelight.store.database import Session
from safelight.store.drills import DrillReason, DrillState, KnownDrill
from safelight.store.incidents import KnownIncident

from .conftest import GENERATOR, LINKS, Scene  # noqa: TID252


@dataclass
class Leads:
    leading: bool = True

    def held(self) -> bool:
        return self.leading


@pytest.fixture
def watch(scene: Scene) -> DrillWatch:
    """It is noon, and the night's drills began an hour ago."""
    return DrillWatch(scene.database, Leads(), LINKS, scene.clock, hour=11)


def in_hand(scene: Scene) -> list[KnownDrill]:
    with scene.database.reading() as session:
        return drills.in_hand(session, GENERATOR)


def opened(scene: Scene) -> list[KnownIncident]:
    with scene.database.reading() as session:
        return incidents.open_of_monitor(session, MONITOR)


def end(scene: Scene, state: DrillState) -> None:
    [drill] = in_hand(scene)
    reason = DrillReason.GOLDEN_FAILED if state is DrillState.FAILED else None
    with scene.database.transaction() as session:
        assert drills.claim(session, drill.id, "one", scene.clock.now())
        drills.end(session, drill.id, state, scene.clock.now(), reason=reason, detail="golden_different")


def asked(scene: Scene, version: int | None = None) -> KnownDrill:
    with scene.database.transaction() as session:
        return ask(session, GENERATOR, version, "ann", scene.clock.now())


def test_each_night_has_one_drill_of_the_version_to_go_back_to_whoever_leads(scene: Scene, watch: DrillWatch) -> None:
    follower = DrillWatch(scene.database, Leads(leading=False), LINKS, scene.clock, hour=11)
    other = DrillWatch(scene.database, Leads(), LINKS, scene.clock, hour=11)
    assert [each.run_once() for each in (follower, watch, watch, other)] == [0, 1, 0, 0]
    assert [(drill.version, drill.ordered_by) for drill in in_hand(scene)] == [(1, "safelight")]
    end(scene, DrillState.PASSED)
    assert watch.run_once() == 0
    scene.clock.advance(timedelta(days=1).total_seconds())
    assert watch.run_once() == 1


def test_a_night_that_nobody_looked_at_is_not_made_up_for_by_day(scene: Scene, watch: DrillWatch) -> None:
    scene.clock.advance(WITHIN.total_seconds())
    assert watch.run_once() == 0


def test_a_generator_that_cannot_be_looked_at_keeps_no_other_from_its_drill(
    scene: Scene, watch: DrillWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene.database.transaction() as session:
        versions.add_generator(session, "broken", "", scene.clock.now())
    read = chains.decisive

    def decisive(session: Session, generator: str) -> list[Entry]:
        if generator == "broken":
            raise LookupError("an entry of a kind that nobody knows")
        return read(session, generator)

    monkeypatch.setattr(chains, "decisive", decisive)
    assert watch.run_once() == 1
    assert [drill.generator for drill in in_hand(scene)] == [GENERATOR]


def test_a_drill_that_failed_is_one_incident_until_the_next_that_passes(scene: Scene, watch: DrillWatch) -> None:
    watch.run_once()
    end(scene, DrillState.FAILED)
    assert (watch.run_once(), watch.run_once()) == (1, 0)
    [incident] = opened(scene)
    assert incident.title == "Version 1 of studio: cannot be gone back to"
    assert incident.suspect_version is None
    asked(scene)
    end(scene, DrillState.FAILED)
    watch.run_once()
    assert [each.id for each in opened(scene)] == [incident.id]
    asked(scene)
    end(scene, DrillState.PASSED)
    watch.run_once()
    assert opened(scene) == []
    assert [event for event, _ in scene.told()] == ["incident.opened", "incident.resolved"]


def test_one_that_was_resolved_by_hand_stays_so_until_a_drill_fails_again(scene: Scene, watch: DrillWatch) -> None:
    watch.run_once()
    end(scene, DrillState.FAILED)
    watch.run_once()
    [incident] = opened(scene)
    with scene.database.transaction() as session:
        scene.handling.resolve(session, incident.id, "ann", "the disk was swapped", scene.clock.now())
    assert (watch.run_once(), opened(scene)) == (0, [])
    scene.clock.advance(timedelta(hours=2).total_seconds())
    asked(scene)
    end(scene, DrillState.FAILED)
    watch.run_once()
    assert len(opened(scene)) == 1


def test_one_that_found_no_room_in_time_was_not_run_which_is_nobodys_incident(scene: Scene, watch: DrillWatch) -> None:
    watch.run_once()
    scene.clock.advance(WITHIN.total_seconds())
    assert watch.run_once() == 1
    assert (in_hand(scene), opened(scene)) == ([], [])
    with scene.database.reading() as session:
        [drill] = drills.page(session, GENERATOR, None, 10)
        assert drills.unverified(session, GENERATOR) == frozenset()
    assert (drill.state, drill.reason) == (DrillState.NOT_RUN, DrillReason.INTERRUPTED)


def test_asking_twice_is_one_drill_and_what_cannot_be_drilled_is_refused(scene: Scene) -> None:
    assert asked(scene).id == asked(scene, 1).id
    assert asked(scene, 2).version == 2
    with pytest.raises(SafelightError, match="version"):
        asked(scene, 9)
