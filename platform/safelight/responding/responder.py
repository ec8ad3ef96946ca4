"""From verdicts to incidents: open one, follow it through its repair, close it when recovery is confirmed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from monitors.recovery import Recovery
from monitors.verdict import Health
from registry.ledger import Entry, EntryKind
from registry.progress import State
from safelight.responding.announcement import Links, announce
from safelight.responding.braking import suggested
from safelight.responding.causes import ACTOR, Cause, open_of_cause
from safelight.responding.deciding import Decider, compared_with, slice_of
from safelight.responding.policy import VERSION_FAULTS
from safelight.store import incidents, ledger, probes, releases
from safelight.store.database import Session
from safelight.store.incidents import KnownIncident, Resolution
from safelight.store.verdicts import StoredVerdict


class Evidence(Protocol):
    """Gathers what a person needs to see: the window, the worst images, the signals, a report."""

    def __call__(self, session: Session, generator: str, verdict: StoredVerdict, /) -> dict[str, Any]: ...


class RecoveryJudge(Protocol):
    """Says whether the monitors are content with what came after a repair."""

    def __call__(self, session: Session, generator: str, since: datetime, now: datetime, /) -> Recovery: ...


class Responder:
    """Answers the verdicts of one tick, in the transaction that stores them."""

    def __init__(self, decider: Decider, evidence: Evidence, judge: RecoveryJudge, links: Links) -> None:
        self._decider = decider
        self._evidence = evidence
        self._judge = judge
        self._links = links

    def respond(self, session: Session, generator: str, verdicts: Sequence[StoredVerdict], now: datetime) -> None:
        """Open or extend an incident for every degraded verdict of a critical monitor, then follow all open ones."""
        entry = ledger.newest_release(session, generator)
        if entry is None:
            return
        # What is worse than another version was speaks first: it alone can tell that going back helps.
        for verdict in sorted(verdicts, key=lambda each: compared_with(each) in (None, entry.to_version)):
            if verdict.critical and verdict.verdict.health is Health.DEGRADED:
                self._degraded(session, entry, verdict, now)
        for incident in incidents.open_incidents(session, generator):
            self._follow(session, incident, entry, now)

    def _degraded(self, session: Session, entry: Entry, verdict: StoredVerdict, now: datetime) -> None:
        # One incident per release: whatever fires while it serves is one thing to wake up for.
        key = f"{entry.generator}:{entry.scope}:release-{entry.seq}"
        incident = incidents.find_open(session, key)
        if incident is None:
            self._open(session, key, entry, verdict, now)
        else:
            self._join(session, incident, verdict, now)

    def _join(self, session: Session, incident: KnownIncident, verdict: StoredVerdict, now: datetime) -> None:
        """Another verdict of the same release. The policy is asked once of all the traffic, whoever speaks first."""
        said = [event.data for event in incidents.timeline(session, incident.id) if event.kind == "verdict"]
        asks = verdict.verdict.reason in VERSION_FAULTS
        if not any((each["monitor"], each.get("slice")) == (verdict.monitor, _slice(verdict)) for each in said):
            incidents.note(session, incident.id, "verdict", ACTOR, verdict.verdict.summary, now, **_said(verdict))
            if asks and not any(each.get("version_fault") and each.get("slice") is None for each in said):
                self._decider.ask(session, incident, verdict, now)
        elif asks:
            self._decider.ask_again(session, incident, verdict, now)

    def _open(self, session: Session, key: str, entry: Entry, verdict: StoredVerdict, now: datetime) -> None:
        suspect = releases.of_entry(session, entry.generator, entry.seq)
        cause = Cause(
            generator=entry.generator,
            key=key,
            title=_title(entry, verdict),
            monitor=verdict.monitor,
            reason=verdict.verdict.reason,
            event="verdict",
            summary=verdict.verdict.summary,
            data=_said(verdict),
            evidence=lambda: self._evidence(session, entry.generator, verdict),
            verdict_id=verdict.id,
            suspect_version=entry.to_version,
            suspect_release_id=suspect.id if suspect else None,
            suggested_target=suggested(session, entry.generator, now),
        )
        incident = open_of_cause(session, cause, self._links, now)
        if incident is not None:
            self._decider.ask(session, incident, verdict, now)

    def _follow(self, session: Session, incident: KnownIncident, entry: Entry, now: datetime) -> None:
        # One that suspects no version that serves is not ended by a release.
        if incident.suspect_version in (None, entry.to_version):
            return
        release = releases.of_entry(session, entry.generator, entry.seq)
        if release is None or release.state not in (State.SERVING, State.ACCEPTED):
            return
        if incident.repair_release_id != release.id:
            incidents.set_repair(session, incident.id, release.id)
            probes.cancel_of_incident(session, incident.id, f"version {entry.to_version} serves", now)
            message = f"Version {entry.to_version} serves since a {entry.kind} by {entry.actor}."
            incidents.note(session, incident.id, "repair", entry.actor, message, now, release_id=str(release.id))
        if self._judge(session, incident.generator, entry.at, now) is Recovery.RECOVERED:
            self._close(session, incident, entry, now)

    def _close(self, session: Session, incident: KnownIncident, entry: Entry, now: datetime) -> None:
        seconds = (now - entry.at).total_seconds()
        summary = (
            f"Recovery confirmed: the monitors are content with version {entry.to_version}, "
            f"{seconds:.0f} s after it took over."
        )
        resolution = Resolution.ROLLED_BACK if entry.kind is EntryKind.ROLLBACK else Resolution.REPLACED
        resolved = incidents.resolve(session, incident.id, ACTOR, resolution, now)
        incidents.note(session, incident.id, "recovered", ACTOR, summary, now)
        self._tell(session, resolved, "incident.resolved", summary, now)

    def _tell(self, session: Session, incident: KnownIncident, event: str, summary: str, now: datetime) -> None:
        announce(session, incident, self._links, event, summary, now)


def _said(verdict: StoredVerdict) -> dict[str, Any]:
    """What a line of the timeline keeps of a verdict, beside its words."""
    return {
        "monitor": verdict.monitor,
        "verdict_id": verdict.id,
        "slice": _slice(verdict),
        "version_fault": verdict.verdict.reason in VERSION_FAULTS,
    }


def _slice(verdict: StoredVerdict) -> str | None:
    part = slice_of(verdict)
    return f"{part.attribute}={part.value or 'other'}" if part else None


def _title(entry: Entry, verdict: StoredVerdict) -> str:
    part, what = slice_of(verdict), verdict.verdict.reason.replace("_", " ")
    if part is None:
        return f"Version {entry.to_version} of {entry.generator}: {what}"
    return f"{part.attribute.capitalize()} {part.value or 'other'} of {entry.generator}: {what}"
