"""Probes from their order to a verdict, on rows that a real database keeps."""

from datetime import timedelta

import pytest

from monitors.probes import Comparison, Repeatability
from monitors.verdict import Health, Reason, Verdict
from safelight.probing import requesting
from safelight.probing.judging import GIVEN_UP_AFTER
from safelight.probing.tolerance import device_of
from safelight.store import generations, monitors, probe_images, probe_sets, probes, versions
from safelight.store.database import Session
from safelight.store.monitors import StoredMonitor
from safelight.store.probes import NewRun, Purpose, RunState
from safelight.watching.monitors import Probe
from safelight.watching.probed import question
from safelight.watching.questions import Span
from safelight.watching.situation import situation

from .conftest import GENERATOR, NOON, World  # noqa: TID252

INTERVAL = 300.0


def verdict(world: World, alpha: float = 1e-6) -> Verdict | None:
    with world.database.reading() as session:
        now = situation(session, GENERATOR, world.painter.embedder.digest)
        assert now is not None
        end = world.clock.now() + timedelta(seconds=1)
        span = Span(end - timedelta(hours=1), end, timedelta(minutes=1))
        asked = question(session, Probe(), now, span)
        return asked.answer(span, alpha) if asked else None


def test_an_accepted_version_gets_stored_outputs_and_then_a_few_probes_at_a_time(world: World) -> None:
    [stored] = world.probe()
    assert (stored.purpose, stored.state, len(stored.places), stored.repeats) == (
        Purpose.BASELINE,
        RunState.JUDGED,
        40,
        24,
    )
    tolerance = Repeatability.from_dict(stored.result["repeatability"])
    assert (tolerance.exact, tolerance.n) == (True, 24)
    assert set(stored.result["brittleness"]) == {"paraphrase", "typo"}
    assert world.painter.deferred == {5.0}
    world.clock.advance(INTERVAL + 1)
    routine = world.probe()[0]
    assert (routine.purpose, len(routine.places), routine.reference_id) == (Purpose.ROUTINE, 16, stored.id)
    found = Comparison.from_dict(routine.result["comparison"])
    assert (found.n, found.changed) == (16, 0)
    said = verdict(world)
    assert said is not None
    assert said.health is Health.HEALTHY
    assert world.probe()[0].id == routine.id  # nothing more is due


def test_a_generator_whose_probes_cannot_be_decided_keeps_no_other_from_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = monitors.all_of

    def all_of(session: Session, generator: str) -> list[StoredMonitor]:
        if generator == "broken":
            raise LookupError("a monitor of a kind that nobody knows")
        return read(session, generator)

    with world.database.transaction() as session:
        versions.add_generator(session, "broken", "", world.clock.now())
    monkeypatch.setattr(monitors, "all_of", all_of)
    assert world.orderer.run_once() == 1
    assert [run.generator for run in world.runs(RunState.ORDERED)] == [GENERATOR]


def test_a_pixel_that_changes_is_found_by_the_next_handful_and_looked_at_closer(world: World) -> None:
    world.probe()
    world.clock.advance(INTERVAL + 1)
    world.painter.trembling = 2.0
    routine = world.probe()[0]
    said = verdict(world)
    assert said is not None
    assert (said.health, said.reason) == (Health.DEGRADED, Reason.PROBE_CHANGED)
    [closer] = world.runs(RunState.ORDERED)
    assert (closer.purpose, len(closer.places), closer.host) == (Purpose.ROUTINE, 24, routine.host)


def test_an_engine_that_never_repeats_itself_is_healthy_as_long_as_it_does_so_no_worse(world: World) -> None:
    world.painter.trembling = 3.0
    stored = world.probe()[0]
    assert not Repeatability.from_dict(stored.result["repeatability"]).exact
    world.clock.advance(INTERVAL + 1)
    world.probe()
    said = verdict(world)
    assert said is not None
    assert said.health is Health.HEALTHY


def test_a_worse_version_on_trial_is_found_by_probes_alone(world: World) -> None:
    world.probe()
    world.painter.fidelity[2] = 0.4
    world.release(2, accept=False)
    run = world.probe()[0]
    assert (run.version, run.against, len(run.places)) == (2, 1, 40)
    said = verdict(world)
    assert said is not None
    assert (said.health, said.reason) == (Health.DEGRADED, Reason.PROBE_WORSE)


def test_another_style_on_trial_is_no_fault(world: World) -> None:
    world.probe()
    world.release(2, accept=False)
    world.probe()
    said = verdict(world)
    assert said is not None
    assert said.health is Health.HEALTHY


