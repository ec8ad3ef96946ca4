"""What to do about an incident, decided from its facts alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from monitors.verdict import Health, Reason
from safelight.responding.fitness import Fitness
from safelight.store.incidents import PolicyMode

# Only what the images themselves show is the version's doing; errors and latency may well be the machine's.
VERSION_FAULTS = frozenset(
    {
        Reason.CONDITIONAL_DRIFT,
        Reason.TAIL_EXCESS,
        Reason.ALIGNMENT_DOWN,
        Reason.SIGNAL_WORSE,
        Reason.BLANK_RATE_UP,
        Reason.FILTERED_RATE_UP,
        Reason.NEAR_DUPLICATES_UP,
        Reason.FEEDBACK_WORSE,
        Reason.PROBE_CHANGED,
        Reason.PROBE_WORSE,
    }
)
# A count of broken images leaves no room for another reading when it is this unlikely, and a thousand times more so
# than an alarm has to be: probes would have to be thousands to meet a fault of a few images in a hundred.
EXTREME = 1e-8
_BEYOND_ALARM = 1e-3
# Blank images are counted one by one, and those of one prompt are blank together: many who ask for a white wall are no
# fault of the version. Its own probes have to break as well; a single one may.
BLANK_PROBES = 2
# What is wrong at one place is mended by taking that place out; a version serves everywhere.
PLACES = frozenset({"replica", "adapter", "region"})
# Beyond so many automatic rollbacks in this time a person has to look: two in a row mean the cause is elsewhere.
COOLDOWN = timedelta(hours=1)
MOST_PER_HOUR = 1


class Action(StrEnum):
    """What the policy makes of an incident."""

    NOTHING = "nothing"
    RECOMMEND = "recommend"
    TAKE_OUT = "take_out"
    """Recommend to take one replica, adapter or region out."""
    PROBE = "probe"
    """Have it confirmed first."""
    HOLD = "hold"
    """Leave production as it is, and have a person look."""
    ROLL_BACK = "roll_back"


class Why(StrEnum):
    """The reason for an action, for the timeline."""

    OBSERVING = "the policy only observes"
    NO_TARGET = "no earlier version is known to be good"
    NOT_THE_VERSION = "the symptom does not point at the version"
    ONE_PLACE = "the rest of the traffic is healthy"
    ONE_PART = "only one part of the traffic shows it"
    NOT_ARMED = "the policy recommends and leaves the decision to a person"
    STOPPED = "the stop switch is on, so nothing is done automatically"
    COOLING_DOWN = "no more automatic rollbacks are allowed within the hour"
    QUARANTINED = "the version to go back to is quarantined"
    CHANGED = "what is registered as the version to go back to is not what served"
    UNVERIFIED = "the last drill of the version to go back to failed"
    FLAPPING = "production was taken away from the version to go back to within the last day"
    CANNOT_PROBE = "no engine of ours holds the version, so that no probe can confirm it"
    UNCONFIRMED = "the policy is armed and wants the alarm confirmed by probes"
    PROBES_HEALTHY = "probes of the version are healthy: what the monitors see does not come from it alone"
    PROBES_INCONCLUSIVE = "probes of the version could not be judged"
    ONE_REPLICA = "probes are bad on some replicas of the version and healthy on others"
    RELOAD_HELPS = "the same version is healthy when it is loaded afresh: its engine has gone bad, not the version"
    ENVIRONMENT = "the version to go back to fails its probes here as well: what changed is around the versions"
    NO_BETTER = "the version to go back to does no better here, as far as its probes show"
    RELOAD_UNKNOWN = "probes of the version loaded afresh could not be judged: its engine alone may have gone bad"
    TARGET_UNKNOWN = "probes of the version to go back to could not be judged"
    CONFIRMED = "probes confirm it, and the version to go back to does better here"
    EXTREME_COUNT = "it breaks more images than the version to go back to, beyond any doubt, whose probes pass here"


_UNFIT = {
    Fitness.QUARANTINED: Why.QUARANTINED,
    Fitness.CHANGED: Why.CHANGED,
    Fitness.UNVERIFIED: Why.UNVERIFIED,
    Fitness.FLAPS: Why.FLAPPING,
}


@dataclass(frozen=True)
class Slice:
    """The one part of the traffic that a verdict is about; `value` None is the rest that has no slice of its own."""

    attribute: str
    value: str | None


@dataclass(frozen=True)
class Findings:
    """What the probes of an incident say: of its version by replica, and of the version to go back to in the present
    environment. Whether the latter does better, and whether the version itself does once it is loaded afresh, was shown
    on the same probes, or else it counts as not so. `afresh` is what the reload says, None where none was asked. Of the
    probes that gave an image once, `broken` give none on the version, on the worst of its replicas, and `target_broken`
    none on the one to go back to.
    """

    suspects: Mapping[str, Health]
    target: Health
    target_better: bool = False
    afresh: Health | None = None
    afresh_better: bool = False
    broken: int = 0
    target_broken: int = 0

    @property
    def bad(self) -> tuple[str, ...]:
        return tuple(sorted(name for name, health in self.suspects.items() if health is Health.DEGRADED))

    @property
    def suspect(self) -> Health:
        """Degraded if it is anywhere, healthy only if it is everywhere."""
        if self.bad:
            return Health.DEGRADED
        healthy = bool(self.suspects) and set(self.suspects.values()) == {Health.HEALTHY}
        return Health.HEALTHY if healthy else Health.INCONCLUSIVE


@dataclass(frozen=True)
class Brakes:
    """What holds an armed policy back, whatever the evidence. `automatic` is when it has rolled back by itself."""

    stopped: bool = False
    most_per_hour: int = MOST_PER_HOUR
    automatic: Sequence[datetime] = ()
    target: Fitness = Fitness.FIT


@dataclass(frozen=True)
class Facts:
    """All that the decision rests on. `compared_with` is the version whose baseline the verdict holds images against.

    `can_probe` asks for engines of ours, `findings` is None until they are done.
    """

    mode: PolicyMode
    reason: Reason
    target: int | None
    now: datetime
    brakes: Brakes = Brakes()
    p_value: float | None = None
    threshold: float | None = None
    compared_with: int | None = None
    slice: Slice | None = None
    can_probe: bool = True
    findings: Findings | None = field(default=None)


def decide(facts: Facts) -> tuple[Action, Why]:
    """Whether to roll back, to have it confirmed, to recommend something, to hold, or to leave it at the incident."""
    if facts.mode is PolicyMode.OBSERVE:
        return Action.NOTHING, Why.OBSERVING
    if facts.slice is not None and facts.slice.attribute in PLACES:
        return Action.TAKE_OUT, Why.ONE_PLACE
    if facts.target is None:
        return Action.NOTHING, Why.NO_TARGET
    if facts.reason not in VERSION_FAULTS:
        return Action.RECOMMEND, Why.NOT_THE_VERSION
    if facts.slice is not None:
        return Action.RECOMMEND, Why.ONE_PART
    if facts.brakes.target is not Fitness.FIT:
        return Action.HOLD, _UNFIT[facts.brakes.target]
    if facts.findings is None:
        return _before_probes(facts)
    action, why = _on_findings(facts, facts.findings)
    if action is not Action.ROLL_BACK:
        return action, why
    if facts.mode is not PolicyMode.AUTO:
        return Action.RECOMMEND, why
    brake = _brake(facts)
    return (action, why) if brake is None else (Action.RECOMMEND, brake)


def _before_probes(facts: Facts) -> tuple[Action, Why]:
    if facts.mode is PolicyMode.RECOMMEND:
        return Action.RECOMMEND, Why.NOT_ARMED
    brake = _brake(facts)
    if brake is not None:
        return Action.RECOMMEND, brake
    return (Action.PROBE, Why.UNCONFIRMED) if facts.can_probe else (Action.RECOMMEND, Why.CANNOT_PROBE)


def _on_findings(facts: Facts, findings: Findings) -> tuple[Action, Why]:
    """Not knowing is never a reason to roll back, neither of the version nor of the one to go back to."""
    extreme = _is_extreme(facts, findings)
    if findings.bad and Health.HEALTHY in findings.suspects.values():
        return Action.TAKE_OUT, Why.ONE_REPLICA
    if findings.suspect is not Health.DEGRADED and not extreme:
        healthy = findings.suspect is Health.HEALTHY
        return Action.HOLD, Why.PROBES_HEALTHY if healthy else Why.PROBES_INCONCLUSIVE
    if findings.target is Health.DEGRADED:
        return Action.HOLD, Why.ENVIRONMENT
    if findings.target is not Health.HEALTHY:
        return Action.HOLD, Why.TARGET_UNKNOWN
    if findings.bad and findings.afresh_better:
        return Action.HOLD, Why.RELOAD_HELPS
    if findings.bad and findings.afresh in (Health.INCONCLUSIVE, Health.ERROR):
        return Action.HOLD, Why.RELOAD_UNKNOWN
    if findings.bad and findings.target_better:
        return Action.ROLL_BACK, Why.CONFIRMED
    return (Action.ROLL_BACK, Why.EXTREME_COUNT) if extreme else (Action.HOLD, Why.NO_BETTER)


def _is_extreme(facts: Facts, findings: Findings) -> bool:
    """Whether a count of broken images stands in for the version's own probes.

    Only a count against the version to go back to says that going back helps. One against the version's own baseline
    says that something has changed around a version that never does, and any change counts there: what people ask for
    may be all there is to it. Nor does it help to go back to what breaks here as well.
    """
    if facts.p_value is None or facts.threshold is None or facts.compared_with != facts.target:
        return False
    if facts.p_value >= min(EXTREME, _BEYOND_ALARM * facts.threshold) or findings.target_broken:
        return False
    blank = facts.reason is Reason.BLANK_RATE_UP and findings.broken >= BLANK_PROBES
    return blank or facts.reason is Reason.TAIL_EXCESS


def _brake(facts: Facts) -> Why | None:
    """What keeps an armed policy from acting now; a person may act all the same."""
    if facts.brakes.stopped:
        return Why.STOPPED
    lately = [at for at in facts.brakes.automatic if facts.now - at < COOLDOWN]
    return Why.COOLING_DOWN if len(lately) >= facts.brakes.most_per_hour else None
