"""What an armed policy would have done, walked through in the order of time. Pure.

Only what was seen then counts: the verdicts, and what the probes said that were made. Where none were made the
rehearsal ends at "it would have probed", and says so. What follows upon a rollback that was not made is not known
either.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from monitors.verdict import Reason
from registry.ledger import Entry
from registry.rules import quarantined
from safelight.responding.fitness import Fitness, fitness
from safelight.responding.policy import Action, Brakes, Facts, Findings, Slice, Why, decide
from safelight.store.incidents import PolicyMode


@dataclass(frozen=True, kw_only=True)
class Case:
    """A moment at which the policy is asked about an incident. `seq` is the ledger's entry that the incident suspects.

    `findings` is what its probes said by then, `probed` whether any were judged later on; `unverified` the versions
    whose last drill before had failed.
    """

    at: datetime
    incident_id: UUID
    title: str
    suspect: int | None
    seq: int
    target: int | None
    reason: Reason
    p_value: float | None
    threshold: float | None
    compared_with: int | None
    slice: Slice | None
    can_probe: bool
    findings: Findings | None
    probed: bool
    stopped: bool
    unverified: Collection[int]


@dataclass(frozen=True)
class Step:
    """What would have been done. `known` is false where what is stored does not tell what would have come next."""

    at: datetime
    incident_id: UUID
    title: str
    action: Action
    why: str
    target: int | None
    known: bool
    message: str


def rehearse(
    cases: Iterable[Case],
    entries_before: Callable[[datetime], Sequence[Entry]],
    digest: Callable[[int], str | None],
    most_per_hour: int,
) -> list[Step]:
    """The steps of a policy that was armed all the time.

    `entries_before` is the ledger as it was just before a moment, `digest` what is registered as a version today.
    """
    made: dict[int, datetime] = {}
    steps = []
    for case in sorted(cases, key=lambda each: each.at):
        if case.seq in made:
            steps.append(_moot(case, made[case.seq]))
            continue
        step = _step(case, _brakes(case, entries_before(case.at), digest, list(made.values()), most_per_hour))
        if step.action is Action.ROLL_BACK:
            made[case.seq] = case.at
        steps.append(step)
    return steps


def _brakes(
    case: Case,
    entries: Sequence[Entry],
    digest: Callable[[int], str | None],
    automatic: Sequence[datetime],
    most_per_hour: int,
) -> Brakes:
    target = Fitness.FIT
    if case.target is not None:
        target = fitness(
            entries,
            case.target,
            digest=digest(case.target),
            quarantined=quarantined(entries),
            unverified=case.unverified,
            now=case.at,
        )
    return Brakes(case.stopped, most_per_hour, automatic, target)


def _step(case: Case, brakes: Brakes) -> Step:
    facts = Facts(
        mode=PolicyMode.AUTO,
        reason=case.reason,
        target=case.target,
        now=case.at,
        brakes=brakes,
        p_value=case.p_value,
        threshold=case.threshold,
        compared_with=case.compared_with,
        slice=case.slice,
        can_probe=case.can_probe,
        findings=case.findings,
    )
    action, why = decide(facts)
    known = action is not Action.PROBE or case.probed
    message = _said(case, action, why, known)
    return Step(case.at, case.incident_id, case.title, action, why.name.lower(), case.target, known, message)


def _said(case: Case, action: Action, why: Why, known: bool) -> str:
    match action:
        case Action.ROLL_BACK:
            return f"It would have rolled back to version {case.target}: {why}."
        case Action.PROBE if known:
            return "It would have had the alarm confirmed by probes first."
        case Action.PROBE:
            return "It would have had the alarm confirmed by probes. None were judged, so what followed is not known."
        case _:
            return f"It would have left production as it was: {why}."


def _moot(case: Case, since: datetime) -> Step:
    message = f"It would have rolled back from version {case.suspect} at {since:%Y-%m-%d %H:%M} UTC, before this."
    return Step(case.at, case.incident_id, case.title, Action.NOTHING, "rolled_back_before", None, True, message)
