"""Questions asked by a person, beside the ticks: nothing of it is stored, and nobody is woken."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from safelight.errors import Kind, SafelightError
from safelight.settings import WatchingSettings
from safelight.store import alarms, monitors, sketches, standings, versions
from safelight.store.alarms import Raised
from safelight.store.database import Session
from safelight.store.verdicts import NewVerdict
from safelight.watching.assess import Assessor
from safelight.watching.budgeting import Spending, spending
from safelight.watching.lenses import LensCache
from safelight.watching.monitors import parse
from safelight.watching.observing import Observer
from safelight.watching.situation import Situation

COUNTED = timedelta(days=30)


@dataclass(frozen=True)
class Account:
    """What a monitor may spend on false alarms, and the alarms it raised in the last 30 days, false or not."""

    spending: Spending
    raised: Raised


@dataclass(frozen=True)
class Inquiry:
    """Somebody's look at one generator, with the parts that the ticks use too."""

    generator: str
    observer: Observer
    assessor: Assessor

    @classmethod
    def into(cls, session: Session, generator: str, settings: WatchingSettings, lenses: LensCache) -> "Inquiry":
        """Seen as the embedder sees that scored last. Raises `generator_not_found`."""
        versions.require_generator(session, generator)
        embedder = sketches.newest_embedder(session, generator) or ""
        observer = Observer(lenses, embedder, timedelta(minutes=settings.feedback_minutes))
        return cls(generator, observer, Assessor(settings, observer, embedder))

    def situation(self, session: Session) -> Situation:
        """Raises `nothing_serves`."""
        found = self.assessor.situation(session, self.generator)
        if found is None:
            raise SafelightError(
                Kind.CONFLICT, "nothing_serves", f"No version of {self.generator} serves yet. Promote one first."
            )
        return found

    def run(self, session: Session, name: str, now: datetime) -> NewVerdict:
        """What a monitor says at this moment, enabled or not. Raises `monitor_not_found`, `nothing_serves`."""
        monitor = monitors.get(session, self.generator, name)
        return self.assessor.answer(session, self.situation(session), now, name, parse(monitor.document))

    def accounts(self, session: Session, now: datetime) -> Mapping[str, Account]:
        """By monitor; those that ask nothing at present spend nothing, and are left out."""
        found = self.assessor.situation(session, self.generator)
        if found is None:
            return {}
        raised = alarms.by_monitor(session, self.generator, now - COUNTED)
        asked, _ = self.assessor.asked(session, found)
        spent = spending(asked, standings.of_generator(session, self.generator))
        return {each.monitor: Account(each, raised.get(each.monitor, Raised())) for each in spent}
