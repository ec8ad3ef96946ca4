"""A generator at a glance, put together from the store."""

from datetime import datetime, timedelta

from monitors.verdict import Health, Reason, Verdict, combine
from registry.ledger import Entry, EntryKind
from registry.progress import State
from registry.rules import known_good, last_known_good
from safelight.api.judging import fresh_answers
from safelight.api.platform import Platform
from safelight.api.schemas.canaries import Canary
from safelight.api.schemas.gate_results import GateInfo, OverrideInfo
from safelight.api.schemas.generators import EngineInfo, GeneratorStatus, RollbackTarget, Serving, ServingOverride
from safelight.api.schemas.guard import Drill
from safelight.api.schemas.releases import Loading, Release, ReleaseStep, Verification
from safelight.releasing.service import ALIVE
from safelight.store import (
    canaries,
    chains,
    drills,
    engines,
    gates,
    guard,
    incidents,
    ledger,
    releases,
    traffic,
    verifications,
    versions,
)
from safelight.store.database import Session
from safelight.store.engines import LIVING
from safelight.store.releases import KnownRelease
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
    """A release with its steps, what its gates said, how far its version is loaded, what was found of it afterwards."""
    steps = [ReleaseStep.model_validate(step) for step in releases.steps(session, release.id)]
    judged = [GateInfo.model_validate(each) for each in gates.results(session, release.id)]
    override = gates.override(session, release.id)
    canary = canaries.find(session, release.id) if release.kind is EntryKind.PROMOTE else None
    stop = guard.stopped(session) if release.state in releases.CANARIES else None
    found = verifications.find(session, release.id) if release.kind is EntryKind.ROLLBACK else None
    waits = release.state is State.PREPARING
    engine = engines.loading(session, release.generator, release.to_version) if waits else None
    return Release.model_validate(release).model_copy(
        update={
            "steps": steps,
            "gates": judged,
            "override": OverrideInfo.model_validate(override) if override else None,
            "loading": Loading.model_validate(engine) if engine else None,
            "canary": Canary.of(canary, stop.stopped_by if stop else None) if canary else None,
            "verification": Verification.model_validate(found) if found else None,
        }
    )


def _status(session: Session, platform: Platform, generator: KnownGenerator) -> GeneratorStatus:
    now = platform.clock.now()
    chain = chains.decisive(session, generator.name)
    entry = ledger.newest_release(session, generator.name)
    warm = engines.ready_versions(session, generator.name, now - ALIVE)
    moving = releases.in_states(session, (*releases.MOVING, *releases.CANARIES), generator.name)
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
    accepted = entry.to_version in known_good(chain)
    return Serving(
        version=entry.to_version,
        since=entry.at,
        description=version.description,
        accepted=accepted,
        external=version.external,
        release_id=release.id if release else None,
        override=_override(session, release) if release and not accepted else None,
    )


def _override(session: Session, release: KnownRelease) -> ServingOverride | None:
    """None where the gates have passed, whether somebody was ready to answer for it or not."""
    override = gates.override(session, release.id)
    passed_over = [GateInfo.model_validate(each) for each in gates.results(session, release.id) if each.overridden]
    if override is None or not passed_over:
        return None
    return ServingOverride(by=override.by, reason=override.reason, at=override.at, gates=passed_over)


def _target(session: Session, generator: str, chain: list[Entry], warm: frozenset[int]) -> RollbackTarget | None:
    # As a rollback decides: what the registry has lost is nothing to go back to.
    gone = {entry.to_version for entry in chain} - versions.numbers(session, generator)
    target = last_known_good(chain, excluding=gone)
    if target is None:
        return None
    version = versions.require_version(session, generator, target)
    drill = drills.newest(session, generator).get(target)
    return RollbackTarget(
        version=target,
        warm=target in warm,
        external=version.external,
        description=version.description,
        drill=Drill.model_validate(drill) if drill else None,
    )


def _health(session: Session, platform: Platform, generator: str, entry: Entry | None, now: datetime) -> Verdict:
    if entry is None:
        return Verdict(Health.INCONCLUSIVE, Reason.NO_MONITORS, "Nothing serves yet. Promote a version first.")
    return combine(each.verdict for each in fresh_answers(session, platform, generator, entry.to_version, now))
