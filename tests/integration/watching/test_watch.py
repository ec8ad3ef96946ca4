"""The whole path: traffic is logged, scored, folded and judged; a change is found, and nothing is found before."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitors.recovery import Recovery
from monitors.verdict import Health, Reason
from registry.ledger import EntryKind
from safelight.store import incidents, monitors, verdicts
from safelight.store.incidents import KnownIncident, Resolution
from safelight.store.verdicts import StoredVerdict
from safelight.watching.reports import Reporter

WORDS = ("red", "blue", "green", "cat", "dog", "car", "house", "on", "grass", "snow", "two", "small")


def degraded(answers: dict[str, StoredVerdict]) -> set[str]:
    return {name for name, each in answers.items() if each.verdict.health is Health.DEGRADED}


def open_incident(world: Any, found: StoredVerdict) -> KnownIncident:
    with world.database.transaction() as session:
        return incidents.open_incident(
            session,
            generator="studio",
            dedup_key="one",
            title="",
            monitor=found.monitor,
            reason=found.verdict.reason,
            verdict_id=found.id,
            suspect_version=1,
            suspect_release_id=None,
            suggested_target=None,
            evidence=world.evidence(session, "studio", found),
            now=world.clock.now(),
        )


def test_a_change_of_the_serving_version_is_found_and_nothing_before_it(world: Any) -> None:
    for _ in range(8):
        answers = world.minute()
        assert degraded(answers) == set()
    assert answers["conditional_drift"].verdict.health is Health.HEALTHY
    assert answers["blank_rate"].verdict.health is Health.HEALTHY
    assert answers["service_health"].verdict.health is Health.HEALTHY
    assert "release_comparison" not in answers, "it replaced nothing"

    for _ in range(3):
        answers = world.minute(fidelity=0.6)
        if degraded(answers):
            break
    assert degraded(answers) == {"conditional_drift"}
    found = answers["conditional_drift"]
    assert (found.version, found.critical) == (1, True)
    assert found.verdict.evidence["compared_with"] == 1
    assert found.verdict.n >= 100
    assert found.verdict.window_seconds is not None


def test_a_change_that_moved_requests_may_make_is_held_and_one_for_the_worse_is_not(world: Any) -> None:
    for _ in range(2):
        assert degraded(world.minute()) == set()

    for _ in range(3):
        world.log(140)
        world.log(60, words=("neon", "sign", "cat"), fidelity=0.99)
        answers = world.tick()
        assert degraded(answers) == set()
    held = answers["conditional_drift"].verdict
    assert (held.health, held.reason) == (Health.INCONCLUSIVE, Reason.REQUESTS_MOVED)

    for _ in range(3):
        world.log(140, fidelity=0.6)
        world.log(60, words=("neon", "sign", "cat"), fidelity=0.99)
        answers = world.tick()
        if degraded(answers):
            break
    assert degraded(answers) == {"conditional_drift"}


def test_a_worse_release_is_found_by_what_it_replaced(world: Any) -> None:
    for _ in range(3):
        assert degraded(world.minute()) == set()
    world.release(EntryKind.PROMOTE, 2, 1)
    for _ in range(4):
        answers = world.minute(version=2, fidelity=0.6)
        if degraded(answers):
            break
    assert degraded(answers) == {"release_comparison"}
    found = answers["release_comparison"]
    assert (found.version, found.verdict.evidence["compared_with"]) == (2, 1)
    assert "conditional_drift" not in answers, "it has nothing of its own to compare with yet"


def test_an_equal_release_raises_nothing(world: Any) -> None:
    world.release(EntryKind.PROMOTE, 2, 1)
    for _ in range(6):
        answers = world.minute(version=2)
        assert degraded(answers) == set()
    assert answers["release_comparison"].verdict.health is Health.HEALTHY


def test_recovery_is_confirmed_on_windows_after_the_rollback(world: Any) -> None:
    world.release(EntryKind.PROMOTE, 2, 1)
    for _ in range(3):
        answers = world.minute(version=2, fidelity=0.5)
    assert "release_comparison" in degraded(answers)
    world.release(EntryKind.ROLLBACK, 1, 2)
    since = world.clock.now()
    states = []
    for _ in range(4):
        answers = world.minute(version=1)
        assert degraded(answers) == set(), "windows must not reach behind the rollback"
        with world.database.reading() as session:
            states.append(world.judge(session, "studio", since, world.clock.now()))
    assert states == [Recovery.WAITING, Recovery.WAITING, Recovery.RECOVERED, Recovery.RECOVERED]


def test_a_repair_that_does_not_help_is_no_recovery(world: Any) -> None:
    since = world.clock.now()
    for _ in range(3):
        world.minute(fidelity=0.5)
    with world.database.reading() as session:
        assert world.judge(session, "studio", since, world.clock.now()) is Recovery.RELAPSED


def test_windows_do_not_reach_behind_a_resolved_incident(world: Any) -> None:
    for _ in range(3):
        answers = world.minute(fidelity=0.5)
    assert degraded(answers)
    opened = open_incident(world, answers["conditional_drift"])
    with world.database.transaction() as session:
        incidents.resolve(session, opened.id, "anna", Resolution.BY_HAND, world.clock.now())
    for _ in range(3):
        assert degraded(world.minute()) == set()


def test_blank_images_and_failures_have_monitors_of_their_own(world: Any) -> None:
    for _ in range(2):
        answers = world.minute(blank=0.1, failed=100)
    assert answers["blank_rate"].verdict.reason is Reason.BLANK_RATE_UP
    assert answers["service_health"].verdict.reason is Reason.ERROR_RATE_UP


def test_scores_that_lag_behind_are_never_healthy(world: Any) -> None:
    for _ in range(3):
        answers = world.minute()
    assert answers["conditional_drift"].verdict.health is Health.HEALTHY
    world.log(50)
    for _ in range(7):
        answers = world.pass_by()
    assert answers["conditional_drift"].verdict.reason is Reason.SCORING_BEHIND
    assert answers["blank_rate"].verdict.health is Health.INCONCLUSIVE
    assert answers["service_health"].verdict.health is Health.HEALTHY


def test_no_traffic_is_no_health(world: Any) -> None:
    answers = world.pass_by()
    assert {each.verdict.health for each in answers.values()} == {Health.INCONCLUSIVE}


def test_a_monitor_that_fails_is_an_error_and_the_others_go_on(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world.minute()

    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(world.observer, "_blank_question", fail)
    answers = world.minute()
    assert answers["blank_rate"].verdict.health is Health.ERROR
    assert "secret" not in answers["blank_rate"].verdict.summary
    assert answers["conditional_drift"].verdict.health is Health.HEALTHY


def test_a_monitor_that_cannot_be_read_is_an_error_and_the_others_go_on(world: Any) -> None:
    with world.database.transaction() as session:
        known = monitors.get(session, "studio", "blank_rate")
        monitors.put(session, replace(known, document={"kind": "of another release"}))
    answers = world.minute()
    assert answers["blank_rate"].verdict.health is Health.ERROR
    assert answers["conditional_drift"].verdict.health is Health.HEALTHY


def test_a_disabled_monitor_is_silent(world: Any) -> None:
    with world.database.transaction() as session:
        monitors.switch(session, "studio", "blank_rate", enabled=False)
    assert "blank_rate" not in world.minute()


def test_a_monitor_that_is_not_asked_any_more_has_no_latest_answer(world: Any) -> None:
    world.release(EntryKind.PROMOTE, 2, 1)
    for _ in range(2):
        world.minute(version=2, fidelity=0.5)
    world.release(EntryKind.ROLLBACK, 1, 2)
    world.minute()
    with world.database.reading() as session:
        assert "release_comparison" not in [each.monitor for each in verdicts.latest(session, "studio")]
        assert verdicts.page(session, "studio", monitor="release_comparison")


def test_evidence_names_the_worst_images_and_how_the_signals_moved(world: Any) -> None:
    for _ in range(2):
        world.minute()
    for _ in range(2):
        answers = world.minute(fidelity=0.5, blank=0.02)
    found = answers["conditional_drift"]
    with world.database.reading() as session:
        evidence = world.evidence(session, "studio", found)
    assert evidence["baseline"]["name"] == "first"
    assert 0 < evidence["window"]["looked_at"] <= 1000
    assert len(evidence["worst_images"]) == 12
    assert evidence["worst_images"][0]["blank"]
    shares = [each["share"] for each in evidence["contributors"]]
    assert len(shares) == 12
    assert shares == sorted(shares, reverse=True)
    assert evidence["topics"][0]["words"]
    assert {word for topic in evidence["topics"] for word in topic["words"]} <= set(WORDS)
    assert evidence["unseen"]["n"] >= 0
    alignment = evidence["signals"]["alignment"]
    assert alignment["current"] < alignment["baseline"] - 0.1


def test_an_incident_gets_its_drift_report_once(world: Any) -> None:
    for _ in range(2):
        answers = world.minute(fidelity=0.5)
    opened = open_incident(world, answers["conditional_drift"])
    reporter = Reporter(world.database, world.clock, world.embedder.digest)
    assert [reporter.run_once() for _ in range(2)] == [1, 0]
    with world.database.reading() as session:
        evidence = incidents.require(session, opened.id).evidence
        timeline = incidents.timeline(session, opened.id)
    assert evidence["report"]["columns"]["alignment"]["outcome"] == "drift"
    assert len(evidence["worst_images"]) == 12, "what was there is kept"
    assert [event.kind for event in timeline] == ["report"]


def test_a_report_that_cannot_be_made_is_not_tried_for_ever(world: Any) -> None:
    for _ in range(2):
        answers = world.minute(fidelity=0.5)
    opened = open_incident(world, answers["conditional_drift"])
    with world.database.transaction() as session:
        incidents.add_evidence(session, opened.id, baseline={"id": "none"})
    reporter = Reporter(world.database, world.clock, world.embedder.digest)
    assert [reporter.run_once() for _ in range(2)] == [1, 0]
    with world.database.reading() as session:
        assert incidents.require(session, opened.id).evidence["report"] is None


def test_verdicts_can_be_read_back(world: Any) -> None:
    for _ in range(3):
        world.minute()
    with world.database.reading() as session:
        latest = verdicts.latest(session, "studio")
        newest = verdicts.page(session, "studio", monitor="conditional_drift", limit=2)
        older = verdicts.page(session, "studio", monitor="conditional_drift", before=newest[-1].id)
    asked = [
        "blank_rate",
        "conditional_drift",
        "cost",
        "device_memory",
        "good_images",
        "prompt_drift",
        "queue",
        "service_health",
    ]
    assert [each.monitor for each in latest] == asked
    assert newest[0] in latest
    assert [each.slot for each in [*newest, *older]] == [world.clock.now() - timedelta(minutes=i) for i in range(3)]
