"""Probes asked for by a person: of a version that serves, or of one that is to be promoted."""

from datetime import datetime, timedelta

from registry.versions import require_held
from safelight.errors import Kind, SafelightError
from safelight.probing.ordering import baseline_run
from safelight.releasing.service import ALIVE
from safelight.store import access, engines, probe_sets, probes, versions
from safelight.store.database import Session
from safelight.store.engines import KnownEngine
from safelight.store.probes import KnownRun, NewRun, Purpose

WITHIN = timedelta(hours=1)


def request(
    session: Session,
    *,
    generator: str,
    version: int,
    against: int | None,
    probe_set: str,
    pairs: int | None,
    actor: str,
    now: datetime,
) -> KnownRun:
    """Order probes of a version, held against the stored outputs of `against` (None: its own).

    A version that no engine holds is loaded for them, where an engine of the generator runs. Outputs that are to be
    compared with and are not stored yet are ordered along. `pairs` None means the whole set. Raises SafelightError
    cannot_probe and what is not found; ServedElsewhere.
    """
    _require_held(session, generator, version)
    whose = version if against is None else against
    _require_held(session, generator, whose)
    chosen = probe_sets.require(session, generator, probe_set)
    ready = _ready(session, generator, now)
    access.record_audit(session, now, actor, "probes.order", f"{generator} {version}")
    if not probes.baselines(session, generator, whose, chosen.id):
        stored = probes.order(session, baseline_run(generator, whose, chosen, _host(ready, whose), now, actor), now)
        if whose == version:
            return stored
    whole = tuple(range(len(chosen.probes)))
    return probes.order(
        session,
        NewRun(
            generator=generator,
            version=version,
            set_id=chosen.id,
            purpose=Purpose.REQUESTED,
            places=whole if pairs is None else chosen.plain[:pairs],
            against=against,
            host=_host(ready, version),
            expires_at=now + WITHIN,
            ordered_by=actor,
        ),
        now,
    )


def store_outputs(
    session: Session, *, generator: str, version: int, probe_set: str, actor: str, now: datetime
) -> KnownRun:
    """Have a version's outputs made anew: later probes of it are held against them. Raises what `request` raises."""
    _require_held(session, generator, version)
    chosen = probe_sets.require(session, generator, probe_set)
    host = _host(_ready(session, generator, now), version)
    access.record_audit(session, now, actor, "probes.store", f"{generator} {version}")
    return probes.order(session, baseline_run(generator, version, chosen, host, now, actor), now)


def _require_held(session: Session, generator: str, version: int) -> None:
    """Raises `version_not_found`, ServedElsewhere."""
    known = versions.require_version(session, generator, version)
    require_held(generator, version, known.manifest)


def _ready(session: Session, generator: str, now: datetime) -> list[KnownEngine]:
    ready = [each for each in engines.ready(session, now - ALIVE) if each.generator == generator]
    if not ready:
        raise SafelightError(
            Kind.CONFLICT,
            "cannot_probe",
            f"No engine of Safelight runs for {generator}, so that nothing can be probed. Start one, or compare the "
            "versions by traffic that you send in.",
        )
    return ready


def _host(ready: list[KnownEngine], version: int) -> str:
    """Where the version is loaded, or could be."""
    return next((engine.host for engine in ready if engine.version == version), ready[0].host)
