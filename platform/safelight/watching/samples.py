"""Scored generations as the arrays that a lens reads: the one place that says which columns there are."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from monitors.sample import ALIGNMENT, PARAMETERS, Direction, Sample, Scalar, Schema, encode_parameters, prompt_key
from registry.parameters import Defaults
from safelight.store.scores import ScoredGeneration

# Only alignment has a worse direction: a softer or a darker style is a change that a person may want.
SCHEMA = Schema(
    PARAMETERS,
    (
        Scalar(ALIGNMENT, Direction.LOW),
        Scalar("log_sharpness", Direction.NEITHER),
        Scalar("contrast", Direction.NEITHER),
        Scalar("brightness", Direction.NEITHER),
    ),
)
SERVING_ARM = "stable"
"""The arm that the monitors of what serves look at."""
CANARY_ARM = "canary"
"""The arm of a version that is tried on a part of people's requests."""
JUDGED_ARMS = (SERVING_ARM, CANARY_ARM)
"""Arms that carry people's requests. Shadows, probes and replays are made for a purpose and would bias a sketch."""
_COMPARED = ("steps", "guidance", "width", "height")
_LARGEST_PARAMETER = 1e6
_SHARPNESS_FLOOR = 1e-6  # of a flat image; keeps the logarithm finite


@dataclass(frozen=True, eq=False)
class Row:
    """What a lens reads of one generation: unit vectors [d], and one value for each of the schema's columns."""

    prompt: NDArray[np.float32]
    image: NDArray[np.float32]
    parameters: tuple[float, ...]
    scalars: tuple[float, ...]
    prompt_key: int


def row(scored: ScoredGeneration, defaults: Defaults | None) -> Row | None:
    """`defaults` are those of the version that made the image.

    None where the image is broken or blank: there is nothing to read, and it is counted elsewhere.
    """
    score = scored.score
    signals = (score.alignment, score.sharpness, score.contrast, score.brightness)
    known = tuple(value for value in signals if value is not None)
    if score.blank or score.image_embedding is None or score.prompt_embedding is None or len(known) < len(signals):
        return None
    return Row(
        prompt=score.prompt_embedding,
        image=score.image_embedding,
        parameters=request_parameters(scored.parameters, defaults),
        scalars=scalar_columns(*known),
        prompt_key=prompt_key(scored.prompt),
    )


def sample(rows: Sequence[Row]) -> Sample:
    """Raises ValueError for no rows at all: an empty sample has no dimensions."""
    if not rows:
        raise ValueError("a sample needs at least one generation")
    return Sample(
        SCHEMA,
        prompts=np.stack([each.prompt for each in rows]),
        images=np.stack([each.image for each in rows]),
        parameters=np.array([each.parameters for each in rows], dtype=np.float32),
        scalars=np.array([each.scalars for each in rows], dtype=np.float32),
        prompt_keys=np.array([each.prompt_key for each in rows], dtype=np.uint64),
    )


def request_parameters(resolved: Mapping[str, Any], defaults: Defaults | None) -> tuple[float, ...]:
    """How a request departs from what the version does when nothing is asked: ratios as differences of logarithms.

    What people ask for is the condition an image is judged under; what a version does by default is the version. A
    parameter that is not known, or has no default to compare with, counts as left alone.
    """
    if defaults is None:
        return (0.0,) * len(PARAMETERS)
    usual = {name: getattr(defaults, name) for name in _COMPARED}
    return tuple(
        a - b for a, b in zip(encode_parameters(**asked(resolved, defaults)), encode_parameters(**usual), strict=True)
    )


def asked(resolved: Mapping[str, Any], defaults: Defaults) -> dict[str, Any]:
    """Steps, guidance, width and height as asked for, the version's own where nothing sensible was said.

    A service that reports its own generations may call anything "steps": what is no such number is not known.
    """
    known = {name: resolved.get(name) for name in _COMPARED}
    return {
        name: value if _is_number(value) and (value > 0 or name == "guidance") else getattr(defaults, name)
        for name, value in known.items()
    }


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST_PARAMETER


def scalar_columns(alignment: float, sharpness: float, contrast: float, brightness: float) -> tuple[float, ...]:
    """The values of the schema's scalars, in its order."""
    return (alignment, math.log(max(sharpness, _SHARPNESS_FLOOR)), contrast, brightness)


def columns(rows: Sequence[Row]) -> dict[str, NDArray[np.float32]]:
    """The schema's scalars by name, a value for each row."""
    values = np.array([each.scalars for each in rows], np.float32).reshape(len(rows), len(SCHEMA.scalars))
    return named(values)


def named(values: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The columns of an array [n, scalars] by the names the schema gives them."""
    return dict(zip((scalar.name for scalar in SCHEMA.scalars), values.T, strict=True))
