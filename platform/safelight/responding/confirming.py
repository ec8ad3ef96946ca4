"""Having an alarm confirmed: which probes to order for an incident, and what they said once they are judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitors.preference import Departures, better
from monitors.probes import Comparison, assess
from monitors.verdict import Health, Verdict
from safelight.responding.policy import Findings
from safelight.store import engines, probe_sets, probes
from safelight.store.database import Session
from safelight.store.engines import KnownEngine
from safelight.store.incidents import KnownIncident
from safelight.store.probe_sets import KnownProbeSet
from safelight.store.probes import KnownRun, NewRun, Purpose, RunState

ALPHA = 1e-3
"""The level at which probes confirm: the alarm before them had to pass the generator's whole budget already."""
MOST_REPLICAS = 8
WITHIN = timedelta(minutes=15)
"""Loading a large version and making its probes takes its time; after that the answer is that there is none."""
ALIVE = timedelta(seconds=10)


@dataclass(frozen=True)
class Ground:
    """What probes can be made of, and what they can be held against.

    `suspects` and `targets` are the hosts whose engines hold the two versions ready, `own` and `theirs` whether stored
    outputs of them exist.
    """

    chosen: KnownProbeSet
    suspects: Sequence[str]
    targets: Sequence[str]
    accepted: bool
    own: bool
    theirs: bool


def ground(session: Session, incident: KnownIncident, accepted: bool, now: datetime) -> Ground | None:
    """None where nothing can be probed: no engine of ours holds the version, or there is no probe set."""
    suspect, target = incident.suspect_version, incident.suggested_target
    if suspect is None or target is None:
        return None
    ready = [each for each in engines.ready(session, now - ALIVE) if each.generator == incident.generator]
    suspects = _hosts(ready, suspect)
    known = [
        *probes.baselines(session, incident.generator, target),
        *probes.baselines(session, incident.generator, suspect),
    ]
    sets = probe_sets.of_generator(session, incident.generator)
    if not suspects or not sets:
        return None
    chosen = probe_sets.get(session, known[0].set_id) if known else sets[0]
    compared = [run.version for run in known if run.set_id == chosen.id]
    return Ground(chosen, suspects, _hosts(ready, target), accepted, suspect in compared, target in compared)


def plan(incident: KnownIncident, found: Ground, pairs: int, now: datetime, actor: str) -> list[NewRun]:
    """The runs that tell a bad version from a bad place, a bad process and a bad environment.

    An accepted version is held against its own stored outputs, where any change counts, and is tried loaded afresh as
    well. A version on trial is held against the outputs of the one it replaced, where only a loss counts. The target is
    made in the present environment either way; where nothing is stored of it, its fresh outputs are what is compared.
    """
    suspect, target = incident.suspect_version, incident.suggested_target
    if suspect is None or target is None:
        return []
    places = found.chosen.plain[:pairs]  # all runs make the same probes, to be compared with each other
    against_own = found.accepted and found.own and found.theirs

    def run(version: int, purpose: Purpose, host: str, against: int | None = None) -> NewRun:
        return NewRun(
            generator=incident.generator,
            version=version,
            set_id=found.chosen.id,
            purpose=purpose,
            places=places,
            against=against,
            host=host,
            fresh=purpose is Purpose.RELOAD,
            incident_id=incident.id,
            expires_at=now + WITHIN,
            ordered_by=actor,
        )

    first = found.suspects[0]
    there = found.targets[0] if found.targets else first
    against = None if against_own else target
    runs = [run(suspect, Purpose.SUSPECT, host, against) for host in found.suspects[:MOST_REPLICAS]]
    if found.theirs:
        runs.append(run(target, Purpose.TARGET, there))
    else:
        runs.append(run(target, Purpose.BASELINE, there))
    if against_own:
        runs.append(run(suspect, Purpose.RELOAD, first))
    return runs


def findings(runs: Sequence[KnownRun]) -> Findings:
    """What a round of runs says, all of them ended."""
    suspects = [run for run in runs if run.purpose is Purpose.SUSPECT]
    target = next((run for run in runs if run.purpose in (Purpose.TARGET, Purpose.BASELINE)), None)
    afresh = next((run for run in runs if run.purpose is Purpose.RELOAD), None)
    bad = [run for run in suspects if health(run) is Health.DEGRADED]
    return Findings(
        suspects={run.host or str(run.id): health(run) for run in suspects},
        target=health(target) if target else Health.INCONCLUSIVE,
        target_better=target is not None and all(_does_better(target, run) for run in bad),
        afresh=health(afresh) if afresh else None,
        afresh_better=afresh is not None and all(_does_better(afresh, run) for run in bad),
        broken=max((_broken(run) for run in suspects), default=0),
        target_broken=_broken(target) if target else 0,
    )


def _does_better(other: KnownRun, suspect: KnownRun) -> bool:
    if other.purpose is Purpose.BASELINE:
        return health(suspect) is Health.DEGRADED  # it was held against nothing but these fresh outputs
    documents = other.result.get("departures"), suspect.result.get("departures")
    if documents[0] is None or documents[1] is None:
        return False
    return better(Departures.from_dict(documents[0]), Departures.from_dict(documents[1])) < ALPHA


def _broken(run: KnownRun) -> int:
    """Probes that gave an image once, and none now."""
    found = _compared(run)
    return found.broken if found else 0


def health(run: KnownRun) -> Health:
    """Outputs that were made to be compared with, here and now, are as good as the environment allows."""
    if run.state is RunState.JUDGED and run.purpose is Purpose.BASELINE:
        return Health.HEALTHY
    verdict = judged(run)
    return verdict.health if verdict else Health.INCONCLUSIVE


def judged(run: KnownRun) -> Verdict | None:
    """What its probes say at the level of a confirmation; None where nothing was compared."""
    found = _compared(run)
    return assess(found, ALPHA) if found else None


def _compared(run: KnownRun) -> Comparison | None:
    document = run.result.get("comparison")
    return Comparison.from_dict(document) if document else None


def told(run: KnownRun) -> str:
    """The run in a sentence of the timeline."""
    verdict = judged(run)
    what = {
        Purpose.SUSPECT: f"Version {run.version} on {run.host}",
        Purpose.RELOAD: f"Version {run.version} loaded afresh on {run.host}",
    }.get(run.purpose, f"Version {run.version}, to go back to")
    if verdict is None:
        return f"{what}: {run.detail or 'its probes were made to be compared with.'}"
    return f"{what}: {verdict.summary}"


def _hosts(ready: Sequence[KnownEngine], version: int) -> list[str]:
    return list(dict.fromkeys(engine.host for engine in ready if engine.version == version))
