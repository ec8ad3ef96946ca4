"""Monitors as documents: what is asked, how far back, and which share of the false alarms each may use up."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from monitors.budget import AlarmBudget
from monitors.feedback import TESTS as FEEDBACK_TESTS
from monitors.scan import TESTS_PER_WINDOW
from monitors.slo import TESTS as BURN_TESTS
from monitors.windows import window_count
from safelight.errors import Kind, SafelightError
from safelight.store.monitors import StoredMonitor

LONGEST_WINDOW = timedelta(days=7)
_THREE_DAYS = 3 * 86400


class Monitor(BaseModel):
    """What every monitor says. `share` is its part of the generator's budget, in proportion to the other monitors'."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    share: float = Field(1.0, gt=0)
    critical: bool = Field(True, description="Whether a degraded verdict opens an incident")
    longest_seconds: int = Field(
        6 * 3600, ge=60, le=int(LONGEST_WINDOW.total_seconds()), description="The longest window"
    )

    @property
    def longest(self) -> timedelta:
        return timedelta(seconds=self.longest_seconds)

    @property
    def tests(self) -> int:
        """Comparisons made in each window."""
        return 1

    def windows(self, width: timedelta) -> int:
        """The most windows that one tick looks at, of buckets so wide."""
        return window_count(width, self.longest)


class ConditionalDrift(Monitor):
    """Has the serving version changed since it was accepted? Any change counts."""

    kind: Literal["conditional_drift"] = "conditional_drift"

    @property
    def tests(self) -> int:
        return TESTS_PER_WINDOW


class ReleaseComparison(Monitor):
    """Is the serving version worse than the one it replaced? A new style is none of its business."""

    kind: Literal["release_comparison"] = "release_comparison"

    @property
    def tests(self) -> int:
        return TESTS_PER_WINDOW


class PromptDrift(Monitor):
    """Do people ask for other things than they did? Informs; nobody is at fault."""

    kind: Literal["prompt_drift"] = "prompt_drift"
    critical: Literal[False] = False


class BlankRate(Monitor):
    """Are more images blank than at the baseline, beyond its uncertainty and the tolerance?"""

    kind: Literal["blank_rate"] = "blank_rate"
    tolerance: float = Field(0.002, ge=0, lt=1)


class ServiceHealth(Monitor):
    """Do more requests fail, or take longer, than is allowed? Is every generation that was served on record?"""

    kind: Literal["service_health"] = "service_health"
    max_error_rate: float = Field(0.05, gt=0, lt=1)
    latency_seconds: float = Field(30.0, gt=0, description="What the quantile of latency must stay under")
    latency_quantile: float = Field(0.95, gt=0, lt=1)

    @property
    def tests(self) -> int:
        return 2


class GoodImages(Monitor):
    """Are enough images good: neither failed, nor blank, nor unreadable? Alerts on the burn of the error budget."""

    kind: Literal["good_images"] = "good_images"
    objective: float = Field(0.99, gt=0, lt=1, description="The share of images that are to be good")
    longest_seconds: int = Field(_THREE_DAYS, ge=_THREE_DAYS, le=_THREE_DAYS, description="Set by the burn rules")

    @property
    def tests(self) -> int:
        return BURN_TESTS

    def windows(self, width: timedelta) -> int:  # noqa: ARG002 - each burn rule brings its own
        return 1


class FilteredRate(Monitor):
    """Does the safety filter withhold more images than before the release?"""

    kind: Literal["filtered_rate"] = "filtered_rate"
    tolerance: float = Field(0.02, ge=0, lt=1)


class NearDuplicates(Monitor):
    """Do more images look like another request's than before the release? The mark of a collapsed generator."""

    kind: Literal["near_duplicates"] = "near_duplicates"
    tolerance: float = Field(0.02, ge=0, lt=1)


class Feedback(Monitor):
    """Are people less content than before the release? Allows for who chooses to vote."""

    kind: Literal["feedback"] = "feedback"

    @property
    def tests(self) -> int:
        return FEEDBACK_TESTS


class Probe(Monitor):
    """Do fixed prompts and seeds give what they gave? Asked of engines of ours, which make them every few minutes."""

    kind: Literal["probe"] = "probe"
    probe_set: str = Field("synthetic", min_length=1, max_length=100, description="The set that is made")
    pairs: int = Field(16, ge=8, le=256, description="How many of it every engine makes at a time")
    longest_seconds: int = Field(3600, ge=60, le=7 * 86400, description="How old probes may be to say something of now")

    def windows(self, width: timedelta) -> int:  # noqa: ARG002 - probes are looked at once, whatever a bucket's width
        return 1


