"""Two rounds of the same probes, made here and now: does the one do better than the other?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitors.paired import decrease, more_often
from monitors.probes import ALIGNMENT_MARGIN, MIN_PAIRS, Made, Outputs
from monitors.scan import Rule
from monitors.verdict import Json


@dataclass(frozen=True)
class Departures:
    """How each probe departed from its stored output, by its place; None where that cannot be told.

    `moved` is the length of the embedding difference, `broken` whether the image broke that was good.
    """

    rule: Rule
    alignment: Mapping[int, float | None]
    moved: Mapping[int, float | None]
    broken: Mapping[int, bool]

    def to_dict(self) -> dict[str, Json]:
        return {
            "rule": self.rule.value,
            "alignment": {str(place): value for place, value in self.alignment.items()},
            "moved": {str(place): value for place, value in self.moved.items()},
            "broken": [place for place, value in self.broken.items() if value],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Departures:
        alignment = {int(place): value for place, value in data["alignment"].items()}
        moved = {int(place): value for place, value in data["moved"].items()}
        return cls(Rule(data["rule"]), alignment, moved, {place: place in set(data["broken"]) for place in alignment})


def departures(now: Outputs, stored: Outputs, places: Sequence[int], rule: Rule) -> Departures:
    """Probe by probe, what `compare` looks at as a whole."""
    good = now.mask(Made.GOOD) & stored.mask(Made.GOOD)
    lost = now.mask(Made.BROKEN) & stored.mask(Made.GOOD)
    changes = now.alignments - stored.alignments
    lengths = np.linalg.norm(now.images - stored.images, axis=1)
    return Departures(
        rule,
        {place: float(changes[i]) if good[i] else None for i, place in enumerate(places)},
        {place: float(lengths[i]) if good[i] else None for i, place in enumerate(places)},
        {place: bool(lost[i]) for i, place in enumerate(places)},
    )


def better(other: Departures, suspect: Departures) -> float:
    """The p-value of `other` doing better than `suspect`, probe by probe, both made here and now.

    That something passes its probes may mean that too few of them were made to see its fault; that it does better than
    what is to be replaced is evidence. What spoils both alike is no reason to prefer either. Where any change of the
    suspect counts, lying nearer to one's own stored outputs counts as better, too.
    """
    places = [place for place in suspect.alignment if place in other.alignment]
    losing = sum(suspect.broken[place] and not other.broken[place] for place in places)
    gaining = sum(other.broken[place] and not suspect.broken[place] for place in places)
    tests = [
        more_often(losing, gaining),
        decrease(_differences(suspect.alignment, other.alignment, places), ALIGNMENT_MARGIN).p_value,
    ]
    if suspect.rule is Rule.ANY_CHANGE:
        tests.append(decrease(_differences(other.moved, suspect.moved, places)).p_value)
    return min(1.0, len(tests) * min(tests))


def _differences(
    a: Mapping[int, float | None], b: Mapping[int, float | None], places: Sequence[int]
) -> NDArray[np.float64]:
    pairs = [(a[place], b[place]) for place in places]
    known = np.array([x - y for x, y in pairs if x is not None and y is not None])
    return known if len(known) >= MIN_PAIRS else np.zeros(1)
