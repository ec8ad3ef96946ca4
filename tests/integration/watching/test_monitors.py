"""Monitors as people keep them: applied as a whole or not at all, asked at once, and tried on the past."""

from datetime import timedelta
from typing import Any

import pytest

from monitors.verdict import Health, Reason
from registry.ledger import EntryKind
from safelight.errors import SafelightError
from safelight.store import access, incidents, monitors, verdicts
from safelight.watching import monitor_files
from safelight.watching.applying import Change, Definition, apply, remove
from safelight.watching.budgeting import total
from safelight.watching.dry_run import MOST_TICKS, DryRun, Rehearsal
from safelight.watching.inquiry import Inquiry
from safelight.watching.monitors import BlankRate, ConditionalDrift, Document, ServiceHealth

FILE = """
[[monitor]]
generator = "studio"
name = "blank_rate"
kind = "blank_rate"
tolerance = 0.01

[[monitor]]
generator = "studio"
name = "quick-drift"
kind = "conditional_drift"
longest_seconds = 600
share = 0.5
enabled = false
"""


def applied(world: Any, text: str) -> list[Change]:
    with world.database.transaction() as session:
        found = apply(session, monitor_files.read(text), "anna", world.clock.now())
    return [each.change for each in found]


def test_a_file_is_applied_once(world: Any) -> None:
    assert applied(world, FILE) == [Change.REPLACED, Change.CREATED]
    with world.database.reading() as session:
        before = access.audit_page(session, None, 50)
        known = {each.name: each for each in monitors.all_of(session, "studio")}
    assert (known["quick-drift"].enabled, known["quick-drift"].document["share"]) == (False, 0.5)
    assert known["blank_rate"].document["tolerance"] == 0.01
    assert known["service_health"].enabled, "what is not named stays as it is"
    assert {(each.actor, each.action) for each in before} == {
        ("anna", "monitor.created"),
        ("anna", "monitor.replaced"),
    }
    assert applied(world, FILE) == [Change.UNCHANGED, Change.UNCHANGED]
    with world.database.reading() as session:
        assert len(access.audit_page(session, None, 50)) == len(before)
        written = monitor_files.write(
            Definition("studio", each.name, each.document, each.enabled) for each in monitors.all_of(session, "studio")
        )
    assert set(applied(world, written)) == {Change.UNCHANGED}


def test_every_fault_is_named_and_nothing_is_changed(world: Any) -> None:
    bad = """
[[monitor]]
generator = "studio"
name = "fine"
kind = "blank_rate"

[[monitor]]
generator = "nobody"
name = "Not A Name"
kind = "blank_rate"
tolerence = 1

[[monitor]]
generator = "studio"
name = "blank_rate"
kind = "service_health"
max_error_rate = 7

[[monitor]]
generator = "studio"
name = "service_health"
kind = "blank_rate"

[[monitor]]
generator = "studio"
name = "fine"
kind = "astrology"
"""
    with pytest.raises(SafelightError) as refusal:
        applied(world, bad)
    assert refusal.value.code == "monitors_invalid"
    named: Any = refusal.value.details["errors"]
    assert [(each["monitor"], each["field"]) for each in named] == [
        ("studio fine", "name"),
        ("nobody Not A Name", "generator"),
        ("nobody Not A Name", "name"),
        ("nobody Not A Name", "tolerence"),
        ("studio blank_rate", "max_error_rate"),
        ("studio service_health", "kind"),
        ("studio fine", "name"),
        ("studio fine", "kind"),
    ]
    with world.database.reading() as session:
        assert monitors.find(session, "studio", "fine") is None
        assert access.audit_page(session, None, 50) == []


def test_a_default_monitor_stays_and_another_can_go(world: Any) -> None:
    applied(world, FILE)
    now = world.clock.now()
    with world.database.transaction() as session:
        remove(session, "studio", "quick-drift", "anna", now)
    for name, code in [("quick-drift", "monitor_not_found"), ("blank_rate", "monitor_is_default")]:
        with pytest.raises(SafelightError) as refusal, world.database.transaction() as session:
            remove(session, "studio", name, "anna", now)
        assert refusal.value.code == code


def inquiry(world: Any, session: Any) -> Inquiry:
    return Inquiry.into(session, "studio", world.settings, world.lenses)


def test_a_monitor_answers_at_once_and_nothing_comes_of_it(world: Any) -> None:
    world.log(150, blank=0.5)
    while world.scorer.run_once():
        pass
    world.clock.advance(60)
    with world.database.transaction() as session:
        answer = inquiry(world, session).run(session, "blank_rate", world.clock.now())
        assert answer.verdict.reason is Reason.BLANK_RATE_UP
        assert answer.version == 1
        assert verdicts.page(session, "studio") == []
        assert incidents.open_incidents(session, "studio") == []


