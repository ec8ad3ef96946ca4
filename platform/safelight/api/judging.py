"""May a version go on? What the monitors say of it, as a tool that rolls it out wants to hear it."""

from datetime import datetime, timedelta

from monitors.verdict import Health, Reason, Verdict, combine
from safelight.api.platform import Platform
from safelight.api.schemas.verdicts import DeploymentVerdict, MonitorAnswer
from safelight.store import incidents, ledger, verdicts, versions
from safelight.store.database import Session
from safelight.store.incidents import KnownIncident
from safelight.store.verdicts import StoredVerdict

FRESH_TICKS = 3
"""A verdict older than this many ticks says nothing about now."""


def judge(session: Session, platform: Platform, generator: str, version: int | None) -> DeploymentVerdict:
    """Healthy only where every critical monitor has just called the version healthy: what is missing never passes.

    Raises `generator_not_found`.
    """
    versions.require_generator(session, generator)
    now = platform.clock.now()
    entry = ledger.newest_release(session, generator)
    serving = entry.to_version if entry else None
    asked = serving if version is None else version
    answers = fresh_answers(session, platform, generator, asked, now)
    suspected = [each for each in incidents.open_incidents(session, generator) if each.suspect_version == asked]
    found = decide(asked, serving, answers, suspected)
    return DeploymentVerdict(
        generator=generator,
        version=asked,
        serving=serving,
        at=now,
        health=found.health,
        passed=found.health is Health.HEALTHY,
        reason=found.reason,
        summary=found.summary,
        incident_id=suspected[0].id if suspected else None,
        monitors=[
            MonitorAnswer(
                monitor=each.monitor,
                health=each.verdict.health,
                reason=each.verdict.reason,
                summary=each.verdict.summary,
                at=each.slot,
            )
            for each in answers
        ],
    )


def fresh_answers(
    session: Session, platform: Platform, generator: str, version: int | None, now: datetime
) -> list[StoredVerdict]:
    """What the critical monitors have just said of a version."""
    since = now - FRESH_TICKS * timedelta(seconds=platform.settings.watching.tick_seconds)
    return [
        stored
        for stored in verdicts.latest(session, generator)
        if stored.critical and stored.version == version and stored.slot >= since
    ]


def decide(
    asked: int | None, serving: int | None, answers: list[StoredVerdict], suspected: list[KnownIncident]
) -> Verdict:
    """The one answer. An incident that is open outlasts a tick that happens to look well again."""
    if suspected:
        first = suspected[0]
        summary = f"An incident about version {asked} is open since {first.opened_at:%Y-%m-%d %H:%M}: {first.title}."
        return Verdict(Health.DEGRADED, Reason(first.reason), summary)
    if serving is None:
        return Verdict(Health.INCONCLUSIVE, Reason.NO_MONITORS, "Nothing serves yet. Promote a version first.")
    if asked != serving:
        summary = f"Version {asked} does not serve, and only what serves is judged: that is version {serving}."
        return Verdict(Health.INCONCLUSIVE, Reason.NOT_SERVING, summary)
    return combine(each.verdict for each in answers)
