"""Asking the policy about an incident, and doing what it says: order probes, recommend, hold, roll back."""

from datetime import datetime, timedelta
from uuid import UUID

from monitors.verdict import Reason
from registry.rules import ReleaseRefused, known_good
from safelight.releasing.service import Releasing
from safelight.responding.announcement import Links, announce
from safelight.responding.braking import brakes
from safelight.responding.causes import ACTOR
from safelight.responding.confirming import Ground, findings, ground, plan, told
from safelight.responding.policy import Action, Facts, Findings, Slice, Why, decide
from safelight.store import chains, incidents, ledger, probes, verdicts
from safelight.store.database import Session
from safelight.store.incident_states import IncidentState
from safelight.store.incidents import Event, KnownIncident, PolicyMode
from safelight.store.verdicts import StoredVerdict

ASKED_AGAIN_AFTER = timedelta(minutes=15)
"""A version that was held goes on being watched: while it stays degraded it is probed anew this often."""


class Decider:
    """Every method runs in the caller's transaction, with the generator's chain locked against other writers."""

    def __init__(self, releasing: Releasing, links: Links, pairs: int) -> None:
        """`pairs` is how many probes confirm an alarm."""
        self._releasing = releasing
        self._links = links
        self._pairs = pairs

    def ask(self, session: Session, incident: KnownIncident, verdict: StoredVerdict, now: datetime) -> None:
        """What the policy says to a degraded verdict; probes it wants are ordered, and nothing more is done yet."""
        found = self._ground(session, incident, now)
        facts = self._facts(session, incident, verdict, now, can_probe=found is not None)
        action, why = decide(facts)
        if action is not Action.PROBE:
            self._act(session, incident, action, why, facts, now)
        if found is not None and (action is Action.PROBE or why in (Why.NOT_ARMED, Why.STOPPED)):
            self._order(session, incident, verdict, found, now)

    def ask_again(self, session: Session, incident: KnownIncident, verdict: StoredVerdict, now: datetime) -> None:
        """Where an armed policy held although the version stays degraded: from time to time it is probed anew.

        Where a brake kept it from probing at all, it does so as soon as the brake is off.
        """
        if incidents.policy(session, incident.generator) is not PolicyMode.AUTO or incident.repair_release_id:
            return
        ordered = _last(incidents.timeline(session, incident.id), "probes")
        if ordered is None:
            found = self._ground(session, incident, now)
            facts = self._facts(session, incident, verdict, now, can_probe=found is not None)
            if decide(facts)[0] is Action.PROBE:
                self.ask(session, incident, verdict, now)
            return
        if now - ordered.at < ASKED_AGAIN_AFTER:
            return
        if not any(run.open for run in probes.of_incident(session, incident.id)):
            self.ask(session, incident, verdict, now)

    def probes_ended(self, session: Session, incident_id: UUID, now: datetime) -> None:
        """Told of each probe run of an incident that has ended; once all of a round have, the policy is asked."""
        incident = incidents.require(session, incident_id)
        timeline = incidents.timeline(session, incident_id)
        ordered, answered = _last(timeline, "probes"), _last(timeline, "findings")
        serving = ledger.newest_release(session, incident.generator)
        if (
            incident.state is IncidentState.RESOLVED
            or serving is None
            or serving.to_version != incident.suspect_version
            or ordered is None
            or (answered is not None and answered.seq > ordered.seq)
        ):
            return
        runs = [probes.get(session, UUID(each)) for each in ordered.data["runs"]]
        verdict = verdicts.get(session, ordered.data["verdict_id"])
        if verdict is None or any(run.open for run in runs):
            return
        said = findings(runs)
        incidents.note(
            session,
            incident_id,
            "findings",
            ACTOR,
            " ".join(told(run) for run in runs),
            now,
            suspects={name: health.value for name, health in said.suspects.items()},
            target=said.target.value,
            target_better=said.target_better,
            afresh_better=said.afresh_better,
            broken=said.broken,
            target_broken=said.target_broken,
            runs=ordered.data["runs"],
        )
        facts = self._facts(session, incident, verdict, now, findings=said)
        self._act(session, incident, *decide(facts), facts, now)

    def _ground(self, session: Session, incident: KnownIncident, now: datetime) -> Ground | None:
        accepted = incident.suspect_version in known_good(chains.decisive(session, incident.generator))
        return ground(session, incident, accepted, now)

    def _order(
        self, session: Session, incident: KnownIncident, verdict: StoredVerdict, found: Ground, now: datetime
    ) -> None:
        runs = [probes.order(session, new, now) for new in plan(incident, found, self._pairs, now, ACTOR)]
        pairs = min(self._pairs, len(found.chosen.plain))
        message = f"{pairs} probes of version {incident.suspect_version} and some of what to go back to are being made."
        data = {"runs": [str(run.id) for run in runs], "verdict_id": verdict.id}
        incidents.note(session, incident.id, "probes", ACTOR, message, now, **data)

    def _facts(
        self,
        session: Session,
        incident: KnownIncident,
        verdict: StoredVerdict,
        now: datetime,
        *,
        can_probe: bool = True,
        findings: Findings | None = None,
    ) -> Facts:
        return Facts(
            mode=incidents.policy(session, incident.generator),
            reason=verdict.verdict.reason,
            target=incident.suggested_target,
            now=now,
            brakes=brakes(session, incident.generator, incident.suggested_target, now),
            p_value=verdict.verdict.p_value,
            threshold=verdict.verdict.threshold,
            compared_with=compared_with(verdict),
            slice=slice_of(verdict),
            can_probe=can_probe,
            findings=findings,
        )

    def _act(
        self, session: Session, incident: KnownIncident, action: Action, why: Why, facts: Facts, now: datetime
    ) -> None:
        if action is Action.ROLL_BACK:
            self._roll_back(session, incident, why, facts.reason, now)
            return
        message = _said(incident, action, why, facts)
        incidents.note(session, incident.id, "policy", ACTOR, message, now, action=action.value, why=why.name.lower())
        if facts.mode is PolicyMode.AUTO and (facts.findings is not None or action is Action.HOLD):
            self._tell_held(session, incident, message, now)

    def _tell_held(self, session: Session, incident: KnownIncident, message: str, now: datetime) -> None:
        """Whoever armed the policy counts on it: that it leaves this to people has to be told."""
        announce(session, incident, self._links, "incident.held", message, now)

    def _roll_back(self, session: Session, incident: KnownIncident, why: Why, reason: Reason, now: datetime) -> None:
        try:
            release = self._releasing.rollback(
                session,
                generator=incident.generator,
                to=incident.suggested_target,
                expected_serving=incident.suspect_version,
                actor=ACTOR,
                reason=f"incident {incident.id}: {reason}",
                incident_id=incident.id,
            )
        except ReleaseRefused as refusal:
            message = f"The rollback was refused: {refusal.message}"
            incidents.note(session, incident.id, "policy", ACTOR, message, now, action=Action.HOLD.value, why="refused")
            self._tell_held(session, incident, message, now)
            return
        message = f"Rolling back to version {incident.suggested_target}: {why}."
        data = {"release_id": str(release.id), "action": Action.ROLL_BACK.value, "why": why.name.lower()}
        incidents.note(session, incident.id, "policy", ACTOR, message, now, **data)


