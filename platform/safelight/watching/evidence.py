"""What a person needs to see of an incident at once: the window, the worst images and the signals."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safelight.store import monitors, scores
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Session
from safelight.store.scores import ScoredGeneration
from safelight.store.verdicts import StoredVerdict
from safelight.watching.baselines import scalars_of
from safelight.watching.lenses import LensCache
from safelight.watching.monitors import ReleaseComparison
from safelight.watching.samples import SERVING_ARM, Row, columns, row, sample
from safelight.watching.situation import Situation, defaults_of, situation

LOOKED_AT = 1_000
"""The newest generations of the window that are read, however many it holds."""
_SHOWN = 12


class EvidenceGatherer:
    """Gathers from the store; everything is JSON, and prompts stay where they are."""

    def __init__(self, lenses: LensCache, embedder_digest: str) -> None:
        self._lenses = lenses
        self._embedder_digest = embedder_digest

    def __call__(self, session: Session, generator: str, verdict: StoredVerdict) -> dict[str, Any]:
        now = situation(session, generator, self._embedder_digest)
        if now is None or verdict.version is None:
            return {}
        start, end = _window(verdict, now)
        looked_at = scores.made_between(
            session,
            generator,
            verdict.version,
            start,
            end,
            arms=(SERVING_ARM,),
            embedder_digest=self._embedder_digest,
            limit=LOOKED_AT,
        )
        defaults = defaults_of(session, generator, verdict.version)
        readable = [(each, read) for each in looked_at if (read := row(each, defaults)) is not None]
        baseline = self._baseline(session, now, verdict)
        surprise = self._surprise(session, baseline, [read for _, read in readable])
        current = columns([read for _, read in readable])
        usual = scalars_of(session, baseline.id) if baseline else {}
        return {
            "version": verdict.version,
            "window": {"start": start.isoformat(), "end": end.isoformat(), "looked_at": len(looked_at)},
            "baseline": _named(baseline),
            "worst_images": _worst(looked_at, [each for each, _ in readable], surprise),
            "signals": _signals(current, usual),
        }

    def _baseline(self, session: Session, now: Situation, verdict: StoredVerdict) -> KnownBaseline | None:
        kinds = {each.name: each.kind for each in monitors.all_of(session, now.generator)}
        if kinds.get(verdict.monitor) == ReleaseComparison().kind:
            return now.references.previous
        return now.references.own or now.references.previous

    def _surprise(self, session: Session, baseline: KnownBaseline | None, rows: Sequence[Row]) -> NDArray[np.float32]:
        """How odd each image is for its prompt; without a baseline, how badly it fits the prompt."""
        if not rows:
            return np.zeros(0, np.float32)
        if baseline is None:
            return np.array([-each.scalars[0] for each in rows], np.float32)
        return self._lenses.get(session, baseline).features(sample(rows)).surprise


def _window(verdict: StoredVerdict, now: Situation) -> tuple[datetime, datetime]:
    seconds = verdict.verdict.window_seconds
    start = now.since if seconds is None else verdict.slot - timedelta(seconds=seconds)
    return max(start, now.since), verdict.slot


def _named(baseline: KnownBaseline | None) -> dict[str, Any] | None:
    if baseline is None:
        return None
    return {"id": str(baseline.id), "name": baseline.name, "version": baseline.version}


def _worst(
    looked_at: Sequence[ScoredGeneration], readable: Sequence[ScoredGeneration], surprise: NDArray[np.float32]
) -> list[dict[str, Any]]:
    """Blank images first, then the oddest. An image that cannot be read has nothing to show."""
    blank = [(each, None) for each in looked_at if each.score.blank]
    oddest = [(readable[i], float(surprise[i])) for i in np.argsort(-surprise)[:_SHOWN]]
    return [
        {
            "id": str(each.score.generation_id),
            "alignment": each.score.alignment,
            "blank": each.score.blank,
            "surprise": odd,
        }
        for each, odd in [*blank, *oddest][:_SHOWN]
    ]


def _signals(
    current: dict[str, NDArray[np.float32]], usual: dict[str, NDArray[np.float32]]
) -> dict[str, dict[str, float | None]]:
    return {
        name: {
            "current": float(values.mean()) if len(values) else None,
            "baseline": float(usual[name].mean()) if name in usual else None,
            "baseline_deviation": float(usual[name].std()) if name in usual else None,
        }
        for name, values in current.items()
    }
