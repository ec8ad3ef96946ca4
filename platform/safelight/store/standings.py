"""How each slice stood at the newest tick, monitor by monitor: what `verdicts` keeps of the whole for ever."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from monitors.verdict import Health, Reason, Verdict
from safelight.store.tables.monitoring import SliceStanding


@dataclass(frozen=True)
class Standing:
    """A monitor's newest finding of one slice. `detectable_effect` is the smallest that it would see there now."""

    monitor: str
    slice: str
    slot: datetime
    version: int
    health: Health
    reason: Reason
    summary: str
    n: int
    unseen: int
    effect: float | None
    detectable_effect: float | None
    p_value: float | None
    threshold: float | None
    window_seconds: float | None


def keep(
    session: Session, generator: str, slot: datetime, version: int, found: Mapping[str, Mapping[str, Verdict]]
) -> None:
    """Replace what stood of a generator by what was `found` at a tick: verdicts by monitor and slice."""
    session.execute(delete(SliceStanding).where(SliceStanding.generator == generator))
    session.add_all(
        _row(generator, monitor, name, slot, version, verdict)
        for monitor, slices in found.items()
        for name, verdict in slices.items()
    )
    session.flush()


def of_generator(session: Session, generator: str) -> Sequence[Standing]:
    """By monitor and slice."""
    query = select(SliceStanding).where(SliceStanding.generator == generator)
    return [_standing(row) for row in session.scalars(query.order_by(SliceStanding.monitor, SliceStanding.slice))]


def _row(generator: str, monitor: str, name: str, slot: datetime, version: int, verdict: Verdict) -> SliceStanding:
    return SliceStanding(
        generator=generator,
        monitor=monitor,
        slice=name,
        slot=slot,
        version=version,
        health=verdict.health.value,
        reason=verdict.reason.value,
        summary=verdict.summary,
        n=verdict.n,
        unseen=verdict.evidence.get("unseen") or 0,
        effect=verdict.effect,
        detectable_effect=verdict.evidence.get("detectable_effect"),
        p_value=verdict.p_value,
        threshold=verdict.threshold,
        window_seconds=verdict.window_seconds,
    )


def _standing(row: SliceStanding) -> Standing:
    return Standing(
        monitor=row.monitor,
        slice=row.slice,
        slot=row.slot,
        version=row.version,
        health=Health(row.health),
        reason=Reason(row.reason),
        summary=row.summary,
        n=row.n,
        unseen=row.unseen,
        effect=row.effect,
        detectable_effect=row.detectable_effect,
        p_value=row.p_value,
        threshold=row.threshold,
        window_seconds=row.window_seconds,
    )