def test_a_monitor_shows_its_budget_and_what_it_raised(world: Any) -> None:
    world.minute()
    with world.database.transaction() as session:
        found = verdicts.latest(session, "studio")[0]
        opened = incidents.open_incident(
            session,
            generator="studio",
            dedup_key="one",
            title="",
            monitor="blank_rate",
            reason="blank_rate_up",
            verdict_id=found.id,
            suspect_version=1,
            suspect_release_id=None,
            suggested_target=None,
            evidence={},
            now=world.clock.now(),
        )
        for monitor in ("blank_rate", "conditional_drift"):
            incidents.note(session, opened.id, "verdict", "safelight", "", world.clock.now(), monitor=monitor)
    with world.database.reading() as session:
        accounts = inquiry(world, session).accounts(session, world.clock.now())
        later = inquiry(world, session).accounts(session, world.clock.now() + timedelta(days=31))
    assert "release_comparison" not in accounts, "it has no question"
    allowed = total(each.spending for each in accounts.values())
    assert allowed == pytest.approx(world.settings.false_alarms_per_month)
    raised = {name for name, each in accounts.items() if each.raised.alarms == 1}
    assert raised == {"blank_rate", "conditional_drift"}
    assert not any(each.raised.alarms for each in later.values())


def tried(world: Any, document: Document, name: str = "", minutes: int = 20, step: int = 1) -> DryRun:
    end = world.clock.now()
    with world.database.reading() as session:
        rehearsal = Rehearsal(inquiry(world, session), world.settings, name, document, end - timedelta(days=31))
        return rehearsal.run(session, end - timedelta(minutes=minutes), end, step)


def test_the_past_gives_the_answers_that_were_given_then(world: Any) -> None:
    given = [world.minute(120) for _ in range(2)] + [world.minute(120, fidelity=0.5) for _ in range(3)]
    world.clock.advance(1)
    world.release(EntryKind.PROMOTE, 2, 1)
    given += [world.minute(120, version=2) for _ in range(2)]
    documents: list[Document] = [ConditionalDrift(), BlankRate()]
    for document in documents:
        name = document.kind
        found = tried(world, document, name, minutes=7)
        answers = [each[name].verdict for each in given if name in each]
        assert found.ticks == 7
        assert found.silent == 7 - len(answers)
        assert dict(found.healths) == {
            health: sum(each.health is health for each in answers) for health in {each.health for each in answers}
        }
        first = next((each for each in answers if each.health is Health.DEGRADED), None)
        assert [alarm.verdict for alarm in found.alarms] == ([first] if first else [])
        assert (found.alarms != []) == (name == "conditional_drift")


def test_false_alarms_are_to_be_expected_in_proportion(world: Any) -> None:
    world.minute(100)
    everything = tried(world, ServiceHealth(), "service_health")
    with world.database.reading() as session:
        allowed = inquiry(world, session).accounts(session, world.clock.now())["service_health"].spending
    per_tick = allowed.expected_false_alarms / (30 * 24 * 60)
    asked = everything.ticks - everything.silent
    assert asked > 0
    assert everything.expected_false_alarms == pytest.approx(asked * per_tick, rel=1e-6)
    assert tried(world, ServiceHealth(), "service_health", step=2).ticks == 10


def test_too_much_past_is_refused_with_a_way_out(world: Any) -> None:
    with pytest.raises(SafelightError, match="a step of 3") as refusal:
        tried(world, BlankRate(), minutes=MOST_TICKS * 3)
    assert refusal.value.code == "too_many_ticks"
    assert tried(world, BlankRate(), minutes=MOST_TICKS * 3, step=3).ticks == MOST_TICKS


def test_a_past_whose_sketches_are_gone_is_refused_where_they_are_asked_for(world: Any) -> None:
    longest = timedelta(days=31) - ConditionalDrift().longest
    minutes = int(longest.total_seconds() / 60)
    assert tried(world, ConditionalDrift(), minutes=minutes, step=60).ticks == minutes // 60
    with pytest.raises(
        SafelightError, match="with windows of 6 hours can be tried from 2026-10-23 18:00 UTC"
    ) as refusal:
        tried(world, ConditionalDrift(), minutes=minutes + 1, step=60)
    assert refusal.value.code == "past_not_kept"
    assert tried(world, BlankRate(), minutes=minutes + 1, step=60).ticks == minutes // 60 + 1, "it asks counts"
