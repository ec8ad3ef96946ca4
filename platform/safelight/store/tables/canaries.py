"""Canaries: promotes that take the traffic step by step."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class CanaryRow(Base):
    """The canary of one promote; while the release's state says that it runs, gateways split the traffic by it."""

    __tablename__ = "canaries"

    release_id: Mapped[UUID] = mapped_column(ForeignKey("releases.id"), primary_key=True)
    plan: Mapped[dict[str, Any]]
    step: Mapped[int]
    step_at: Mapped[datetime | None]
    answered: Mapped[bool]
    images: Mapped[int]
    judged_until: Mapped[datetime | None]
    counted: Mapped[dict[str, Any]]
    judgement: Mapped[dict[str, Any]]
    verdict: Mapped[dict[str, Any] | None]
    judged_at: Mapped[datetime | None]
