"""Edits made in the version registry behind our back: told as one incident of a generator, closed when none stands."""

from datetime import datetime

from registry.reconciling import HELD, Change, Outcome, Remedy
from registry.rules import last_known_good
from safelight.clock import Clock
from safelight.leadership import Leadership
from safelight.responding.announcement import Links, announce
from safelight.responding.causes import ACTOR, Cause, end_of_cause, open_of_cause
from safelight.store import chains, guard, incidents, ledger, reconciling, releases, versions
from safelight.store.database import Database, Session
from safelight.store.incidents import KnownIncident
from safelight.store.reconciling import Finding

MONITOR = "registry"
_AT_ONCE = 100

_DONE = {
    Remedy.PUT_BACK: "It is put back.",
    Remedy.ADOPT: "It is taken for the wish to release that version, which is checked like any other.",
    Remedy.WITHDRAW: "Nothing rests on that version; it is no longer offered for a release.",
    Remedy.PAGE: "It cannot be put back, and it serves or is what one would go back to. What is loaded goes on "
    "serving, but cannot be loaded again: promote another version, or register the checkpoint anew.",
}
_ENDED = {
    Outcome.PUT_BACK: "put back",
    Outcome.ADOPTED: "released",
    Outcome.WITHDRAWN: "no longer offered",
    Outcome.RETURNED: "there again",
    Outcome.REPLACED: "edited again",
}


class RegistryEdits:
    """Tells of each finding of the reconciler once, whether it still stands or was put back before anybody looked."""

    def __init__(self, database: Database, leadership: Leadership, links: Links, clock: Clock) -> None:
        self._database = database
        self._leadership = leadership
        self._links = links
        self._clock = clock

    def run_once(self) -> int:
        """Returns how many findings were told of, and incidents closed."""
        if not self._leadership.held():
            return 0
        now = self._clock.now()
        with self._database.transaction() as session:
            untold = reconciling.untold(session, _AT_ONCE)
            for finding in untold:
                self._tell(session, finding, now)
            over = [
                incident
                for incident in incidents.open_of_monitor(session, MONITOR)
                if not any(
                    each.incident_id == incident.id for each in reconciling.standing(session, incident.generator)
                )
            ]
            for incident in over:
                self._close(session, incident, now)
        return len(untold) + len(over)

    def _tell(self, session: Session, finding: Finding, now: datetime) -> None:
        cause = self._cause(session, finding)
        incident = incidents.find_open(session, cause.key)
        if incident is None:
            incident = open_of_cause(session, cause, self._links, now)
        else:
            incidents.note(session, incident.id, cause.event, ACTOR, cause.summary, now, **cause.data)
            if finding.remedy is Remedy.PAGE:
                announce(session, incident, self._links, "incident.held", cause.summary, now)
        if incident is not None:
            reconciling.tell(session, finding.id, incident.id)

    def _cause(self, session: Session, finding: Finding) -> Cause:
        generator, edit = finding.generator, finding.edit
        entry = ledger.newest_release(session, generator)
        lost = edit.change is Change.VERSION_DELETED and entry is not None and entry.to_version == edit.version
        suspect = releases.of_entry(session, generator, entry.seq) if lost and entry is not None else None
        chain = chains.decisive(session, generator)
        gone = {each.to_version for each in chain} - versions.numbers(session, generator)
        said, stop = _sentence(finding.detail), guard.stopped(session)
        # One that was refused its release says itself what is done.
        done = _DONE[finding.remedy] if finding.detail == str(edit) else ""
        if stop is not None and finding.remedy in HELD and finding.outcome is None:
            done = f"It stays so while the stop switch is on, which {stop.stopped_by} has turned."
        return Cause(
            generator=generator,
            key=f"{generator}:{ledger.DEFAULT_SCOPE}:registry",
            title=f"The registry of {generator} was edited outside Safelight: {edit}",
            monitor=MONITOR,
            reason=f"registry_{edit.change}",
            event="registry",
            summary=f"{said} {done}".rstrip(),
            data={"finding": str(finding.id)},
            evidence=lambda: {"change": edit.change, "version": edit.version, "found": edit.found},
            # Only from what serves can one go back.
            suspect_version=edit.version if lost else None,
            suspect_release_id=suspect.id if suspect else None,
            suggested_target=last_known_good(chain, excluding=gone) if lost else None,
        )

    def _close(self, session: Session, incident: KnownIncident, now: datetime) -> None:
        found = reconciling.of_incident(session, incident.id)
        ends = (f"{each.edit}: {_ENDED[each.outcome]}" for each in found if each.outcome is not None)
        summary = f"The registry stands as it should. {_sentence('; '.join(ends))}"
        end_of_cause(session, incident, summary, self._links, now)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