def slice_of(verdict: StoredVerdict) -> Slice | None:
    """The one part of the traffic that a verdict is about; None where it is about all of it."""
    found = verdict.verdict.evidence.get("slice")
    if not isinstance(found, dict):
        return None
    value = found.get("value")
    return Slice(str(found.get("attribute")), None if value is None else str(value))


def compared_with(verdict: StoredVerdict) -> int | None:
    """The version whose baseline a verdict holds images against; None where it is held against none."""
    found = verdict.verdict.evidence.get("compared_with")
    return found if isinstance(found, int) else None


def _said(incident: KnownIncident, action: Action, why: Why, facts: Facts) -> str:
    match action:
        case Action.NOTHING:
            return f"Nothing is done: {why}."
        case Action.TAKE_OUT:
            return f"Taking {_place(facts)} out is recommended, not rolling back: {why}."
        case Action.HOLD:
            return f"Nothing is rolled back, a person has to look: {why}."
        case _:
            return f"Rolling back to version {incident.suggested_target} is recommended: {why}."


def _place(facts: Facts) -> str:
    if facts.findings is not None:
        return f"replica {', '.join(facts.findings.bad)}"
    if facts.slice is None or facts.slice.value is None:
        return "the odd part of the traffic"
    return f"{facts.slice.attribute} {facts.slice.value}"


def _last(timeline: list[Event], kind: str) -> Event | None:
    return next((event for event in reversed(timeline) if event.kind == kind), None)
