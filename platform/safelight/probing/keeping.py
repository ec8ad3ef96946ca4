"""Keeping probe sets of one's own, checked against the version that has to make them."""

from collections.abc import Sequence
from datetime import datetime

from safelight.errors import Kind, SafelightError
from safelight.probing.sets import Probe, check, drawn
from safelight.store import access, generations, ledger, probe_sets, versions
from safelight.store.database import Session
from safelight.store.generations import Filters
from safelight.store.probe_sets import KnownProbeSet

_READ = 2_000
"""The newest images whose prompts are looked at for a set, however many there are."""


def keep(
    session: Session, generator: str, name: str, source: str, found: Sequence[Probe], *, actor: str, now: datetime
) -> KnownProbeSet:
    """Raises SafelightError generator_not_found, probe_set_invalid, probe_set_exists."""
    versions.require_generator(session, generator)
    serving = ledger.newest_release(session, generator)
    if serving is not None:
        version = versions.require_version(session, generator, serving.to_version)
        if not version.external:  # whose limits nobody has told us
            check(found, version.held)
    kept = probe_sets.add(
        session,
        generator=generator,
        name=name,
        source=source,
        probes=[probe.document() for probe in found],
        now=now,
        actor=actor,
    )
    access.record_audit(session, now, actor, "probes.keep", f"{generator} {name}", f"{len(found)} probes, {source}")
    return kept


def draw(session: Session, generator: str, name: str, count: int, *, actor: str, now: datetime) -> KnownProbeSet:
    """From the newest images that people asked for. Raises what `keep` raises."""
    asked = generations.page(session, Filters(generator=generator, arms=("stable",), outcomes=("served",)), limit=_READ)
    return keep(session, generator, name, "production", drawn(asked, count), actor=actor, now=now)


def decoded(content: bytes) -> str:
    """The text of a file. Raises SafelightError `probe_set_invalid` for one that is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SafelightError(Kind.INVALID, "probe_set_invalid", "The file is not in UTF-8.") from None
