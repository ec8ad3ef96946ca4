"""Reports of variants: each measurement is kept, the newest is shown."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from safelight.ids import new_id
from safelight.store.tables.reports import VariantReportRow


def add(session: Session, generator: str, version: int, document: dict[str, Any], *, now: datetime, actor: str) -> None:
    session.add(
        VariantReportRow(
            id=new_id(), generator=generator, version=version, document=document, created_at=now, created_by=actor
        )
    )


def newest(session: Session, generator: str, version: int) -> dict[str, Any] | None:
    """None for a version that was never measured."""
    query = select(VariantReportRow.document).where(
        VariantReportRow.generator == generator, VariantReportRow.version == version
    )
    return session.scalar(query.order_by(VariantReportRow.id.desc()).limit(1))
