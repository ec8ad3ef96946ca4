"""Why an alarm: which prompts it comes from, by the words they share, and which generations it rests on."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from monitors.departures import cluster_departures
from monitors.explanation import contributions
from monitors.lens import Features
from monitors.topics import typical_words
from monitors.verdict import Verdict
from safelight.store import baselines
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Session
from safelight.store.scores import ScoredGeneration

_CONTRIBUTORS = 12
_TOPICS = 5


def contributors(features: Features, made: Sequence[ScoredGeneration], verdict: Verdict) -> list[dict[str, Any]]:
    """The generations that a finding rests on most, each with its share of it."""
    tail = verdict.evidence.get("tail")
    shares = contributions(features, verdict.reason, tail if isinstance(tail, str) else None)
    order = [int(i) for i in np.argsort(-shares)[:_CONTRIBUTORS] if shares[i] > 0]
    return [{"id": str(made[i].score.generation_id), "share": round(float(shares[i]), 4)} for i in order]


def topics(
    session: Session, baseline: KnownBaseline, features: Features, made: Sequence[ScoredGeneration]
) -> list[dict[str, Any]]:
    """The clusters of prompts whose images depart most, by their typical words: those of the baseline's own prompts
    where they were kept, and of the window's where they were not."""
    found = cluster_departures(features.lens, features)[:_TOPICS]
    usual = [topic.words for topic in baselines.topics(session, baseline.id)]
    here = typical_words([each.prompt for each in made], features.cluster, features.lens.clusters)
    return [
        {
            "words": list((usual[each.cluster] if usual else ()) or here[each.cluster]),
            "n": each.n,
            "share": each.share,
            "baseline_share": each.usual_share,
            "effect": each.effect,
            "signals": list(each.signals),
        }
        for each in found
    ]


def unseen(features: Features, made: Sequence[ScoredGeneration]) -> dict[str, Any]:
    """How many asked for what the baseline has never seen, and in which words: they are in no other figure."""
    count = int(features.unseen.sum())
    _, words = typical_words([each.prompt for each in made], features.unseen.astype(np.intp), 2)
    return {"n": count, "share": count / len(features), "words": list(words) if count else []}
