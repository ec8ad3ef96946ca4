"""What the guard does on paper: incidents of what serves, and the ways back that an armed policy takes."""

from dataclasses import replace

from monitors.verdict import Reason
from registry.progress import State
from registry.rules import known_good, quarantined, serving
from safelight.responding import policy
from safelight.responding.fitness import Fitness, fitness, target
from safelight.responding.policy import Action, Brakes, Facts, Findings
from safelight.store.incident_states import IncidentStep, follow

from .paper import Incident, Release, World, digest, roll_back  # noqa: TID252

GUARD = "safelight"


def tick(world: World, reason: Reason | None, *, recovered: bool) -> World:
    """A look at what serves: degraded, for a reason, or not; `recovered` is what is said of it after a repair."""
    head, known = world.head, dict(world.incidents)
    if head is not None and reason is not None:
        cause = f"release-{head.seq}"
        incident = known.get(cause)
        if incident is None or not incident.is_open:
            states = (*incident.states, follow(incident.states[-1], IncidentStep.REOPEN)) if incident else None
            opened = Incident(head.to_version, _suggested(world), reason)
            known[cause] = replace(opened, states=states) if states else opened
        action, _ = policy.decide(_facts(world, known[cause]))
        if action is Action.PROBE:
            known[cause] = replace(known[cause], probed=True)
    for cause, incident in known.items():
        gone = head is not None and incident.suspect != head.to_version and not world.in_states((State.FLIPPING,))
        if incident.is_open and gone and recovered:
            known[cause] = _handled(incident, IncidentStep.RESOLVE)
    return replace(world, incidents=tuple(known.items()))


def probes_come_back(world: World, findings: Findings) -> World:
    for cause, incident in world.incidents:
        if not incident.probed:
            continue
        world = _put(world, cause, replace(incident, probed=False))
        if not incident.is_open or incident.suspect != serving(world.chain):
            continue
        action, _ = policy.decide(_facts(world, incident, findings))
        if action is Action.ROLL_BACK:
            world = roll_back(world, GUARD, incident.target, incident.suspect, cause)
    return world


def handle(world: World, step: IncidentStep) -> World:
    """A person sees to the oldest incident that is open."""
    cause, incident = next(((cause, each) for cause, each in world.incidents if each.is_open), (None, None))
    return world if cause is None or incident is None else _put(world, cause, _handled(incident, step))


def automatic(world: World) -> list[Release]:
    return [each for each in world.releases if each.by == GUARD]


def fit(world: World, version: int) -> Fitness:
    held = quarantined(world.chain)
    return fitness(
        world.chain, version, digest=digest(version), quarantined=held, unverified=world.unverified, now=world.now
    )


def _suggested(world: World) -> int | None:
    return target(world.chain, [each for each in known_good(world.chain) if fit(world, each) is not Fitness.FIT])


def _facts(world: World, incident: Incident, findings: Findings | None = None) -> Facts:
    brakes = Brakes(
        stopped=world.stopped,
        automatic=[each.asked_at for each in automatic(world)],
        target=Fitness.FIT if incident.target is None else fit(world, incident.target),
    )
    return Facts(world.mode, incident.reason, incident.target, world.now, brakes, findings=findings)


def _handled(incident: Incident, step: IncidentStep) -> Incident:
    return replace(incident, states=(*incident.states, follow(incident.states[-1], step)))


def _put(world: World, cause: str, incident: Incident) -> World:
    return replace(world, incidents=tuple((dict(world.incidents) | {cause: incident}).items()))
