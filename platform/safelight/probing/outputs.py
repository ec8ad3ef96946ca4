"""From the images of a run to the arrays that are compared."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from monitors.probes import Drop, Made, Outputs, drop, pixel_distance
from safelight.probing.sets import Probe, Variant
from safelight.recording.generation import Outcome
from safelight.scoring.measuring import decode
from safelight.store.probe_images import ScoredProbe

Images: TypeAlias = Mapping[int, ScoredProbe]
"""One output of each probe, by its place."""
Read: TypeAlias = Callable[[str], bytes]

# What says something about the machine or the way to it, and nothing about the version.
_LOST = frozenset({"engine_lost", "deadline_exceeded", "engine_refused", "parameter_invalid"})


def of_repeat(images: Sequence[ScoredProbe], repeat: int) -> dict[int, ScoredProbe]:
    return {image.place: image for image in images if image.repeat == repeat}


def is_settled(image: ScoredProbe) -> bool:
    """Whether all is known of an image that will ever be."""
    return image.scored or image.outcome != Outcome.SERVED


def made(image: ScoredProbe | None) -> Made:
    if image is None or image.error_code in _LOST or not is_settled(image):
        return Made.MISSING
    if image.outcome != Outcome.SERVED or image.bad or image.image is None:
        return Made.BROKEN
    return Made.GOOD


def outputs(images: Images, places: Sequence[int]) -> Outputs:
    """In the order of `places`."""
    found = [images.get(place) for place in places]
    width = next((len(each.image) for each in found if each is not None and each.image is not None), 1)
    vectors = np.full((len(places), width), np.nan, np.float32)
    alignments = np.full(len(places), np.nan)
    states = [made(each) for each in found]
    for row, (state, each) in enumerate(zip(states, found, strict=True)):
        if state is Made.GOOD and each is not None and each.image is not None and each.alignment is not None:
            vectors[row], alignments[row] = each.image, each.alignment
    return Outputs(states, vectors, alignments)


def pixel_distances(a: Images, b: Images, places: Sequence[int], read: Read) -> NDArray[np.float64]:
    """Of the images at each place; NaN where one is missing or cannot be read, also because the store is away.

    Equal files are equal images: on an engine that repeats itself hardly an image is ever read.
    """
    return np.array([_distance(a.get(place), b.get(place), read) for place in places])


def brittleness(probes: Sequence[Probe], images: Images) -> dict[Variant, Drop]:
    """What other words cost: the alignment of both images with the plain prompt, for each kind of variant."""
    found = {}
    for variant in Variant:
        pairs = [
            (images.get(probe.of), images.get(place))
            for place, probe in enumerate(probes)
            if probe.variant is variant and probe.of is not None
        ]
        aligned = [_alignments(plain, varied) for plain, varied in pairs]
        known = np.array([each for each in aligned if each is not None]).reshape(-1, 2)
        lost = drop(known[:, 0], known[:, 1])
        if lost is not None:
            found[variant] = lost
    return found


def _alignments(plain: ScoredProbe | None, varied: ScoredProbe | None) -> tuple[float, float] | None:
    if plain is None or varied is None or plain.prompt is None or plain.image is None or varied.image is None:
        return None
    return float(plain.image @ plain.prompt), float(varied.image @ plain.prompt)


def _distance(a: ScoredProbe | None, b: ScoredProbe | None, read: Read) -> float:
    if a is None or b is None or a.image_key is None or b.image_key is None:
        return np.nan
    if a.sha256 == b.sha256:
        return 0.0
    try:
        return pixel_distance(decode(read(a.image_key)), decode(read(b.image_key)))
    except (OSError, ValueError):
        return np.nan
