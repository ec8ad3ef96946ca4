"""What an engine has learnt of itself: how long a step takes, how close requests follow, how many images fit. Pure."""

from collections import deque
from statistics import median
from typing import NamedTuple

from registry.parameters import GenerationParameters

_GAPS = 15
_MOST_KINDS = 256
_NEWEST = 0.5
"""Weight of the newest measurement of a step."""


class Kind(NamedTuple):
    """What all images of a batch have in common: a pipeline takes one of each for the whole batch.

    The scheduler is not among them: an engine holds one version, and that has one.
    """

    width: int
    height: int
    steps: int
    guidance: float
    negative: bool
    """Whether there is a negative prompt: some pipelines make other images of an empty one than of none."""


def kind_of(parameters: GenerationParameters) -> Kind:
    each = parameters
    return Kind(each.width, each.height, each.steps, each.guidance, bool(each.negative_prompt))


class Pace:
    """Measured as it goes, forgotten with the process. Times are seconds on one monotonic clock."""

    def __init__(self) -> None:
        self._step_seconds: dict[Kind, float] = {}
        self._fitting: dict[Kind, int] = {}
        self._gaps: deque[float] = deque(maxlen=_GAPS)
        self._last_request: object = None
        self._last_arrival: float | None = None

    def arrived(self, request: object, now: float) -> None:
        """An image was asked for. The images of one request are one arrival."""
        if self._last_arrival is not None and request != self._last_request:
            self._gaps.append(now - self._last_arrival)
        self._last_request, self._last_arrival = request, now

    def rendered(self, parameters: GenerationParameters, seconds: float) -> None:
        """A batch of such images took so long."""
        kind, measured = kind_of(parameters), seconds / parameters.steps
        before = self._step_seconds.pop(kind, measured)
        self._step_seconds[kind] = before + _NEWEST * (measured - before)
        if len(self._step_seconds) > _MOST_KINDS:
            del self._step_seconds[next(iter(self._step_seconds))]

    def ran_out_of_memory(self, parameters: GenerationParameters, images: int) -> None:
        """So many such images do not fit together."""
        self._fitting[kind_of(parameters)] = max(images // 2, 1)

    @property
    def gap(self) -> float:
        """Seconds between two requests, the median of the newest few; infinite before there are two."""
        return median(self._gaps) if self._gaps else float("inf")

    @property
    def last_arrival(self) -> float:
        return float("-inf") if self._last_arrival is None else self._last_arrival

    def step_seconds(self, parameters: GenerationParameters) -> float:
        """What a step of such a batch takes; infinite before one was rendered."""
        return self._step_seconds.get(kind_of(parameters), float("inf"))

    def most_together(self, parameters: GenerationParameters, otherwise: int) -> int:
        """How many such images fit in one batch; `otherwise` as long as none was too large."""
        return min(self._fitting.get(kind_of(parameters), otherwise), otherwise)
