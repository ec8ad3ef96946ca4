"""Paired probes as a gate: made of both versions when one is promoted, and the promote waits for them."""

import pytest

from registry.gates.policy import parse_policy
from registry.gates.result import Gate, Outcome, Reason
from registry.progress import State
from safelight.releasing import gate_policies
from safelight.store import gates, probes, releases
from safelight.store.gates import StoredGate
from safelight.store.probes import KnownRun, Purpose, RunState
from safelight.store.releases import KnownRelease

from .conftest import GENERATOR, World  # noqa: TID252

HOUR = 3600.0
on_one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def gated(world: World) -> World:
    """Version 1 serves; whatever comes after it is probed beside it."""
    policy = parse_policy({"paired_probes": {"margins": {"alignment": 0.02, "broken_rate": 0.2}}})
    with world.database.transaction() as session:
        gate_policies.put(session, GENERATOR, policy, actor="ada", now=world.clock.now())
    return world


def promote(world: World, override: str | None = None) -> KnownRelease:
    with world.database.transaction() as session:
        release = world.releasing.promote(
            session,
            generator=GENERATOR,
            version=2,
            expected_serving=1,
            actor="ada",
            reason="",
            override=override,
        )
    return advance(world, release)


def advance(world: World, release: KnownRelease) -> KnownRelease:
    world.clock.advance(1)
    with world.database.transaction() as session:
        while world.releasing.advance(session, GENERATOR):
            pass
        return releases.require(session, release.id)


def judged(world: World, release: KnownRelease) -> KnownRelease:
    """Everything that is ordered is made and judged."""
    world.make()
    while world.judge.run_once():
        pass
    return advance(world, release)


def said(world: World, release: KnownRelease) -> StoredGate:
    with world.database.reading() as session:
        return next(each for each in gates.results(session, release.id) if each.gate is Gate.PAIRED_PROBES)


def gate_runs(world: World) -> list[KnownRun]:
    with world.database.reading() as session:
        return probes.page(session, GENERATOR, purpose=Purpose.GATE)


def test_a_harmless_version_waits_for_its_probes_and_then_serves(gated: World) -> None:
    release = promote(gated)
    assert release.state is State.VERIFYING
    assert said(gated, release).outcome is Outcome.PENDING
    new, beside = gate_runs(gated)
    assert (new.version, new.against, new.reference_id) == (2, 1, beside.id)
    assert (beside.version, len(beside.places), beside.places) == (1, 40, new.places)
    release = judged(gated, release)
    assert release.state is State.SERVING
    gate = said(gated, release)
    assert (gate.outcome, gate.reason) == (Outcome.PASSED, Reason.NOT_WORSE)
    assert gate.figures["compared"] == 40
    assert gate.figures["latency"]["n"] == 40


@on_one_database
def test_a_worse_version_is_refused_with_its_figures_and_cannot_try_again_until_it_is_lucky(gated: World) -> None:
    gated.painter.fidelity[2] = 0.7
    release = judged(gated, promote(gated))
    assert release.state is State.FAILED
    gate = said(gated, release)
    assert (gate.outcome, gate.reason) == (Outcome.FAILED, Reason.WORSE)
    assert gate.summary.startswith("It is worse beside version 1, over 40 pairs of 40: alignment -")
    again = promote(gated)
    assert (again.state, len(gate_runs(gated))) == (State.FAILED, 2)
    gated.clock.advance(24 * HOUR)
    assert promote(gated).state is State.VERIFYING


@on_one_database
def test_promoted_by_override_it_goes_through_with_what_is_known(gated: World) -> None:
    gated.painter.fidelity[2] = 0.7
    judged(gated, promote(gated))
    release = promote(gated, override="the old one is unlawful")
    assert release.state is State.SERVING
    assert (said(gated, release).outcome, said(gated, release).overridden) == (Outcome.FAILED, True)


@on_one_database
def test_an_override_waits_for_no_probes(gated: World) -> None:
    release = promote(gated, override="now")
    assert (release.state, gate_runs(gated)) == (State.SERVING, [])
    assert said(gated, release).overridden


@on_one_database
def test_slower_and_dearer_is_worse(gated: World) -> None:
    gated.painter.milliseconds[2] = 150.0
    release = judged(gated, promote(gated))
    assert release.state is State.FAILED
    assert "latency +0.5 (+0.5 to +0.5, 0.15 would not matter); cost +0.5" in said(gated, release).summary


@on_one_database
def test_probes_that_nobody_makes_fail_the_gate_after_an_hour_and_are_made_anew_when_asked_again(gated: World) -> None:
    release = promote(gated)
    gated.clock.advance(HOUR)
    while gated.judge.run_once():
        pass
    release = advance(gated, release)
    assert release.state is State.FAILED
    assert (said(gated, release).outcome, said(gated, release).reason) == (Outcome.MISSING, Reason.PROBES_NOT_MADE)
    assert promote(gated).state is State.VERIFYING
    assert len(gate_runs(gated)) == 4


def test_probes_are_called_off_with_the_release(gated: World) -> None:
    first = promote(gated)
    with gated.database.transaction() as session:
        gated.releasing.promote(
            session, generator=GENERATOR, version=2, expected_serving=1, actor="ada", reason="again"
        )
        assert releases.require(session, first.id).state is State.SUPERSEDED
    assert {run.state for run in gate_runs(gated)} == {RunState.CANCELLED}
