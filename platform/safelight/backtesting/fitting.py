"""What the early days looked like: the lens and the rates that later ticks are held against."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from monitors.fitting import BaselineTooSmall, fit_lens
from monitors.lens import Lens
from monitors.rates import RateCounts
from monitors.sample import Sample
from safelight.backtesting.gathering import Stream
from safelight.backtesting.recording import milliseconds
from safelight.backtesting.traits import Traits
from safelight.errors import Kind, SafelightError
from safelight.watching.baselines import LARGEST
from safelight.watching.samples import SCHEMA

_SEED = 0


@dataclass(frozen=True, eq=False)
class Fitted:
    """A baseline of `n` generations of the versions that served then; `blank` of all images, blank ones included."""

    lens: Lens
    n: int
    blank: RateCounts
    versions: frozenset[int]


def fit(stream: Stream, traits: Traits, until: datetime) -> Fitted:
    """Fit to what was made before `until`. Raises SafelightError `baseline_too_small`."""
    early = np.flatnonzero(stream.column("at") < milliseconds(until))
    blank = stream.column("blank")[early].astype(bool)
    readable = early[~blank]
    chosen = np.sort(np.random.default_rng(_SEED).permutation(readable)[:LARGEST])
    try:
        if not len(chosen):
            raise BaselineTooSmall("there is no generation")
        lens = fit_lens(sample(stream, traits, chosen), _SEED)
    except BaselineTooSmall as error:
        raise SafelightError(
            Kind.CONFLICT,
            "baseline_too_small",
            f"What was made before {until:%Y-%m-%d %H:%M} UTC cannot say what is usual: {error}. Bring more of it, or "
            "set --fit-until later.",
        ) from error
    versions = frozenset(int(each) for each in np.unique(stream.column("version")[early]))
    return Fitted(lens, len(chosen), RateCounts(int(blank.sum()), len(early)), versions)


def sample(stream: Stream, traits: Traits, rows: NDArray[np.intp]) -> Sample:
    """Generations of a stream, none of them blank, as a lens reads them."""
    records = stream.take(rows)
    return Sample(
        SCHEMA,
        prompts=records["prompt"].astype(np.float32),
        images=records["image"].astype(np.float32),
        parameters=traits.parameters(rows),
        scalars=records["scalars"],
        prompt_keys=records["prompt_key"],
    )
