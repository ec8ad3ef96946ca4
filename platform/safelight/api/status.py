"""A generator at a glance, put together from the store."""

from datetime import datetime, timedelta

from monitors.verdict import Health, Reason, Verdict, combine
from registry.ledger import Entry
from registry.rules import known_good, last_known_good
from safelight.api.judging import fresh_answers
from safelight.api.platform import Platform
from safelight.api.schemas.generators import EngineInfo, GeneratorStatus, RollbackTarget, Serving
from safelight.api.schemas.releases import Release, ReleaseStep
from safelight.releasing.service import ALIVE
from safelight.store import engines, incidents, ledger, releases, traffic, versions
from safelight.store.database import Session
from safelight.store.engines import LIVING
from safelight.store.versions import KnownGenerator
from safelight.watching.samples import JUDGED_ARMS

RATE_WINDOW = timedelta(minutes=2)


def statuses(platform: Platform) -> list[GeneratorStatus]:
    """All generators, by name."""
    with platform.database.reading() as session:
        return [_status(session, platform, generator) for generator in versions.generators(session)]


def status(platform: Platform, name: str) -> GeneratorStatus:
    """Raises `generator_not_found`."""
    with platform.database.reading() as session:
        return _status(session, platform, versions.require_generator(session, name))


def release_document(session: Session, release: releases.KnownRelease) -> Release:
    """A release with its steps."""
    steps = [ReleaseStep.model_validate(step) for step in releases.steps(session, release.id)]
    return Release.model_validate(release).model_copy(update={"steps": steps})


def _status(session: Session, platform: Platform, generator: KnownGenerator) -> GeneratorStatus:
    now = platform.clock.now()
    chain = ledger.chain(session, generator.name)
    entry = ledger.newest_release(session, generator.name)
    warm = engines.ready_versions(session, generator.name, now - ALIVE)
    moving = releases.in_states(session, releases.MOVING, generator.name)
    health = _health(session, platform, generator.name, entry, now)
    logged = traffic.between(session, generator.name, now - RATE_WINDOW, now)
    recent = [each for each in logged if each.arm in JUDGED_ARMS]
    return GeneratorStatus(
        name=generator.name,
        description=generator.description,
        serving=_serving(session, entry, chain),
        health=health.health,
        health_reason=health.reason,
        health_summary=health.summary,
        rollback_target=_target(session, generator.name, chain, warm),
        open_release=release_document(session, moving[-1]) if moving else None,
        engines=[
            EngineInfo.model_validate(engine)
            for engine in engines.engines(session, generator.name)
            if engine.state in LIVING and engine.heartbeat_at >= now - ALIVE
        ],
        in_flight=platform.gateway.in_flight,
        open_incidents=len(incidents.open_incidents(session, generator.name)),
        images_per_minute=sum(bucket.served for bucket in recent) / RATE_WINDOW.total_seconds() * 60,
        last_generation_at=max((bucket.bucket_start for bucket in recent), default=None),
        policy=incidents.policy(session, generator.name),
    )


def _serving(session: Session, entry: Entry | None, chain: list[Entry]) -> Serving | None:
    if entry is None:
        return None
    version = versions.require_version(session, entry.generator, entry.to_version)
    release = releases.of_entry(session, entry.generator, entry.seq)
    return Serving(
        version=entry.to_version,
        since=entry.at,
        description=version.description,
        accepted=entry.to_version in known_good(chain),
        external=version.external,
        release_id=release.id if release else None,
    )


def _target(session: Session, generator: str, chain: list[Entry], warm: frozenset[int]) -> RollbackTarget | None:
    target = last_known_good(chain)
    if target is None:
        return None
    version = versions.require_version(session, generator, target)
    return RollbackTarget(
        version=target, warm=target in warm, external=version.external, description=version.description
    )


def _health(session: Session, platform: Platform, generator: str, entry: Entry | None, now: datetime) -> Verdict:
    if entry is None:
        return Verdict(Health.INCONCLUSIVE, Reason.NO_MONITORS, "Nothing serves yet. Promote a version first.")
    return combine(each.verdict for each in fresh_answers(session, platform, generator, entry.to_version, now))
