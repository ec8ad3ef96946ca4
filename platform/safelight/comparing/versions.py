"""Versions side by side, from what was stored of them: counts by the database, the rest from a sample of each."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from monitors.estimates import clustered_mean, quantile_estimate, rate_estimate
from monitors.sample import prompt_key
from monitors.vendi import diversity
from safelight.comparing.distances import Embedded, distances, other_prompts
from safelight.comparing.documents import Distance, Figure, Note, Side, VersionComparison
from safelight.errors import Kind, SafelightError
from safelight.store import comparisons, sketches, totals, versions
from safelight.store.comparisons import Sampled
from safelight.store.database import Session
from safelight.store.totals import Totals
from safelight.watching.samples import JUDGED_ARMS

SAMPLED = 2_000
"""Generations read of each version: enough for every figure at up to 650 dimensions, and a second's work."""
MOST_VERSIONS = 4
_EMBEDDINGS_MATTER = 200
_MS_PER_HOUR = 3.6e6


def compare(
    session: Session,
    generator: str,
    numbers: Sequence[int],
    start: datetime,
    end: datetime,
    price_per_hour: float | None,
) -> VersionComparison:
    """Hold the versions against the first of them, over what they served in [start, end). Takes seconds.

    Raises SafelightError: `version_not_found`, `versions_invalid`, `range_invalid`.
    """
    if not 2 <= len(set(numbers)) == len(numbers) <= MOST_VERSIONS:
        raise SafelightError(
            Kind.INVALID, "versions_invalid", f"Name two to {MOST_VERSIONS} different versions to compare."
        )
    if not start < end:
        raise SafelightError(Kind.INVALID, "range_invalid", "'from' lies before 'to'.")
    for number in numbers:
        versions.require_version(session, generator, number)
    embedder = sketches.newest_embedder(session, generator)
    if embedder is None:
        note = Note(code="nothing_scored", text=f"Nothing of {generator} has been scored yet.")
        return _answer(generator, start, end, None, [], [], [note])
    samples = {number: _sample(session, generator, number, start, end, embedder) for number in numbers}
    embedded = {number: embed(number, rows) for number, rows in samples.items()}
    common = min(len(each) for each in embedded.values())
    sides = []
    for number, rows in samples.items():
        counted = _counted(session, generator, number, embedder, start, end)
        metrics = {
            **_estimated(rows),
            "diversity": Figure.of(diversity(embedded[number].images, embedded[number].keys, common)),
            **_rates(counted),
            **_costs(counted, price_per_hour),
        }
        different = len({each.prompt for each in rows})
        sides.append(Side(version=number, n=counted.scored, sampled=len(rows), prompts=different, metrics=metrics))
    first, *others = numbers
    apart = [each for other in others for each in distances(embedded[first], embedded[other])]
    return _answer(generator, start, end, embedder, sides, apart, _notes(sides, apart))


def embed(version: int, rows: Sequence[Sampled]) -> Embedded:
    """The rows that show something, in an order that means nothing."""
    shown = [(each.image, each.prompt_vector, each.prompt) for each in rows]
    whole = [(image, vector, prompt) for image, vector, prompt in shown if image is not None and vector is not None]
    order = np.random.default_rng(0).permutation(len(whole))
    if not whole:
        return Embedded(version, *(np.zeros((0, 1), np.float32),) * 2, np.zeros(0, np.uint64))
    return Embedded(
        version,
        images=np.stack([whole[i][0] for i in order]),
        prompts=np.stack([whole[i][1] for i in order]),
        keys=np.array([prompt_key(whole[i][2]) for i in order], np.uint64),
    )


def _sample(
    session: Session, generator: str, number: int, start: datetime, end: datetime, embedder: str
) -> list[Sampled]:
    return comparisons.sampled(
        session, generator, number, start, end, arms=JUDGED_ARMS, embedder_digest=embedder, limit=SAMPLED
    )


def aligned(rows: Sequence[Sampled]) -> Figure:
    """The mean prompt alignment of the rows that show something."""
    known = [(each.alignment, prompt_key(each.prompt)) for each in rows if each.alignment is not None]
    values = np.array([value for value, _ in known], np.float64)
    return Figure.of(clustered_mean(values, np.array([key for _, key in known], np.uint64)))


def _estimated(rows: Sequence[Sampled]) -> dict[str, Figure]:
    latency = np.array([each.total_ms for each in rows if each.total_ms is not None], np.float64)
    return {
        "alignment": aligned(rows),
        "latency_p50_ms": Figure.of(quantile_estimate(latency, 0.5)),
        "latency_p95_ms": Figure.of(quantile_estimate(latency, 0.95)),
    }


def _counted(session: Session, generator: str, number: int, embedder: str, start: datetime, end: datetime) -> Totals:
    arms = [totals.totals(session, generator, number, arm, embedder, start, end) for arm in JUDGED_ARMS]
    return Totals(**{name: sum(getattr(arm, name) for arm in arms) for name in vars(arms[0])})


def _rates(counted: Totals) -> dict[str, Figure]:
    rates: Mapping[str, tuple[int, int]] = {
        "broken_rate": (counted.blank + counted.broken, counted.scored),
        "near_duplicate_rate": (counted.near_duplicates, counted.scored - counted.broken),
        "failed_rate": (counted.failed, counted.served + counted.filtered + counted.failed),
        "filtered_rate": (counted.filtered, counted.served + counted.filtered),
        "thumbs_up_rate": (counted.up, counted.up + counted.down),
        "regenerated_rate": (counted.regenerated, counted.served),
        "downloaded_rate": (counted.downloaded, counted.served),
    }
    # Feedback may come for what was served before the range: no rate is ever more than all.
    return {name: Figure.of(rate_estimate(min(events, total), total)) for name, (events, total) in rates.items()}


def _costs(counted: Totals, price_per_hour: float | None) -> dict[str, Figure]:
    """Counted, not estimated: without an interval. Nothing without a price."""
    if price_per_hour is None:
        return {}
    spent = counted.engine_ms / _MS_PER_HOUR * price_per_hour
    images = {"cost_per_image": counted.served, "cost_per_accepted_image": counted.accepted}
    return {name: Figure(value=spent / n if n else None, n=n) for name, n in images.items()}


def _notes(sides: Sequence[Side], apart: Sequence[Distance]) -> list[Note]:
    notes = [note for each in apart if (note := other_prompts(each)) is not None]
    few = [str(side.version) for side in sides if side.sampled < _EMBEDDINGS_MATTER]
    if few:
        text = f"Of version {' and '.join(few)} too little was scored in this range for most figures."
        notes.append(Note(code="too_few", text=text))
    return notes


def _answer(
    generator: str,
    start: datetime,
    end: datetime,
    embedder: str | None,
    sides: list[Side],
    apart: list[Distance],
    notes: list[Note],
) -> VersionComparison:
    return VersionComparison(
        generator=generator,
        start=start,
        end=end,
        embedder_digest=embedder,
        sides=sides,
        distances=apart,
        notes=notes,
    )
