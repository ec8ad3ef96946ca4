"""What to do when a monitor alarms: a text for every kind of monitor, and a generator's own words in its place."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from safelight.errors import Kind, SafelightError
from safelight.store import access, monitors, runbooks, versions
from safelight.store.database import Session

LONGEST = 20_000
"""Characters."""

_TEXTS = {
    "conditional_drift": "images",
    "release_comparison": "images",
    "prompt_drift": "images",
    "blank_rate": "counts",
    "filtered_rate": "counts",
    "near_duplicates": "counts",
    "feedback": "counts",
    "service_health": "service",
    "good_images": "service",
    "queue": "service",
    "cost": "service",
    "device_memory": "service",
    "probe": "probe",
    "engines": "engines",
    "verification": "verification",
    "drill": "drill",
    "ledger": "ledger",
    "canary": "canary",
    "registry": "registry",
    "targets": "targets",
}
_OTHER = "other"


@dataclass(frozen=True)
class Runbook:
    """Markdown. `written_by` and `written_at` are None for a text that is bundled."""

    generator: str
    monitor: str
    text: str
    written_by: str | None = None
    written_at: datetime | None = None


def find(session: Session, generator: str, monitor: str) -> Runbook:
    """The generator's own one, else the one for monitors of this kind; there is always one."""
    own = runbooks.find(session, generator, monitor)
    if own is not None:
        return Runbook(generator, monitor, own.text, own.updated_by, own.updated_at)
    kinds = {each.name: each.kind for each in monitors.all_of(session, generator)}
    return Runbook(generator, monitor, bundled(kinds.get(monitor, monitor)))


def write(session: Session, generator: str, monitor: str, text: str, actor: str, now: datetime) -> Runbook:
    """Put a generator's own words in place. Raises `generator_not_found`, `runbook_invalid`."""
    versions.require_generator(session, generator)
    if not text.strip() or len(text) > LONGEST:
        message = f"A runbook is Markdown of 1 to {LONGEST:,} characters. Reset it to go back to the bundled one."
        raise SafelightError(Kind.INVALID, "runbook_invalid", message)
    runbooks.put(session, generator, monitor, text, actor, now)
    access.record_audit(session, now, actor, "runbook.put", f"{generator} {monitor}")
    return find(session, generator, monitor)


def reset(session: Session, generator: str, monitor: str, actor: str, now: datetime) -> Runbook:
    """Go back to the bundled text; where there were no words of its own, nothing changes."""
    versions.require_generator(session, generator)
    if runbooks.remove(session, generator, monitor):
        access.record_audit(session, now, actor, "runbook.reset", f"{generator} {monitor}")
    return find(session, generator, monitor)


@cache
def bundled(kind: str) -> str:
    """The text for monitors of a kind; a general one for a kind that has none."""
    name = f"{_TEXTS.get(kind, _OTHER)}.md"
    return resources.files("safelight.responding").joinpath("runbook_texts", name).read_text()
