"""Canaries: where each promote that takes the traffic step by step stands, and what is known of its version."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy.orm import Session

from registry.canary import CanaryPlan, CanaryStep
from safelight.store.tables.canaries import CanaryRow

if TYPE_CHECKING:  # an engine, which releases are known to, has no use for the statistics
    from monitors.canary import Judgement
    from monitors.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class KnownCanary:
    """A canary of the release `release_id`. `images` of the new version were judged since the step began.

    `counted` are the images of either version that were judged already, by what became of them.
    """

    release_id: UUID
    plan: CanaryPlan
    step: int = 0
    step_at: datetime | None = None
    """None before it begins."""
    answered: bool = False
    """A person has said in this step that it shall go on."""
    images: int = 0
    judged_until: datetime | None = None
    """Images made before then have been judged."""
    counted: dict[str, Any]
    judgement: Judgement
    verdict: Verdict | None = None
    judged_at: datetime | None = None

    @property
    def at(self) -> CanaryStep:
        """The step that it is at."""
        return self.plan.steps[self.step]


def add(session: Session, release_id: UUID, plan: CanaryPlan) -> None:
    """The plan of a promote that has just been asked for."""
    from monitors.canary import Judgement

    put(session, KnownCanary(release_id=release_id, plan=plan, counted={}, judgement=Judgement()))


def put(session: Session, canary: KnownCanary) -> None:
    """Write a canary as it stands now. The caller holds the generator's ledger locked."""
    session.merge(
        CanaryRow(
            release_id=canary.release_id,
            plan=canary.plan.model_dump(mode="json"),
            step=canary.step,
            step_at=canary.step_at,
            answered=canary.answered,
            images=canary.images,
            judged_until=canary.judged_until,
            counted=canary.counted,
            judgement=canary.judgement.to_dict(),
            verdict=canary.verdict.to_dict() if canary.verdict else None,
            judged_at=canary.judged_at,
        )
    )
    session.flush()


def find(session: Session, release_id: UUID) -> KnownCanary | None:
    """None for a release that has no canary."""
    row = session.get(CanaryRow, release_id, populate_existing=True)
    return _canary(row) if row else None


def _canary(row: CanaryRow) -> KnownCanary:
    from monitors.canary import Judgement
    from monitors.verdict import Verdict

    return KnownCanary(
        release_id=row.release_id,
        plan=CanaryPlan.model_validate(row.plan),
        step=row.step,
        step_at=row.step_at,
        answered=row.answered,
        images=row.images,
        judged_until=row.judged_until,
        counted=row.counted,
        judgement=Judgement.from_dict(row.judgement),
        verdict=Verdict.from_dict(row.verdict) if row.verdict else None,
        judged_at=row.judged_at,
    )
