"""One bad replica among many: found, named, and told from a bad version."""

from typing import Any
from uuid import UUID

import pytest

from monitors.verdict import Health, Reason
from safelight.store import standings
from safelight.store.standings import Standing
from safelight.store.verdicts import StoredVerdict

REPLICAS = [f"r{i}" for i in range(8)]


def minute(world: Any, bad: tuple[str, ...] = (), each: int = 40, fidelity: float = 0.5) -> StoredVerdict:
    """A minute of traffic spread over the replicas, of which some are bad; what the lens says of it."""
    for replica in REPLICAS:
        world.log(each, replica=replica, fidelity=fidelity if replica in bad else 0.9)
    found: StoredVerdict = world.tick()["conditional_drift"]
    return found


def stood(world: Any) -> dict[str, Standing]:
    with world.database.reading() as session:
        found = standings.of_generator(session, "studio")
    return {each.slice: each for each in found if each.monitor == "conditional_drift"}


def until_degraded(world: Any, bad: tuple[str, ...], minutes: int = 8) -> StoredVerdict:
    for _ in range(minutes):
        found = minute(world, bad)
        if found.verdict.health is Health.DEGRADED:
            return found
    pytest.fail("nothing was found")


def test_healthy_replicas_raise_nothing_and_are_each_looked_at(world: Any) -> None:
    for _ in range(4):
        found = minute(world)
        assert found.verdict.health is not Health.DEGRADED
    assert found.verdict.health is Health.HEALTHY
    evidence: Any = found.verdict.evidence
    assert evidence["slices"]["healthy"] == 8
    assert set(stood(world)) == {"all"} | {f"replica={each}" for each in REPLICAS}
    smallest = {name: each.detectable_effect for name, each in stood(world).items()}
    least, most = smallest["replica=r0"], smallest["all"]
    assert None not in smallest.values()
    assert least is not None
    assert most is not None
    assert least > most, "less is seen in less traffic"


def test_one_bad_replica_of_eight_is_named_and_the_others_are_cleared(world: Any) -> None:
    for _ in range(2):
        minute(world)
    found = until_degraded(world, ("r7",)).verdict
    blame: Any = found.evidence["slice"]
    assert (blame["attribute"], blame["value"], blame["name"], blame["others"]) == ("replica", "r7", "replica=r7", 7)
    assert found.summary.startswith("Replica r7 only: ")
    assert found.reason in (Reason.CONDITIONAL_DRIFT, Reason.TAIL_EXCESS)
    for _ in range(3):
        found = minute(world, ("r7",)).verdict
    blame = found.evidence["slice"]
    assert blame["others_healthy"] == 7
    assert "7 of 7 others are healthy" in found.summary
    assert {name for name, each in stood(world).items() if each.health is Health.DEGRADED} >= {"replica=r7"}


def test_the_evidence_against_a_replica_is_its_own(world: Any) -> None:
    theirs = set()
    for _ in range(4):
        theirs |= set(world.log(40, replica="r1", fidelity=0.5))
        world.log(280, replica="r2")
        found = world.tick()["conditional_drift"]
    assert found.verdict.evidence["slice"]["value"] == "r1"
    with world.database.reading() as session:
        evidence = world.evidence(session, "studio", found)
    assert evidence["slice"]["others"] == 1
    shown = {UUID(each["id"]) for each in [*evidence["worst_images"], *evidence["contributors"]]}
    assert len(shown) > 12
    assert shown <= theirs
    assert evidence["window"]["looked_at"] <= len(theirs)


def test_a_change_of_all_replicas_is_nobodys_alone(world: Any) -> None:
    for _ in range(2):
        minute(world)
    found = until_degraded(world, tuple(REPLICAS)).verdict
    assert "slice" not in found.evidence
    for _ in range(3):
        assert "slice" not in minute(world, tuple(REPLICAS)).verdict.evidence


def test_a_single_replica_is_the_whole_and_costs_nothing(world: Any) -> None:
    for _ in range(3):
        world.log(200, replica="only")
        found = world.tick()["conditional_drift"].verdict
    assert found.health is Health.HEALTHY
    assert "slices" not in found.evidence
    assert stood(world).keys() == {"all"}


def test_slices_that_are_not_asked_any_more_do_not_stand(world: Any) -> None:
    for _ in range(4):
        minute(world)
    assert stood(world)
    world.clock.advance(7 * 3600)
    world.tick()
    assert "replica=r0" not in stood(world)