class Queue(Monitor):
    """Do requests wait longer for an engine than they should? Informs: more engines are the remedy, not a rollback."""

    kind: Literal["queue"] = "queue"
    critical: bool = False
    wait_seconds: float = Field(10.0, gt=0, description="What the quantile of the wait must stay under")
    wait_quantile: float = Field(0.95, gt=0, lt=1)


class Cost(Monitor):
    """Does an accepted image take more of an engine's time than before the release? Informs."""

    kind: Literal["cost"] = "cost"
    critical: Literal[False] = False
    tolerance: float = Field(0.5, ge=0, description="How much more is no news, as a share of what it was")

    def windows(self, width: timedelta) -> int:  # noqa: ARG002 - the longest window is the only one
        return 1


class DeviceMemory(Monitor):
    """Is the memory of a GPU that serves nearly full? Informs, before requests fail for want of it."""

    kind: Literal["device_memory"] = "device_memory"
    critical: Literal[False] = False
    max_share: float = Field(0.95, gt=0, lt=1, description="The share of a device's memory that may be taken")

    def windows(self, width: timedelta) -> int:  # noqa: ARG002 - what is taken now is all that is looked at
        return 1


Document = Annotated[
    ConditionalDrift
    | ReleaseComparison
    | PromptDrift
    | BlankRate
    | ServiceHealth
    | GoodImages
    | FilteredRate
    | NearDuplicates
    | Feedback
    | Probe
    | Queue
    | Cost
    | DeviceMemory,
    Field(discriminator="kind"),
]
_DOCUMENT: TypeAdapter[Document] = TypeAdapter(Document)
KINDS: dict[str, type[Monitor]] = {each.model_fields["kind"].default: each for each in get_args(get_args(Document)[0])}
"""What can be asked, by the name of the question."""
_DEFAULTS: tuple[Document, ...] = (
    ConditionalDrift(),
    ReleaseComparison(),
    BlankRate(),
    ServiceHealth(),
    GoodImages(),
    FilteredRate(),
    NearDuplicates(),
    Feedback(),
    Probe(),
    PromptDrift(),
    Queue(),
    Cost(),
    DeviceMemory(),
)


Fault: TypeAlias = dict[str, str]
"""A `field` in error, and the `message` that says what it should be."""


class MonitorInvalid(SafelightError):
    """A document that is no monitor, with all that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        mend = "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults)
        super().__init__(Kind.INVALID, "monitor_invalid", f"This is no monitor. Mend: {mend}", errors=faults)
        self.faults = faults


def parse(document: Mapping[str, Any]) -> Document:
    """Raises MonitorInvalid, which names each field in error."""
    try:
        return _DOCUMENT.validate_python(document)
    except ValidationError as error:
        raise MonitorInvalid([_fault(problem, document) for problem in error.errors(include_url=False)]) from error


def _fault(problem: ErrorDetails, document: Mapping[str, Any]) -> Fault:
    # The first part of a location is the kind by which the document was read, where it could be read at all.
    field = ".".join(str(part) for part in problem["loc"][1:])
    match problem["type"]:
        case "union_tag_not_found" | "union_tag_invalid":
            return {"field": "kind", "message": f"must be one of {', '.join(KINDS)}"}
        case "extra_forbidden":
            known = sorted(KINDS[document["kind"]].model_fields.keys() - {"kind"})
            return {"field": field, "message": f"there is no such field; {document['kind']} has {', '.join(known)}"}
        case _:
            return {"field": field or "document", "message": problem["msg"]}


DEFAULT_NAMES = frozenset(each.kind for each in _DEFAULTS)
"""Each default monitor has the name of its kind; a generator that lacks one is given it again."""


def defaults(generator: str, now: datetime) -> list[StoredMonitor]:
    """The monitors that a new generator gets, each under the name of its kind."""
    return [StoredMonitor(generator, each.kind, each.kind, each.model_dump(), True, now) for each in _DEFAULTS]


def budget(
    document: Document, enabled: Sequence[Document], *, false_alarms_per_month: float, tick: timedelta, width: timedelta
) -> AlarmBudget:
    """A monitor's part of its generator's budget, such that all critical ones of `enabled` together keep it.

    A monitor that only informs wakes nobody: it is as strict as if it were one more, at no cost to the others.
    """
    critical = sum(each.share for each in enabled if each.critical)
    total = critical if document.critical else critical + document.share
    return AlarmBudget(
        false_alarms_per_month * document.share / total,
        tick,
        document.windows(width),
        document.tests,
    )
