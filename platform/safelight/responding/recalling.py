"""The past of a generator as the policy would have met it: stored verdicts, incidents, probes, drills and stops."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from registry.ledger import Entry
from safelight.responding.confirming import findings
from safelight.responding.deciding import compared_with, slice_of
from safelight.responding.policy import MOST_PER_HOUR, Why
from safelight.responding.rehearsing import Case, Step, rehearse
from safelight.store import chains, drills, guard, incidents, probes, releases, verdicts, versions
from safelight.store.database import Session
from safelight.store.incidents import Event, KnownIncident

MOST_INCIDENTS = 200
MOST_DAYS = 90


@dataclass(frozen=True)
class Rehearsal:
    """`whole` is false where there were more incidents than are looked at: then it is of the newest."""

    since: datetime
    until: datetime
    most_per_hour: int
    incidents: int
    whole: bool
    steps: Sequence[Step]


def rehearsal(session: Session, generator: str, days: int, most_per_hour: int | None, now: datetime) -> Rehearsal:
    """What an armed policy would have done in the last days. Raises `generator_not_found`."""
    versions.require_generator(session, generator)
    since = now - timedelta(days=days)
    most = most_per_hour or guard.most_per_hour(session, generator) or MOST_PER_HOUR
    found = incidents.between(session, generator, since, now)
    digests = {each.number: each.digest for each in versions.versions(session, generator)}
    cases = [case for incident in found for case in _cases(session, incident) if case.at >= since]

    def entries_before(moment: datetime) -> Sequence[Entry]:
        upto = chains.number_at(session, generator, moment - datetime.resolution)
        return chains.decisive(session, generator, upto=upto)

    steps = rehearse(cases, entries_before, digests.get, most)
    return Rehearsal(since, now, most, len(found), len(found) < MOST_INCIDENTS, steps)


def _cases(session: Session, incident: KnownIncident) -> Iterator[Case]:
    """The moments at which the policy was asked, or would have been."""
    timeline = incidents.timeline(session, incident.id)
    suspect = releases.find(session, incident.suspect_release_id) if incident.suspect_release_id is not None else None
    if suspect is None or suspect.ledger_seq is None:
        return
    asked: list[tuple[Event, str]] = [(event, event.data["verdict_id"]) for event in _asking(timeline)]
    for event, verdict_id in [*asked, *_answered(timeline)]:
        stored = verdicts.get(session, int(verdict_id))
        if stored is None:
            continue
        answers = event.kind == "findings"
        runs = [probes.get(session, UUID(each)) for each in event.data["runs"]] if answers else []
        yield Case(
            at=event.at,
            incident_id=incident.id,
            title=incident.title,
            suspect=incident.suspect_version,
            seq=suspect.ledger_seq,
            target=incident.suggested_target,
            reason=stored.verdict.reason,
            p_value=stored.verdict.p_value,
            threshold=stored.verdict.threshold,
            compared_with=compared_with(stored),
            slice=slice_of(stored),
            can_probe=not any(each.data.get("why") == Why.CANNOT_PROBE.name.lower() for each in timeline),
            findings=findings(runs) if answers else None,
            probed=any(each.kind == "findings" and each.seq > event.seq for each in timeline),
            stopped=guard.stopped_at(session, event.at),
            unverified=drills.unverified(session, incident.generator, event.at),
        )


def _asking(timeline: Sequence[Event]) -> Iterator[Event]:
    """The verdicts that the policy is asked about: the first, and the first about the images of all traffic."""
    of_images = False
    for place, event in enumerate(each for each in timeline if each.kind == "verdict"):
        speaks = bool(event.data.get("version_fault")) and event.data.get("slice") is None
        if place == 0 or (speaks and not of_images):
            yield event
        of_images = of_images or speaks


def _answered(timeline: Sequence[Event]) -> Iterator[tuple[Event, str]]:
    """What probes said, with the verdict that they were ordered for."""
    ordered: Event | None = None
    for event in timeline:
        if event.kind == "probes":
            ordered = event
        elif event.kind == "findings" and ordered is not None:
            yield event, ordered.data["verdict_id"]
