"""What a lens and the slices need to know of each generation beside its vectors: how it departs from what is usual for
its version, and which parts of the traffic it belongs to."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.parameters import Defaults
from safelight.backtesting.gathering import Stream
from safelight.backtesting.recording import Details
from safelight.settings import SliceAttribute
from safelight.watching.samples import request_parameters
from safelight.watching.slicing import slices_of

_LOOKED_AT = 5_000


class Traits:
    """Read once from the details of a stream; a few words a generation are held in memory."""

    def __init__(self, stream: Stream, attributes: Sequence[SliceAttribute], most_slices: int) -> None:
        records = stream.take(slice(None))[["offset", "words", "version"]]
        details = [stream.recording.details(record) for record in records]
        versions = [int(version) for version in records["version"]]
        self.defaults = _defaults(details, versions)
        self._parameters = np.array(
            [request_parameters(d.parameters, self.defaults[v]) for d, v in zip(details, versions, strict=True)],
            np.float32,
        )
        wanted = [tuple(slices_of(d, self.defaults[v], attributes)) for d, v in zip(details, versions, strict=True)]
        counts = Counter(each for slices in wanted for each in slices)
        kept = {each: each.name for each, _ in counts.most_common(most_slices)}
        self._slices = [tuple(kept.get(each, each.rest.name) for each in slices) for slices in wanted]

    def parameters(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """How requests depart from their version's defaults [n, 4]."""
        return self._parameters[rows]

    def slices(self, row: int) -> tuple[str, ...]:
        """The names of the slices that a generation belongs to."""
        return self._slices[row]


def _defaults(details: Sequence[Details], versions: Sequence[int]) -> dict[int, Defaults | None]:
    """For each version what its first requests asked for most: what people get who ask for nothing.

    None where not even the size is known.
    """
    asked: dict[int, list[Mapping[str, Any]]] = {version: [] for version in dict.fromkeys(versions)}
    for each, version in zip(details, versions, strict=True):
        if len(asked[version]) < _LOOKED_AT:
            asked[version].append(each.parameters)
    return {version: _usual(parameters) for version, parameters in asked.items()}


def _usual(requests: Sequence[Mapping[str, Any]]) -> Defaults | None:
    names = ("steps", "guidance", "width", "height")
    found = {name: Counter(each[name] for each in requests if each.get(name) is not None) for name in names}
    usual = {name: counts.most_common(1)[0][0] for name, counts in found.items() if counts}
    try:
        return Defaults(**({"steps": 1, "guidance": 1.0} | usual)) if {"width", "height"} <= usual.keys() else None
    except ValueError:
        return None
