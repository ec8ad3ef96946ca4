"""What a person needs to see of an incident at once: the window, the worst images, the signals and what they are of."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitors.lens import Features
from safelight.store import monitors
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Session
from safelight.store.scores import ScoredGeneration
from safelight.store.slices import Slice
from safelight.store.verdicts import StoredVerdict
from safelight.watching.baselines import scalars_of
from safelight.watching.explaining import contributors, topics, unseen
from safelight.watching.lenses import LensCache, LensUnreadable
from safelight.watching.looking import Seen, look
from safelight.watching.monitors import ReleaseComparison
from safelight.watching.samples import columns, sample
from safelight.watching.situation import Situation, situation

_SHOWN = 12


class EvidenceGatherer:
    """Gathers from the store; everything is JSON. Prompts stay where they are: only words that several share leave."""

    def __init__(self, lenses: LensCache, embedder_digest: str) -> None:
        self._lenses = lenses
        self._embedder_digest = embedder_digest

    def __call__(self, session: Session, generator: str, verdict: StoredVerdict) -> dict[str, Any]:
        now = situation(session, generator, self._embedder_digest)
        if now is None or verdict.version is None:
            return {}
        start, end = _window(verdict, now)
        blamed: Any = verdict.verdict.evidence.get("slice")
        part = Slice.parse(blamed["name"]) if blamed else None
        seen = look(session, generator, verdict.version, start, end, embedder_digest=self._embedder_digest, part=part)
        baseline = self._baseline(session, now, verdict)
        features = self._features(session, baseline, seen)
        return {
            "version": verdict.version,
            "window": {"start": start.isoformat(), "end": end.isoformat(), "looked_at": len(seen.generations)},
            **({"slice": blamed} if blamed else {}),
            "baseline": _named(baseline),
            "worst_images": _worst(seen, _surprise(features, seen)),
            "signals": _signals(columns(seen.rows), scalars_of(session, baseline.id) if baseline else {}),
            **(_explained(session, baseline, features, seen, verdict) if baseline and features else {}),
        }

    def _baseline(self, session: Session, now: Situation, verdict: StoredVerdict) -> KnownBaseline | None:
        kinds = {each.name: each.kind for each in monitors.all_of(session, now.generator)}
        if kinds.get(verdict.monitor) == ReleaseComparison().kind:
            return now.references.previous
        return now.references.own or now.references.previous

    def _features(self, session: Session, baseline: KnownBaseline | None, seen: Seen) -> Features | None:
        """None where there is nothing to look at, or no lens to look through."""
        if baseline is None or not seen.readable:
            return None
        try:
            return self._lenses.get(session, baseline).features(sample(seen.rows))
        except LensUnreadable:
            return None


def _explained(
    session: Session, baseline: KnownBaseline, features: Features, seen: Seen, verdict: StoredVerdict
) -> dict[str, Any]:
    made = [each for each, _ in seen.readable]
    return {
        "contributors": contributors(features, made, verdict.verdict),
        "topics": topics(session, baseline, features, made),
        "unseen": unseen(features, made),
    }


def _window(verdict: StoredVerdict, now: Situation) -> tuple[datetime, datetime]:
    seconds = verdict.verdict.window_seconds
    start = now.since if seconds is None else verdict.slot - timedelta(seconds=seconds)
    return max(start, now.since), verdict.slot


def _named(baseline: KnownBaseline | None) -> dict[str, Any] | None:
    if baseline is None:
        return None
    return {"id": str(baseline.id), "name": baseline.name, "version": baseline.version}


def _surprise(features: Features | None, seen: Seen) -> NDArray[np.float32]:
    """How odd each image is for its prompt; where no lens can tell, how badly it fits the prompt."""
    if features is None:
        return np.array([-each.scalars[0] for each in seen.rows], np.float32)
    return features.surprise


def _worst(seen: Seen, surprise: NDArray[np.float32]) -> list[dict[str, Any]]:
    """Blank images first, then the oddest. An image that cannot be read has nothing to show."""
    blank: Sequence[tuple[ScoredGeneration, float | None]] = [
        (each, None) for each in seen.generations if each.score.blank
    ]
    oddest = [(seen.readable[i][0], float(surprise[i])) for i in np.argsort(-surprise)[:_SHOWN]]
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
