"""What to do about an incident, decided from its facts alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from monitors.verdict import Reason
from safelight.store.incidents import PolicyMode

# Only what the images themselves show is the version's doing; errors and latency may well be the machine's.
VERSION_FAULTS = frozenset(
    {
        Reason.CONDITIONAL_DRIFT,
        Reason.TAIL_EXCESS,
        Reason.ALIGNMENT_DOWN,
        Reason.SIGNAL_WORSE,
        Reason.BLANK_RATE_UP,
    }
)
# Beyond one automatic rollback in this time a person has to look: two in a row mean the cause is elsewhere.
COOLDOWN = timedelta(hours=1)


class Action(StrEnum):
    """What the policy makes of an incident."""

    NOTHING = "nothing"
    RECOMMEND = "recommend"
    ROLL_BACK = "roll_back"


class Why(StrEnum):
    """The reason for an action, for the timeline."""

    OBSERVING = "the policy only observes"
    NO_TARGET = "no earlier version is known to be good"
    NOT_THE_VERSION = "the symptom does not point at the version"
    NOT_ARMED = "the policy recommends and leaves the decision to a person"
    COOLING_DOWN = "an automatic rollback was made within the last hour"
    ARMED = "the policy is armed"


@dataclass(frozen=True)
class Facts:
    """All that the decision rests on."""

    mode: PolicyMode
    reason: Reason
    target: int | None
    last_automatic: datetime | None
    now: datetime


def decide(facts: Facts) -> tuple[Action, Why]:
    """Whether to roll back, to recommend it, or to leave it at the incident."""
    if facts.mode is PolicyMode.OBSERVE:
        return Action.NOTHING, Why.OBSERVING
    if facts.target is None:
        return Action.NOTHING, Why.NO_TARGET
    if facts.reason not in VERSION_FAULTS:
        return Action.RECOMMEND, Why.NOT_THE_VERSION
    if facts.mode is PolicyMode.RECOMMEND:
        return Action.RECOMMEND, Why.NOT_ARMED
    if facts.last_automatic is not None and facts.now - facts.last_automatic < COOLDOWN:
        return Action.RECOMMEND, Why.COOLING_DOWN
    return Action.ROLL_BACK, Why.ARMED
