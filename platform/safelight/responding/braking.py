"""What holds an armed policy back, gathered from the store: the stop switch, the hour's count, the target's fitness."""

from collections.abc import Sequence
from datetime import datetime

from registry.ledger import Entry
from registry.rules import known_good, quarantined
from safelight.responding.causes import ACTOR
from safelight.responding.fitness import Fitness, fitness, target
from safelight.responding.policy import COOLDOWN, MOST_PER_HOUR, Brakes
from safelight.store import chains, drills, guard, releases, versions
from safelight.store.database import Session


def brakes(session: Session, generator: str, to: int | None, now: datetime) -> Brakes:
    """As they are now, for going back to a version."""
    return Brakes(
        stopped=guard.stopped(session) is not None,
        most_per_hour=guard.most_per_hour(session, generator) or MOST_PER_HOUR,
        automatic=releases.rollbacks_by(session, generator, ACTOR, now - COOLDOWN),
        target=Fitness.FIT if to is None else fit(session, generator, chains.decisive(session, generator), to, now),
    )


def suggested(session: Session, generator: str, now: datetime) -> int | None:
    """The version to go back to: the last known good that nothing speaks against, or else the last known good."""
    chain = chains.decisive(session, generator)
    unfit = [each for each in known_good(chain) if fit(session, generator, chain, each, now) is not Fitness.FIT]
    return target(chain, unfit)


def fit(session: Session, generator: str, chain: Sequence[Entry], version: int, now: datetime) -> Fitness:
    """What speaks against a version as the one to go back to. `chain` is what decides of the generator's."""
    registered = versions.find_version(session, generator, version)
    return fitness(
        chain,
        version,
        digest=registered.digest if registered and registered.gone_at is None else None,
        quarantined=quarantined(chain),
        unverified=drills.unverified(session, generator),
        now=now,
    )
