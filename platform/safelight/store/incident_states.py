"""How far an incident has come: a tiny state machine. Nothing moves an incident outside of this table."""

from enum import StrEnum

from safelight.errors import Kind, SafelightError


class IncidentState(StrEnum):
    TRIGGERED = "triggered"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class IncidentStep(StrEnum):
    """What can be done with an incident."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    """It is back, or somebody has thought better of it: it is triggered again, and keeps its timeline."""


_TABLE = {
    (IncidentState.TRIGGERED, IncidentStep.ACKNOWLEDGE): IncidentState.ACKNOWLEDGED,
    (IncidentState.TRIGGERED, IncidentStep.RESOLVE): IncidentState.RESOLVED,
    (IncidentState.ACKNOWLEDGED, IncidentStep.RESOLVE): IncidentState.RESOLVED,
    (IncidentState.RESOLVED, IncidentStep.REOPEN): IncidentState.TRIGGERED,
}


def possible(state: IncidentState) -> tuple[IncidentStep, ...]:
    """What can be done now."""
    return tuple(step for step in IncidentStep if (state, step) in _TABLE)


def follow(state: IncidentState, step: IncidentStep) -> IncidentState:
    """The state that a step leads to. Raises `incident_transition_illegal`."""
    try:
        return _TABLE[state, step]
    except KeyError:
        raise SafelightError(
            Kind.CONFLICT,
            "incident_transition_illegal",
            f"An incident that is {state} cannot be asked to {step}. What it can: {', '.join(possible(state))}. "
            "Load it again, then decide.",
        ) from None
