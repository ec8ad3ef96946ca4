"""Looking into a baseline: what it is about, and how small a change it lets the monitors see."""

from dataclasses import dataclass
from datetime import timedelta

from monitors.sight import Sight, sight
from safelight.errors import SafelightError
from safelight.settings import WatchingSettings
from safelight.store import baselines, monitors
from safelight.store.baselines import KnownBaseline, Topic
from safelight.store.database import Session
from safelight.store.monitors import StoredMonitor
from safelight.watching.lenses import LensCache
from safelight.watching.monitors import ConditionalDrift, Document, budget, parse


@dataclass(frozen=True)
class Insight:
    """`sight` is None for a lens that this release cannot read; the largest of the topics comes first."""

    baseline: KnownBaseline
    sight: Sight | None
    topics: list[Topic]


def inspect(session: Session, baseline: KnownBaseline, lenses: LensCache, settings: WatchingSettings) -> Insight:
    """A baseline with all that can be said of it."""
    try:
        seen = sight(lenses.get(session, baseline), level(session, baseline.generator, settings))
    except ValueError:
        seen = None
    topics = sorted(baselines.topics(session, baseline.id), key=lambda topic: -topic.n)
    return Insight(baseline, seen, topics)


def level(session: Session, generator: str, settings: WatchingSettings) -> float:
    """The level at which one comparison with a version's own baseline is made, as the monitors stand."""
    documents = [each for each in map(_readable, monitors.all_of(session, generator)) if each is not None]
    drift = next((each for each in documents if isinstance(each, ConditionalDrift)), ConditionalDrift())
    return budget(
        drift,
        documents if drift in documents else [*documents, drift],
        false_alarms_per_month=settings.false_alarms_per_month,
        tick=timedelta(seconds=settings.tick_seconds),
        width=timedelta(seconds=settings.bucket_seconds),
    ).alpha


def _readable(monitor: StoredMonitor) -> Document | None:
    if not monitor.enabled:
        return None
    try:
        return parse(monitor.document)
    except SafelightError:
        return None
