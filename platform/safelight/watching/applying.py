"""Monitors as people write them down: checked as a whole, then created, replaced or found to be there already."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from safelight.errors import Kind, SafelightError
from safelight.store import access, monitors, versions
from safelight.store.database import Session
from safelight.store.monitors import StoredMonitor
from safelight.watching.monitors import DEFAULT_NAMES, Fault, MonitorInvalid, parse

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


@dataclass(frozen=True)
class Definition:
    """One monitor as somebody wants it; nobody has looked at `document` yet."""

    generator: str
    name: str
    document: Mapping[str, Any]
    enabled: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.generator, self.name


class Change(StrEnum):
    """What became of a definition."""

    CREATED = "created"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Applied:
    monitor: StoredMonitor
    change: Change


def apply(session: Session, definitions: Sequence[Definition], actor: str, now: datetime) -> list[Applied]:
    """Bring the monitors named to what their definitions say; monitors that are not named stay as they are.

    Raises SafelightError `monitors_invalid` that names every fault of every definition; then nothing is changed.
    """
    generators = {generator.name for generator in versions.generators(session)}
    known = {each.key: monitors.find(session, *each.key) for each in definitions}
    times = Counter(each.key for each in definitions)
    found = [
        (each, fault)
        for each in definitions
        for fault in faults(each, known[each.key], known_generator=each.generator in generators, times=times[each.key])
    ]
    if found:
        raise _invalid(found)
    applied = [plan(definition, known[definition.key], now) for definition in definitions]
    for each in applied:
        if each.change is not Change.UNCHANGED:
            monitors.put(session, each.monitor)
            what = f"{each.monitor.generator} {each.monitor.name}"
            access.record_audit(session, now, actor, f"monitor.{each.change}", what, json.dumps(each.monitor.document))
    return applied


def remove(session: Session, generator: str, name: str, actor: str, now: datetime) -> None:
    """Forget a monitor; what it answered stays on record.

    Raises SafelightError `monitor_not_found`, and `monitor_is_default` for one that every generator has.
    """
    if name in DEFAULT_NAMES:
        raise SafelightError(
            Kind.CONFLICT, "monitor_is_default", f"Every generator has {name}. Disable it where it should be silent."
        )
    monitors.remove(session, generator, name)
    access.record_audit(session, now, actor, "monitor.deleted", f"{generator} {name}")


def switch(session: Session, generator: str, name: str, *, enabled: bool, actor: str, now: datetime) -> StoredMonitor:
    """Let a monitor ask, or silence it; the others share its part of the budget. Raises `monitor_not_found`."""
    monitor = monitors.switch(session, generator, name, enabled=enabled)
    state = "enabled" if enabled else "disabled"
    access.record_audit(session, now, actor, f"monitor.{state}", f"{generator} {name}")
    return monitor


def faults(definition: Definition, known: StoredMonitor | None, *, known_generator: bool, times: int) -> list[Fault]:
    """All that is wrong with a definition. `known` is the monitor that has its name, `times` how often it is given."""
    found = []
    if not known_generator:
        found.append({"field": "generator", "message": "there is no such generator"})
    if times > 1:
        found.append({"field": "name", "message": "is used for several monitors"})
    if not _NAME.fullmatch(definition.name):
        wanted = "must be 1 to 63 lower-case letters, digits, '_', '-' or '.', a letter or digit first"
        found.append({"field": "name", "message": wanted})
    try:
        kind = parse(definition.document).kind
    except MonitorInvalid as error:
        return [*found, *error.faults]
    if known is not None and known.kind != kind:
        # What a name has answered so far would seem to be answers to the new question.
        found.append({"field": "kind", "message": f"stays {known.kind}: give another question another name"})
    elif known is None and definition.name in DEFAULT_NAMES - {kind}:
        found.append({"field": "name", "message": f"is kept for the default monitor of kind {definition.name}"})
    return found


def plan(definition: Definition, known: StoredMonitor | None, now: datetime) -> Applied:
    """What a definition without faults changes."""
    document = parse(definition.document)
    wanted = StoredMonitor(
        definition.generator,
        definition.name,
        document.kind,
        document.model_dump(mode="json"),
        definition.enabled,
        known.created_at if known else now,
    )
    if known is None:
        return Applied(wanted, Change.CREATED)
    return Applied(wanted, Change.UNCHANGED if wanted == known else Change.REPLACED)


def _invalid(found: Sequence[tuple[Definition, Fault]]) -> SafelightError:
    errors = [{"monitor": f"{each.generator} {each.name}", **fault} for each, fault in found]
    lines = "; ".join(f"{error['monitor']}: {error['field']} {error['message']}" for error in errors)
    return SafelightError(Kind.INVALID, "monitors_invalid", f"Nothing was changed. Mend: {lines}.", errors=errors)
