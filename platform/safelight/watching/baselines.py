"""Making a baseline: from a recorded stream, or from traffic already logged for an accepted version."""

import io
from datetime import datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from monitors.fitting import BaselineTooSmall, fit_lens
from monitors.sample import Sample
from safelight.errors import Kind, SafelightError
from safelight.store import baselines, scores
from safelight.store.baselines import NewBaseline
from safelight.store.database import Session
from safelight.watching.recorded import RecordedSample
from safelight.watching.samples import JUDGED_ARMS, named, row, sample
from safelight.watching.situation import defaults_of

LARGEST = 60_000
"""Generations read for one baseline: what a lens needs at most; the newest of a range are taken."""
_SCALARS_KEPT = 2_000
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


def from_traffic(
    session: Session,
    *,
    generator: str,
    version: int,
    embedder_digest: str,
    start: datetime,
    end: datetime,
    name: str,
    created_by: str,
) -> NewBaseline:
    """Fit a baseline to the version's logged and scored traffic of a range of time; `session` only reads.

    Raises SafelightError `baseline_too_small`.
    """
    scored = scores.made_between(
        session, generator, version, start, end, arms=JUDGED_ARMS, embedder_digest=embedder_digest, limit=LARGEST
    )
    defaults = defaults_of(session, generator, version)
    rows = [read for each in scored if (read := row(each, defaults)) is not None]
    if not rows:
        raise _too_small("none of this version's generations in that range has been scored")
    return _fit(
        sample(rows),
        generator=generator,
        version=version,
        name=name,
        source="traffic",
        embedder_digest=embedder_digest,
        blank=sum(each.score.blank for each in scored),
        data_from=start,
        data_to=end,
        created_by=created_by,
    )


def scalars_of(session: Session, baseline_id: UUID) -> dict[str, NDArray[np.float32]]:
    """The baseline's scalar signals by name, at most a few thousand of each."""
    return named(np.load(io.BytesIO(baselines.scalars(session, baseline_id)), allow_pickle=False))


def _fit(
    data: Sample,
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
        created_by=created_by,
    )


def _too_small(what: str) -> SafelightError:
    return SafelightError(
        Kind.CONFLICT,
        "baseline_too_small",
        f"No baseline can be made: {what}. Wait for more traffic or widen the range.",
    )
