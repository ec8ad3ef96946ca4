"""What is said of an incident: a pure function of what is known of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from monitors.verdict import Health, Reason, Verdict
from registry.ledger import EntryKind
from registry.progress import State
from safelight.notifying.facts import Certainty, Suspect
from safelight.responding.announcement import WORST_IMAGES, Links, incident_facts
from safelight.store.incident_states import IncidentState
from safelight.store.incidents import KnownIncident, Resolution
from safelight.store.releases import KnownRelease
from safelight.store.verdicts import StoredVerdict

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LINKS = Links("https://safelight.example")
INCIDENT = KnownIncident(
    id=UUID(int=1),
    generator="studio",
    scope="default",
    dedup_key="studio:default:release-7",
    state=IncidentState.TRIGGERED,
    title="Version 3 of studio: alignment down",
    monitor="release_comparison",
    reason="alignment_down",
    verdict_id=5,
    suspect_version=3,
    suspect_release_id=UUID(int=2),
    suggested_target=2,
    repair_release_id=None,
    evidence={"worst_images": [{"id": str(UUID(int=number)), "prompt": "a secret"} for number in range(10, 22)]},
    opened_at=NOON,
    acknowledged_at=None,
    acknowledged_by=None,
    resolved_at=None,
    resolved_by=None,
    resolution=None,
)
VERDICT = StoredVerdict(
    id=5,
    generator="studio",
    monitor="release_comparison",
    critical=True,
    version=3,
    slot=NOON,
    verdict=Verdict(Health.DEGRADED, Reason.ALIGNMENT_DOWN, "worse", p_value=3e-9, threshold=1e-5, n=300),
)
RELEASE = KnownRelease(
    id=UUID(int=2),
    generator="studio",
    scope="default",
    kind=EntryKind.PROMOTE,
    from_version=2,
    to_version=3,
    state=State.SERVING,
    actor="ann",
    reason="better hands",
    incident_id=None,
    created_at=NOON - timedelta(hours=1),
    finished_at=None,
    ledger_seq=7,
)


def test_it_says_what_since_when_how_sure_the_suspect_the_worst_the_target_and_where_to_look() -> None:
    facts = incident_facts(INCIDENT, VERDICT, RELEASE, LINKS, "worse")
    assert (facts.title, facts.summary, facts.opened_at) == (INCIDENT.title, "worse", NOON)
    assert facts.certainty == Certainty(3e-9, 1e-5, 300)
    assert facts.suspect_release == Suspect(str(UUID(int=2)), 3, "promote", "ann", NOON - timedelta(hours=1))
    assert facts.suspect == "version 3 (promote by ann, 2026-11-23 11:00 UTC)"
    assert facts.worst_images == tuple(str(UUID(int=number)) for number in (10, 11, 12))
    assert len(facts.worst_images) == len(facts.thumbnails) == WORST_IMAGES
    assert facts.suggested_target == 2
    assert facts.incident == f"https://safelight.example/incidents/{INCIDENT.id}"
    assert facts.rollback == f"{facts.incident}?rollback=1"
    assert "a secret" not in str(facts.data())


def test_without_a_target_there_is_no_way_back_to_offer() -> None:
    assert incident_facts(replace(INCIDENT, suggested_target=None), VERDICT, RELEASE, LINKS, "").rollback is None


def test_what_no_monitor_opened_and_no_release_caused_is_told_all_the_same() -> None:
    bare = replace(INCIDENT, verdict_id=None, suspect_version=None, suspect_release_id=None, evidence={})
    facts = incident_facts(bare, None, None, LINKS, "engines crash")
    assert (facts.certainty, facts.suspect, facts.worst_images) == (None, None, ())


def test_an_end_is_told_with_its_time_and_how_it_came() -> None:
    resolved = replace(
        INCIDENT, state=IncidentState.RESOLVED, resolved_at=NOON + timedelta(hours=1), resolution=Resolution.ROLLED_BACK
    )
    facts = incident_facts(resolved, VERDICT, RELEASE, LINKS, "")
    assert (facts.state, facts.resolved_at, facts.resolution) == (
        "resolved",
        NOON + timedelta(hours=1),
        "rolled_back",
    )


@pytest.mark.parametrize(
    ("certainty", "said"),
    [
        (Certainty(3.2e-9, 1.1e-5, 300), "p = 3e-09, alarm below 1e-05, over 300 generations"),
        (Certainty(3.2e-9, None, 300), "p = 3e-09 over 300 generations"),
        (Certainty(None, None, 12), "over 12 generations"),
    ],
)
def test_how_sure_is_said_in_figures(certainty: Certainty, said: str) -> None:
    assert str(certainty) == said
