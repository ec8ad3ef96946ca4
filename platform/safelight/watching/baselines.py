"""Making a baseline: from a recorded stream, or from traffic already logged for an accepted version."""

import io
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from monitors.fitting import BaselineTooSmall, fit_lens
from monitors.lens import Lens
from monitors.sample import Sample
from monitors.topics import typical_words
from safelight.errors import Kind, SafelightError
from safelight.store import baselines, scores
from safelight.store.baselines import NewBaseline, Topic
from safelight.store.database import Session
from safelight.store.scores import ScoredGeneration
from safelight.watching.quiet import Stretch
from safelight.watching.recorded import RecordedSample
from safelight.watching.samples import Row, named, row, sample
from safelight.watching.situation import defaults_of

LARGEST = 60_000
"""Generations read for one baseline: what a lens needs at most; the newest of a range are taken."""
_SCALARS_KEPT = 2_000
_PLACED = 10_000
"""Generations of a baseline that are placed into its clusters: enough for their sizes and words."""
_SEED = 0


def from_recorded(
    recorded: RecordedSample,
    *,
    generator: str,
    version: int,
    bundle_digest: str,
    embedder_digest: str,
    name: str,
    created_by: str,
) -> NewBaseline:
    """Fit a baseline to a recorded stream. Takes seconds: call it outside a transaction, then store the result.

    Raises SafelightError `recorded_sample_foreign` where the stream is of another bundle or embedder, and
    `baseline_too_small`.
    """
    if (recorded.bundle_digest, recorded.embedder_digest) != (bundle_digest, embedder_digest):
        raise SafelightError(
            Kind.CONFLICT,
            "recorded_sample_foreign",
            f"The recorded sample is not of version {version} of {generator} as this embedder sees it: it was recorded "
            f"from bundle {recorded.bundle_digest} with embedder {recorded.embedder_digest}. Record it again.",
        )
    return _fit(
        recorded.sample,
        (),
        generator=generator,
        version=version,
        name=name,
        source="recorded",
        embedder_digest=embedder_digest,
        blank=recorded.blank,
        data_from=None,
        data_to=None,
        created_by=created_by,
    )


@dataclass(frozen=True, eq=False)
class Logged:
    """Scored generations of one version, read and ready to be fitted. `blank` ones showed nothing and are left out."""

    rows: Sequence[Row]
    prompts: Sequence[str]
    blank: int
    embedder_digest: str


def logged(
    session: Session,
    generator: str,
    version: int,
    stretches: Iterable[Stretch],
    *,
    arms: Collection[str],
    embedder_digest: str,
) -> Logged:
    """A version's scored traffic of some stretches of time, the newest up to `LARGEST`."""
    scored: list[ScoredGeneration] = []
    for start, end in sorted(stretches, reverse=True):
        scored += scores.made_between(
            session,
            generator,
            version,
            start,
            end,
            arms=arms,
            embedder_digest=embedder_digest,
            limit=LARGEST - len(scored),
        )
    return _logged(session, generator, version, scored, embedder_digest)


def replayed(session: Session, generator: str, version: int, job_id: UUID, embedder_digest: str) -> Logged:
    """What a version made in a replay."""
    scored = scores.of_request(session, job_id, embedder_digest=embedder_digest)
    return _logged(session, generator, version, scored, embedder_digest)


def from_logged(
    read: Logged,
    *,
    generator: str,
    version: int,
    source: str,
    name: str,
    data_from: datetime | None,
    data_to: datetime | None,
    created_by: str,
) -> NewBaseline:
    """Fit a baseline to what was read. Takes seconds: call it outside a transaction, then store the result.

    Raises SafelightError `baseline_too_small`.
    """
    if not read.rows:
        raise _too_small("nothing of this version was scored there, or all of it lies in incidents")
    return _fit(
        sample(read.rows),
        read.prompts,
        generator=generator,
        version=version,
        name=name,
        source=source,
        embedder_digest=read.embedder_digest,
        blank=read.blank,
        data_from=data_from,
        data_to=data_to,
        created_by=created_by,
    )


def scalars_of(session: Session, baseline_id: UUID) -> dict[str, NDArray[np.float32]]:
    """The baseline's scalar signals by name, at most a few thousand of each."""
    return named(np.load(io.BytesIO(baselines.scalars(session, baseline_id)), allow_pickle=False))


def _logged(
    session: Session, generator: str, version: int, scored: Sequence[ScoredGeneration], embedder_digest: str
) -> Logged:
    defaults = defaults_of(session, generator, version)
    readable = [(each.prompt, read) for each in scored if (read := row(each, defaults)) is not None]
    return Logged(
        rows=[read for _, read in readable],
        prompts=[prompt for prompt, _ in readable],
        blank=sum(each.score.blank for each in scored),
        embedder_digest=embedder_digest,
    )


def _fit(
    data: Sample,
    prompts: Sequence[str],
    *,
    generator: str,
    version: int,
    name: str,
    source: str,
    embedder_digest: str,
    blank: int,
    data_from: datetime | None,
    data_to: datetime | None,
    created_by: str,
) -> NewBaseline:
    try:
        lens = fit_lens(data, _SEED)
    except BaselineTooSmall as error:
        raise _too_small(str(error)) from error
    kept = np.random.default_rng(_SEED).permutation(len(data))[:_SCALARS_KEPT]
    scalars = io.BytesIO()
    np.save(scalars, data.scalars[kept], allow_pickle=False)
    return NewBaseline(
        generator=generator,
        version=version,
        name=name,
        source=source,
        embedder_digest=embedder_digest,
        n=len(data),
        blank=blank,
        data_from=data_from,
        data_to=data_to,
        lens=lens.to_bytes(),
        lens_digest=lens.digest,
        scalars=scalars.getvalue(),
        topics=_topics(lens, data, prompts),
        created_by=created_by,
    )


def _topics(lens: Lens, data: Sample, prompts: Sequence[str]) -> list[Topic]:
    """How many generations of the baseline fall into each cluster, and its typical words, where prompts are known."""
    chosen = np.random.default_rng(_SEED).permutation(len(data))[:_PLACED]
    cluster = lens.features(data.take(chosen)).cluster
    sizes = np.bincount(cluster, minlength=lens.clusters)
    asked = [prompts[i] for i in chosen] if prompts else []
    words = typical_words(asked, cluster[: len(asked)], lens.clusters)
    return [Topic(int(size), typical) for size, typical in zip(sizes, words, strict=True)]


def _too_small(what: str) -> SafelightError:
    return SafelightError(
        Kind.CONFLICT,
        "baseline_too_small",
        f"No baseline can be made: {what}. Wait for more traffic or widen the range.",
    )
