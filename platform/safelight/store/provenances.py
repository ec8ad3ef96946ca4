"""What was told of a version's provenance after it was registered: each word is kept, the newest counts."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.manifest import Provenance
from safelight.ids import new_id
from safelight.store.tables.gates import ProvenanceRow


@dataclass(frozen=True)
class ToldProvenance:
    """What somebody said, and when."""

    provenance: Provenance
    told_by: str
    told_at: datetime


def tell(session: Session, generator: str, version: int, provenance: Provenance, by: str, now: datetime) -> None:
    document = provenance.model_dump(mode="json")
    session.add(
        ProvenanceRow(id=new_id(), generator=generator, version=version, document=document, told_by=by, told_at=now)
    )
    session.flush()


def newest(session: Session, generator: str, version: int) -> ToldProvenance | None:
    """None where nothing was told beside the manifest."""
    query = select(ProvenanceRow).where(ProvenanceRow.generator == generator, ProvenanceRow.version == version)
    row = session.scalar(query.order_by(ProvenanceRow.id.desc()).limit(1))
    return None if row is None else ToldProvenance(Provenance.model_validate(row.document), row.told_by, row.told_at)
