"""What changed shortly before an incident began: releases, what engines run on, and settings."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from registry.difference import changes
from safelight.store import access, engines, generations, releases
from safelight.store.access import Audit
from safelight.store.database import Session
from safelight.store.engines import KnownEngine
from safelight.store.incidents import KnownIncident
from safelight.store.releases import KnownRelease

LOOKED_BACK = timedelta(hours=1)
_MOST_LINES = 200
# What people set for one generator; the rest of the audit log is about other things.
_SETTINGS = ("monitor.", "policy.", "registry.", "gate", "target.", "guard.", "canary.", "attribute.", "baseline.")


class Matter(StrEnum):
    RELEASE = "release"
    ENVIRONMENT = "environment"
    ENGINE = "engine"
    SETTING = "setting"


@dataclass(frozen=True)
class ChangeBefore:
    """Something that changed. `data` holds the ids and values that it can be looked up by."""

    at: datetime
    matter: Matter
    summary: str
    data: Mapping[str, Any]


def began(incident: KnownIncident) -> datetime:
    """When what it is about began: with the window that was looked at, or else with the incident."""
    start = incident.evidence.get("window", {}).get("start")
    return datetime.fromisoformat(start) if start else incident.opened_at


def changes_before(
    session: Session, incident: KnownIncident, looked_back: timedelta = LOOKED_BACK
) -> list[ChangeBefore]:
    """Until the incident opened, from so long before it began; the newest first. That one came before the other does
    not make it the cause."""
    start, end = began(incident) - looked_back, incident.opened_at
    found = [
        *map(_release, releases.flipped_between(session, incident.generator, start, end)),
        *_engines(session, incident.generator, start, end),
        *_settings(access.audit_between(session, start, end, _MOST_LINES), incident.generator),
    ]
    return sorted(found, key=lambda each: each.at)[::-1]


def _release(release: KnownRelease) -> ChangeBefore:
    why = f": {release.reason}" if release.reason else ""
    before = "nothing" if release.from_version is None else f"version {release.from_version}"
    said = f"{release.kind.capitalize()} from {before} to version {release.to_version} by {release.actor}{why}"
    return ChangeBefore(release.created_at, Matter.RELEASE, said, {"release_id": str(release.id)})


def _engines(session: Session, generator: str, start: datetime, end: datetime) -> Iterator[ChangeBefore]:
    """Engines that came to serve, each held against the one before it on its machine."""
    known = sorted(engines.engines(session, generator), key=lambda each: each.id)
    before: dict[str, KnownEngine] = {}
    for engine in known:
        earlier = before.get(engine.host)
        if engine.ready_at is not None and not engine.spare:
            if start <= engine.ready_at < end:
                yield _engine(session, engine, earlier)
            before[engine.host] = engine


def _engine(session: Session, engine: KnownEngine, earlier: KnownEngine | None) -> ChangeBefore:
    at = engine.ready_at or engine.started_at
    data: dict[str, Any] = {"host": engine.host, "version": engine.version, "engine_id": str(engine.id)}
    if earlier is None:
        said = f"{engine.host} began to serve version {engine.version}"
        return ChangeBefore(at, Matter.ENGINE, said, data)
    if earlier.environment_digest == engine.environment_digest:
        said = f"An engine of version {engine.version} was started anew on {engine.host}"
        return ChangeBefore(at, Matter.ENGINE, said, data)
    sides = [_environment(session, each.environment_digest) for each in (earlier, engine)]
    moved = [{"path": each.path, "before": each.before, "after": each.after} for each in changes(*sides)]
    what = ", ".join(f"{each['path']} {each['before']} to {each['after']}" for each in moved[:4])
    said = f"What {engine.host} runs on has changed: {what or 'its digest alone is known'}"
    return ChangeBefore(at, Matter.ENVIRONMENT, said, data | {"changes": moved})


def _environment(session: Session, digest: str | None) -> Mapping[str, Any]:
    return (generations.environment(session, digest) if digest else None) or {}


def _settings(lines: Iterable[Audit], generator: str) -> Iterator[ChangeBefore]:
    for line in lines:
        if line.action.startswith(_SETTINGS) and generator in (line.target, line.target.partition(" ")[0]):
            said = f"{line.actor}: {line.action.replace('.', ' ')} {line.target}"
            yield ChangeBefore(line.at, Matter.SETTING, said, {"audit_id": str(line.id), "detail": line.detail})
