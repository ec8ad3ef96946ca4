"""What an armed policy would have done with what was seen, moment by moment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from monitors.verdict import Health, Reason
from registry.ledger import Draft, Entry, EntryKind, append
from registry.rules import serving
from safelight.responding.policy import COOLDOWN, Action, Findings
from safelight.responding.rehearsing import Case, Step, rehearse

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CONFIRMED = Findings({"one": Health.DEGRADED}, Health.HEALTHY, target_better=True)
ASKED = Case(
    at=NOON,
    incident_id=UUID(int=1),
    title="Version 2 of studio: alignment down",
    suspect=2,
    seq=3,
    target=1,
    reason=Reason.ALIGNMENT_DOWN,
    p_value=None,
    threshold=None,
    compared_with=None,
    slice=None,
    can_probe=True,
    findings=None,
    probed=True,
    stopped=False,
    unverified=(),
)
ANSWERED = replace(ASKED, at=NOON + timedelta(minutes=2), findings=CONFIRMED)


def chain() -> list[Entry]:
    entries: list[Entry] = []
    for kind, to in ((EntryKind.PROMOTE, 1), (EntryKind.ACCEPT, 1), (EntryKind.PROMOTE, 2)):
        draft = Draft(
            generator="studio",
            scope="default",
            kind=kind,
            from_version=serving(entries),
            to_version=to,
            to_digest=digest(to),
            actor="ann",
            reason="",
        )
        entries.append(append(entries[-1] if entries else None, draft, NOON - timedelta(days=1)))
    return entries


def before(moment: datetime) -> list[Entry]:
    return [entry for entry in chain() if entry.at < moment]


def digest(version: int) -> str:
    return f"sha256:{version}"


def run(*cases: Case, most: int = 1) -> list[Step]:
    return rehearse(cases, before, digest, most)


def test_what_probes_confirmed_would_have_been_rolled_back() -> None:
    steps = run(ANSWERED, ASKED)
    assert [(step.action, step.why, step.known) for step in steps] == [
        (Action.PROBE, "unconfirmed", True),
        (Action.ROLL_BACK, "confirmed", True),
    ]
    assert steps[-1].message.startswith("It would have rolled back to version 1")


def test_where_no_probe_was_made_nobody_knows_what_would_have_followed() -> None:
    [step] = run(replace(ASKED, probed=False))
    assert (step.action, step.known) == (Action.PROBE, False)
    assert "not known" in step.message


def test_after_a_rollback_that_was_not_made_the_same_release_has_nothing_more_to_say() -> None:
    later = replace(ANSWERED, at=NOON + timedelta(hours=5), incident_id=UUID(int=2))
    assert [step.why for step in run(ANSWERED, later)] == ["confirmed", "rolled_back_before"]


def test_the_brakes_hold_as_they_would_have_held() -> None:
    other = replace(ANSWERED, at=NOON + timedelta(minutes=30), seq=5, incident_id=UUID(int=2))
    assert [step.why for step in run(ANSWERED, other)] == ["confirmed", "cooling_down"]
    assert [step.why for step in run(ANSWERED, other, most=2)] == ["confirmed", "confirmed"]
    assert [step.why for step in run(replace(ANSWERED, stopped=True))] == ["stopped"]
    assert [step.why for step in run(replace(ANSWERED, unverified={1}))] == ["unverified"]
    assert [step.why for step in rehearse([ANSWERED], before, lambda _: "sha256:other", 1)] == ["changed"]


def test_a_fault_of_the_environment_would_have_paged_and_not_flipped() -> None:
    environment = replace(ANSWERED, findings=replace(CONFIRMED, target=Health.DEGRADED))
    [step] = run(environment)
    assert (step.action, step.why) == (Action.HOLD, "environment")


cases = st.builds(
    replace,
    st.just(ANSWERED),
    at=st.timedeltas(timedelta(0), timedelta(days=3)).map(lambda later: NOON + later),
    seq=st.integers(3, 9),
    findings=st.none() | st.just(CONFIRMED) | st.just(replace(CONFIRMED, target=Health.DEGRADED)),
    stopped=st.booleans(),
)


@given(st.lists(cases, max_size=12), st.integers(1, 3))
def test_no_hour_sees_more_rollbacks_than_allowed_and_no_release_two(many: list[Case], most: int) -> None:
    steps = rehearse(many, before, digest, most)
    assert len(steps) == len(many)
    made = [step.at for step in steps if step.action is Action.ROLL_BACK]
    for at in made:
        assert sum(at - COOLDOWN < other <= at for other in made) <= most
    assert len(made) <= len({case.seq for case in many})
