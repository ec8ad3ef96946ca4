"""From an alarm to a decision: what is probed, what that says, and what is done about it."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest

from monitors.verdict import Health, Reason, Verdict
from registry.ledger import EntryKind, StaleServing
from safelight.ids import new_id
from safelight.responding.causes import ACTOR
from safelight.store import engines, incidents, ledger, notifications, releases
from safelight.store.database import Session
from safelight.store.engines import EngineState
from safelight.store.incidents import KnownIncident, PolicyMode
from safelight.store.probes import Purpose
from safelight.store.verdicts import NewVerdict

from .conftest import GENERATOR, Scene  # noqa: TID252


@pytest.fixture
def armed(scene: Scene) -> Scene:
    with scene.database.transaction() as session:
        incidents.set_policy(session, GENERATOR, PolicyMode.AUTO, "ann", scene.clock.now())
    scene.store_outputs(1)
    return scene


def alarm(scene: Scene, reason: Reason = Reason.ALIGNMENT_DOWN, **said: object) -> KnownIncident:
    return scene.tick(reason, **said)[0]  # type: ignore[arg-type]  # the tick's own names


def accept(scene: Scene) -> None:
    """The serving version has its own stored outputs, and counts as good."""
    with scene.database.transaction() as session:
        scene.releasing.accept(session, generator=GENERATOR, expected_serving=2, actor="ann", reason="")
    scene.store_outputs(2)


def test_an_armed_policy_wants_the_alarm_confirmed_first(armed: Scene) -> None:
    incident = alarm(armed)
    assert armed.serving() == 2
    assert armed.events(incident) == ["verdict", "probes"]
    assert [(run.purpose, run.version, run.against, len(run.places)) for run in armed.open_runs()] == [
        (Purpose.SUSPECT, 2, 1, 128),
        (Purpose.TARGET, 1, None, 128),
    ]


def test_a_confirmed_alarm_is_rolled_back_once_all_probes_have_come_back(armed: Scene) -> None:
    incident = alarm(armed)
    armed.answer(suspect=Health.DEGRADED, target=Health.HEALTHY)
    assert armed.serving() == 1
    assert armed.events(incident) == ["verdict", "probes", "findings", "policy"]
    assert armed.decisions(incident) == ["confirmed"]
    armed.tick(Reason.ALIGNMENT_DOWN)
    assert armed.decisions(incident) == ["confirmed"]


@pytest.mark.parametrize(
    ("healths", "why"),
    [
        ({"suspect": Health.DEGRADED, "target": Health.DEGRADED}, "environment"),
        ({}, "probes_inconclusive"),
    ],
)
def test_anything_but_a_clear_answer_is_held_and_people_are_told(
    armed: Scene, healths: dict[str, Health], why: str
) -> None:
    incident = alarm(armed)
    armed.answer(**healths)
    assert (armed.serving(), armed.decisions(incident)) == (2, [why])
    assert [event for event, _ in armed.told()] == ["incident.opened", "incident.held"]
    with armed.database.reading() as session:
        held = next(each for each in notifications.page(session) if each.event == "incident.held")
    assert held.payload["summary"].startswith("Nothing is rolled back")


def test_an_accepted_version_is_tried_afresh_before_it_is_given_up(armed: Scene) -> None:
    accept(armed)
    incident = alarm(armed, Reason.CONDITIONAL_DRIFT, monitor="conditional_drift")
    runs = armed.open_runs()
    assert [(run.purpose, run.against, run.fresh) for run in runs] == [
        (Purpose.SUSPECT, None, False),
        (Purpose.TARGET, None, False),
        (Purpose.RELOAD, None, True),
    ]
    armed.answer(suspect=Health.DEGRADED, target=Health.HEALTHY, reload=Health.HEALTHY)
    assert (armed.serving(), armed.decisions(incident)) == (2, ["reload_helps"])


def test_an_accepted_version_that_stays_bad_afresh_is_rolled_back(armed: Scene) -> None:
    accept(armed)
    alarm(armed, Reason.CONDITIONAL_DRIFT, monitor="conditional_drift")
    armed.answer(suspect=Health.DEGRADED, target=Health.HEALTHY, reload=Health.DEGRADED)
    assert armed.serving() == 1


def test_without_stored_outputs_both_versions_are_made_here_and_now(scene: Scene) -> None:
    with scene.database.transaction() as session:
        incidents.set_policy(session, GENERATOR, PolicyMode.AUTO, "ann", scene.clock.now())
    alarm(scene)
    assert [(run.purpose, run.version, len(run.places)) for run in scene.open_runs()] == [
        (Purpose.SUSPECT, 2, 128),
        (Purpose.BASELINE, 1, 128),
    ]
    scene.answer(suspect=Health.DEGRADED)
    assert scene.serving() == 1


def test_a_count_without_doubt_needs_no_confirmation_but_a_healthy_target(armed: Scene) -> None:
    incident = alarm(armed, Reason.TAIL_EXCESS, p_value=1e-12, threshold=1e-6, against=1)
    armed.answer(suspect=Health.HEALTHY, target=Health.HEALTHY)
    assert (armed.serving(), armed.decisions(incident)) == (1, ["extreme_count"])


def test_a_count_against_its_own_baseline_says_nothing_of_what_one_would_go_back_to(armed: Scene) -> None:
    incident = alarm(armed, Reason.TAIL_EXCESS, monitor="conditional_drift", p_value=1e-25, threshold=1e-6, against=2)
    armed.answer(suspect=Health.HEALTHY, target=Health.HEALTHY)
    assert (armed.serving(), armed.decisions(incident)) == (2, ["probes_healthy"])


def test_what_is_worse_than_the_version_before_has_the_ear_of_the_policy_first(armed: Scene) -> None:
    odd = Verdict(Health.DEGRADED, Reason.TAIL_EXCESS, "many images are odd", p_value=1e-25, threshold=1e-6)
    against = {"conditional_drift": 2, "release_comparison": 1}
    incident = armed.respond(
        *(NewVerdict(name, True, 2, replace(odd, evidence={"compared_with": each})) for name, each in against.items())
    )[0]
    assert incident.monitor == "release_comparison"
    armed.answer(suspect=Health.HEALTHY, target=Health.HEALTHY)
    assert (armed.serving(), armed.decisions(incident)) == (1, ["extreme_count"])


def test_a_replica_that_alone_is_bad_is_to_be_taken_out(armed: Scene) -> None:
    with armed.database.transaction() as session:
        [held] = [each for each in engines.engines(session, GENERATOR) if each.version == 2]
        engines.put(session, replace(held, id=new_id(), host="two"))
    incident = alarm(armed)
    for run in armed.open_runs():
        good = run.purpose is Purpose.TARGET or run.host == "one"
        armed.end(run, Health.HEALTHY if good else Health.DEGRADED)
    assert (armed.serving(), armed.decisions(incident)) == (2, ["one_replica"])
    with armed.database.reading() as session:
        said = incidents.timeline(session, incident.id)[-1].message
    assert said.startswith("Taking replica two out is recommended")


def test_a_verdict_about_one_place_leads_to_that_place_and_not_back(armed: Scene) -> None:
    part = {"attribute": "replica", "value": "r7", "name": "replica=r7"}
    incident = alarm(armed, part=part)
    assert incident.title == "Replica r7 of studio: alignment down"
    assert armed.decisions(incident) == ["one_place"]
    assert armed.open_runs() == []
    alarm(armed)
    assert [run.purpose for run in armed.open_runs()] == [Purpose.SUSPECT, Purpose.TARGET]


def test_where_nothing_of_ours_serves_it_is_said_that_nothing_can_be_probed(armed: Scene) -> None:
    with armed.database.transaction() as session:
        for engine in engines.engines(session, GENERATOR):
            engines.put(session, replace(engine, state=EngineState.STOPPED))
    incident = alarm(armed)
    assert (armed.serving(), armed.decisions(incident)) == (2, ["cannot_probe"])


def test_a_policy_that_recommends_does_so_at_once_and_adds_what_probes_say(scene: Scene) -> None:
    scene.store_outputs(1)
    incident = alarm(scene)
    assert scene.events(incident) == ["verdict", "policy", "probes"]
    scene.answer(suspect=Health.DEGRADED, target=Health.HEALTHY)
    assert scene.decisions(incident) == ["not_armed", "confirmed"]
    assert scene.serving() == 2
    assert [event for event, _ in scene.told()] == ["incident.opened"]


def test_a_policy_that_observes_orders_nothing(scene: Scene) -> None:
    with scene.database.transaction() as session:
        incidents.set_policy(session, GENERATOR, PolicyMode.OBSERVE, "ann", scene.clock.now())
    incident = alarm(scene)
    assert (scene.decisions(incident), scene.open_runs()) == (["observing"], [])


def test_an_armed_policy_leaves_a_service_fault_to_people_until_images_join_in(armed: Scene) -> None:
    incident = alarm(armed, Reason.LATENCY_UP, monitor="service_health")
    assert (armed.decisions(incident), armed.open_runs()) == (["not_the_version"], [])
    alarm(armed)
    armed.answer(suspect=Health.DEGRADED, target=Health.HEALTHY)
    assert armed.serving() == 1


def test_prompt_drift_informs_and_sets_nothing_in_motion(armed: Scene) -> None:
    assert armed.tick(Reason.PROMPT_DRIFT, monitor="prompt_drift", critical=False) == []
    incident = alarm(armed, Reason.PROMPT_DRIFT, monitor="prompt_drift")
    assert (armed.decisions(incident), armed.open_runs()) == (["not_the_version"], [])


def test_a_held_version_goes_on_being_watched(armed: Scene) -> None:
    incident = alarm(armed)
    armed.answer(suspect=Health.HEALTHY, target=Health.HEALTHY)
    alarm(armed)
    assert armed.open_runs() == []
    armed.clock.advance(timedelta(minutes=16).total_seconds())
    alarm(armed)
    armed.answer(suspect=Health.DEGRADED, target=Health.HEALTHY)
    assert (armed.serving(), armed.decisions(incident)) == (1, ["probes_healthy", "confirmed"])


def test_whoever_rolls_back_meanwhile_is_not_followed_by_a_second_rollback(armed: Scene) -> None:
    alarm(armed)
    runs = armed.open_runs()
    armed.rollback()
    for run in runs:
        armed.end(run, Health.DEGRADED if run.purpose is Purpose.SUSPECT else Health.HEALTHY)
    assert armed.serving() == 1
    with armed.database.reading() as session:
        assert [entry.to_version for entry in ledger.chain(session, GENERATOR)] == [1, 1, 2, 1]


@pytest.mark.parametrize("first", ["ann", ACTOR])
def test_an_operators_rollback_in_the_middle_of_an_automatic_one_makes_one_release(armed: Scene, first: str) -> None:
    alarm(armed)
    target, suspect = sorted(armed.open_runs(), key=lambda run: run.purpose is Purpose.SUSPECT)
    armed.end(target, Health.HEALTHY)

    def roll_back(session: Session, who: str) -> None:
        if who == ACTOR:
            armed.judge(session, suspect, Health.DEGRADED)
            return
        armed.releasing.rollback(
            session, generator=GENERATOR, to=None, expected_serving=2, actor=who, reason="it is bad"
        )

    def roll_back_too() -> None:
        with suppress(StaleServing), armed.database.transaction() as session:
            roll_back(session, "ann" if first == ACTOR else ACTOR)

    other = Thread(target=roll_back_too)
    with armed.database.transaction() as session:
        roll_back(session, first)
        other.start()
        other.join(0.2)
        assert other.is_alive()  # it waits for what becomes of the first
    other.join()
    with armed.database.reading() as session:
        chain = ledger.chain(session, GENERATOR)
        made = [each for each in releases.page(session, GENERATOR, None, 10) if each.kind is EntryKind.ROLLBACK]
    assert [(entry.to_version, entry.actor) for entry in chain[3:]] == [(1, first)]
    assert [each.actor for each in made] == [first]


def test_a_resolved_incident_needs_no_probes_any_more(armed: Scene) -> None:
    incident = alarm(armed)
    with armed.database.transaction() as session:
        armed.handling.resolve(session, incident.id, "ann", "a false alarm", armed.clock.now())
    assert armed.open_runs() == []
