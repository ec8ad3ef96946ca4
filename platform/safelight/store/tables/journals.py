"""What the processes tell of their journals."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from safelight.store.base import Base


class JournalRow(Base):
    """One process's journal, as its process last told: what waits in it to be shipped, and how full it is."""

    __tablename__ = "journals"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    entries: Mapped[int]
    refused: Mapped[int]
    fill: Mapped[float]
    oldest_at: Mapped[datetime | None]
    reported_at: Mapped[datetime]
