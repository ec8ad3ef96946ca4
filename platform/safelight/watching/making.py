"""Making a baseline of traffic, from the question to the stored row."""

from datetime import datetime

from safelight.clock import Clock
from safelight.errors import Kind, SafelightError
from safelight.store import access, baselines, sketches, versions
from safelight.store.baselines import KnownBaseline
from safelight.store.database import Database
from safelight.watching.baselines import from_traffic


def make_from_traffic(
    database: Database,
    clock: Clock,
    *,
    generator: str,
    version: int,
    name: str,
    start: datetime,
    end: datetime,
    actor: str,
) -> KnownBaseline:
    """Fit a lens to what a version served in a range of time, and keep it. Takes seconds.

    Raises SafelightError: `version_not_found`, `nothing_scored`, `baseline_too_small`, `baseline_exists`.
    """
    with database.reading() as session:
        versions.require_version(session, generator, version)
        embedder = sketches.newest_embedder(session, generator)
        if embedder is None:
            raise SafelightError(
                Kind.CONFLICT,
                "nothing_scored",
                f"Nothing of {generator} has been scored yet. Send it traffic and see that a worker runs.",
            )
        fitted = from_traffic(
            session,
            generator=generator,
            version=version,
            embedder_digest=embedder,
            start=start,
            end=end,
            name=name,
            created_by=actor,
        )
    now = clock.now()
    with database.transaction() as session:
        made = baselines.add(session, fitted, now)
        access.record_audit(session, now, actor, "baseline.create", f"{generator} {version} {name}", f"n = {made.n}")
    return made
