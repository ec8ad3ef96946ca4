"""What the probes of the engines say: the newest look at each of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitors.probes import Comparison, assess
from monitors.verdict import Health, Reason, Verdict, combine
from safelight.store import engines, probe_sets, probes
from safelight.store.database import Session
from safelight.store.engines import EngineState
from safelight.store.probes import RunState
from safelight.watching.monitors import Probe
from safelight.watching.questions import Span
from safelight.watching.situation import Situation


@dataclass(frozen=True)
class Look:
    """A comparison of what an engine's probes gave."""

    replica: str
    comparison: Comparison


@dataclass(frozen=True)
class ProbeQuestion:
    """Do the probes of every engine give what they gave? `looks` are the newest of each, `engines` those that serve."""

    looks: Sequence[Look]
    engines: int

    def answer(self, span: Span, alpha: float) -> Verdict:  # noqa: ARG002 - a look is no sum over buckets
        looked_at = len(self.looks)
        if 2 * looked_at < max(self.engines, 1):
            summary = f"There are fresh probes of {looked_at} of {self.engines} engines: too few to answer for them."
            return Verdict(Health.INCONCLUSIVE, Reason.PROBES_MISSING, summary, threshold=alpha)
        answers = {look.replica: assess(look.comparison, alpha / looked_at) for look in self.looks}
        worst = combine(answers.values())
        replica = next(name for name, verdict in answers.items() if verdict == worst)
        healthy = sum(verdict.health is Health.HEALTHY for verdict in answers.values())
        evidence = {**worst.evidence, "replica": replica, "engines": looked_at, "healthy_engines": healthy}
        if worst.health is Health.DEGRADED and looked_at > 1 and healthy == looked_at - 1:
            evidence["slice"] = {
                "attribute": "replica",
                "value": replica,
                "name": f"replica={replica}",
                "others": healthy,
                "others_healthy": healthy,
            }
        return replace(worst, evidence=evidence)


def question(session: Session, document: Probe, now: Situation, span: Span) -> ProbeQuestion | None:
    """None where there is nothing stored to compare with yet, and nothing was compared."""
    found = looks(session, document, now, span.end + span.width)
    if not found and not _is_under_way(session, now):
        return None
    serving = {
        each.host
        for each in engines.engines(session, now.generator)
        if each.version == now.version and each.state is EngineState.READY and not each.spare
    }
    return ProbeQuestion(found, len(serving))


def looks(session: Session, document: Probe, now: Situation, until: datetime) -> list[Look]:
    """The newest look at each engine ordered before `until`, none from before what serves now came to serve."""
    chosen = probe_sets.find(session, now.generator, document.probe_set)
    if chosen is None:
        return []
    since = max(now.since, until - document.longest)
    newest: dict[str, Look] = {}
    for run in probes.newest(session, now.generator, now.version, since):
        compared = run.result.get("comparison")
        if (
            run.state is not RunState.JUDGED
            or compared is None
            or run.replica is None
            or run.fresh
            or run.set_id != chosen.id
            or run.ordered_at >= until
        ):
            continue
        newest.setdefault(run.replica, Look(run.replica, Comparison.from_dict(compared)))
    return list(newest.values())


def _is_under_way(session: Session, now: Situation) -> bool:
    return any(
        (run.generator, run.version) == (now.generator, now.version) for run in probes.in_states(session, probes.OPEN)
    )