def test_without_probes_nothing_is_known(world: World) -> None:
    assert verdict(world) is None
    world.orderer.run_once()
    said = verdict(world)
    assert said is not None
    assert (said.health, said.reason) == (Health.INCONCLUSIVE, Reason.PROBES_MISSING)


def test_a_lost_engine_ends_its_run_and_proves_nothing(world: World) -> None:
    world.probe()
    world.clock.advance(INTERVAL + 1)
    world.painter.lost = True
    routine = world.probe()[0]
    assert routine.state is RunState.JUDGED
    assert Comparison.from_dict(routine.result["comparison"]).missing == 16
    said = verdict(world)
    assert said is not None
    assert said.health is Health.INCONCLUSIVE


def test_what_no_engine_makes_in_time_has_failed_and_its_incident_is_told(world: World) -> None:
    with world.database.transaction() as session:
        chosen = probe_sets.require(session, GENERATOR, "synthetic")
        new = NewRun(
            generator=GENERATOR,
            version=2,
            set_id=chosen.id,
            purpose=Purpose.SUSPECT,
            places=(0, 1),
            expires_at=world.clock.now() + timedelta(minutes=1),
            ordered_by="test",
            host="elsewhere",
        )
        run = probes.order(session, new, world.clock.now())
        assert probes.to_be_held(session, "elsewhere") == [(GENERATOR, 2, False)]
    world.clock.advance(61)
    world.judge.run_once()
    with world.database.reading() as session:
        assert probes.get(session, run.id).state is RunState.FAILED
        assert probes.to_be_held(session, "elsewhere") == []


def test_a_run_that_cannot_be_judged_lets_the_others_by_and_has_failed_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.probe()
    with world.database.transaction() as session:
        generations.add_environments(session, {"sha256:odd": {}}, NOON)
    world.engine(1, "two", environment_digest="sha256:odd")

    def stumbling(session: Session, digest: str | None) -> str | None:
        if digest == "sha256:odd":
            raise KeyError("dtype")
        return device_of(session, digest)

    monkeypatch.setattr("safelight.probing.judging.device_of", stumbling)
    world.clock.advance(INTERVAL + 1)
    found = {run.host: run for run in world.probe()[:2]}
    assert (found["one"].state, found["two"].state) == (RunState.JUDGED, RunState.MADE)
    world.clock.advance(GIVEN_UP_AFTER.total_seconds() + 1)
    world.judge.run_once()
    with world.database.reading() as session:
        ended = probes.get(session, found["two"].id)
    assert (ended.state, "log" in ended.detail) == (RunState.FAILED, True)


def test_a_run_that_is_taken_over_makes_nothing_twice(world: World) -> None:
    world.orderer.run_once()
    [run] = world.runs(RunState.ORDERED)
    image = probe_images.ProbeImage(3, 0, run.id, "served", None)
    with world.database.transaction() as session:
        probes.claim(session, run.id, "another", world.clock.now() - timedelta(seconds=1), replica="one")
        probe_images.add(session, run.id, [image])
    world.make()
    assert world.painter.made == 40 + 24 - 1


def test_a_candidate_is_held_against_what_serves_before_it_is_promoted(world: World) -> None:
    world.painter.fidelity[2] = 0.4
    with world.database.transaction() as session:
        run = requesting.request(
            session,
            generator=GENERATOR,
            version=2,
            against=1,
            probe_set="synthetic",
            pairs=16,
            actor="ann",
            now=world.clock.now(),
        )
    world.make()
    world.judge.run_once()
    with world.database.reading() as session:
        judged = probes.get(session, run.id)
    assert Comparison.from_dict(judged.result["comparison"]).p_worse < 1e-3


def test_a_monitor_that_is_switched_off_orders_nothing(world: World) -> None:
    with world.database.transaction() as session:
        monitors.switch(session, GENERATOR, "probe", enabled=False)
    assert world.probe() == []


def test_routine_probes_of_what_serves_no_more_are_called_off(world: World) -> None:
    world.probe()
    world.clock.advance(INTERVAL + 1)
    world.orderer.run_once()
    [routine] = world.runs(RunState.ORDERED)
    world.release(2)
    world.orderer.run_once()
    with world.database.reading() as session:
        assert probes.get(session, routine.id).state is RunState.CANCELLED


def test_old_routine_probes_are_forgotten_and_stored_outputs_are_not(world: World) -> None:
    world.probe()
    world.clock.advance(INTERVAL + 1)
    routine, stored = world.probe()
    with world.database.transaction() as session:
        probes.forget_routine(session, world.clock.now() + timedelta(seconds=1))
        assert probe_images.places(session, routine.id) == set()
        assert [run.id for run in probes.page(session, GENERATOR)] == [stored.id]
