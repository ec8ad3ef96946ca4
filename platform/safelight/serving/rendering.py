"""What an engine asks of a diffusion pipeline, and a pipeline of plain noise that answers without one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from registry.parameters import GenerationParameters
from safelight.errors import Kind, SafelightError

Pixels = NDArray[np.uint8]
"""[height, width, 3], RGB."""


class Finish(StrEnum):
    """How the rendering of one image ended."""

    COMPLETE = "complete"
    NOT_FINITE = "image_not_finite"
    """The pipeline returned NaN or infinite values: there is no image to show."""
    FILTERED = "image_filtered"
    """The checkpoint's own safety checker refused the image."""


@dataclass(frozen=True)
class Rendered:
    finish: Finish
    pixels: Pixels | None = None
    """Set when the rendering is complete, and only then."""


class Stopped(Exception):
    """Nobody waits for the batch any more, so its rendering was given up between two steps."""


class Unsupported(SafelightError):
    """The version asks for something that this engine cannot do; serving it without would serve something else."""

    def __init__(self, message: str) -> None:
        super().__init__(Kind.INVALID, "version_unsupported", message)


class OutOfMemory(Exception):
    """The device has no room for a batch of this size; a smaller one may fit."""


class RequestUnsupported(Exception):
    """The loaded version cannot make what this request asks for; `str` tells the one who asked why."""


class Pipeline(Protocol):
    """A loaded version. Used by one thread at a time."""

    @property
    def environment(self) -> Mapping[str, str | int]:
        """What the pipeline runs on: host, device, driver, library versions, dtype, threads."""
        ...

    @property
    def scheduler(self) -> str:
        """The class name of the scheduler in use."""
        ...

    def render(self, batch: Sequence[GenerationParameters], is_stopped: Callable[[], bool]) -> list[Rendered]:
        """One image for each entry of `batch`, in order, each drawn from its own seed.

        Entries agree in width, height, steps and guidance, and ask for one image each (`n` is not looked at).
        `is_stopped` is asked once after every step. Raises Stopped when it says yes, OutOfMemory, and
        RequestUnsupported.
        """
        ...


class NoisePipeline:
    """Noise drawn from the seed and the prompt: obeys the protocol without weights or a heavy library."""

    environment: Mapping[str, str | int] = {"device": "noise", "dtype": "float32", "threads": 1}
    scheduler = "None"

    def render(self, batch: Sequence[GenerationParameters], is_stopped: Callable[[], bool]) -> list[Rendered]:
        for _ in range(batch[0].steps):
            if is_stopped():
                raise Stopped
        return [Rendered(Finish.COMPLETE, _noise(parameters)) for parameters in batch]


def _noise(parameters: GenerationParameters) -> Pixels:
    numbers = np.random.default_rng([parameters.seed, *parameters.prompt.encode()])
    return numbers.integers(0, 256, (parameters.height, parameters.width, 3), dtype=np.uint8)
