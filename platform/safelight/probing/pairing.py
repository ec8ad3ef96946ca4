"""What probes of two versions on the same prompts and seeds say of the one beside the other: figures for a gate."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitors import estimates
from monitors.estimates import Figure, TooFew, clustered_mean, quantile_estimate
from monitors.paired_rate import rate_change
from monitors.probes import Made
from monitors.sample import prompt_key
from monitors.vendi import diversity, diversity_change
from registry.gates.evidence import Interval, Paired
from safelight.probing.outputs import Images, outputs
from safelight.probing.sets import Probe
from safelight.store.probe_images import ScoredProbe


def paired(against: int, now: Images, serving: Images, probes: Sequence[Probe], places: Sequence[int]) -> Paired:
    """The version's images less those of the one that serves, which is `against`.

    Latency is compared where both were made in batches of one size, cost as an image's part of its batch. Both engines
    do it at the same time and on the same machine, wherever that is how they serve.
    """
    new, old = outputs(now, places), outputs(serving, places)
    good = new.mask(Made.GOOD) & old.mask(Made.GOOD)
    keys = np.array([prompt_key(probes[place].prompt) for place in places], np.uint64)[good]
    both = ~new.mask(Made.MISSING) & ~old.mask(Made.MISSING)
    broken, mended = (
        int((worse.mask(Made.BROKEN) & better.mask(Made.GOOD)).sum()) for worse, better in ((new, old), (old, new))
    )
    pairs = [(now[place], serving[place]) for place, fine in zip(places, good, strict=True) if fine]
    return Paired(
        against=against,
        asked=len(places),
        compared=int(both.sum()),
        alignment=_interval(clustered_mean(new.alignments[good] - old.alignments[good], keys)),
        broken_rate=_interval(rate_change(broken, mended, int(both.sum()))),
        diversity=_diversity(old.images[good], new.images[good], keys),
        latency=_ratio([_latencies(*pair) for pair in pairs]),
        cost=_ratio([_costs(*pair) for pair in pairs]),
    )


def _diversity(old: NDArray[np.float32], new: NDArray[np.float32], keys: NDArray[np.uint64]) -> Interval | None:
    """The change as a share of the old score."""
    before = diversity(old, keys, len(keys))
    if isinstance(before, TooFew):
        return None
    change = _interval(diversity_change(old, new, keys))
    if change is None:
        return None
    return replace(
        change, value=change.value / before.value, low=change.low / before.value, high=change.high / before.value
    )


def _latencies(now: ScoredProbe, serving: ScoredProbe) -> tuple[float, float] | None:
    if now.batch_size is None or now.batch_size != serving.batch_size:
        return None
    return _known(now.engine_ms, serving.engine_ms)


def _costs(now: ScoredProbe, serving: ScoredProbe) -> tuple[float, float] | None:
    shares = [
        each.engine_ms / each.batch_size if each.engine_ms is not None and each.batch_size else None
        for each in (now, serving)
    ]
    return _known(*shares)


def _known(now: float | None, serving: float | None) -> tuple[float, float] | None:
    return (now, serving) if now is not None and serving else None


def _ratio(times: Sequence[tuple[float, float] | None]) -> Interval | None:
    """The median ratio of the times of a pair, less one."""
    known = np.array([each for each in times if each is not None]).reshape(-1, 2)
    found = quantile_estimate(known[:, 0] / known[:, 1], 0.5)
    if isinstance(found, TooFew):
        return None
    return Interval(found.value - 1.0, found.low - 1.0, found.high - 1.0, found.n)


def _interval(figure: Figure) -> Interval | None:
    if isinstance(figure, estimates.Estimate):
        return Interval(figure.value, figure.low, figure.high, figure.n)
    return None
