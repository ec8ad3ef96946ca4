"""When each version last served, was accepted or left, and which incidents last, is found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    for column in ("to_version", "from_version"):
        full = op.f(f"ix_ledger_generator_scope_{column}_kind_seq")
        op.create_index(full, "ledger", ["generator", "scope", column, "kind", "seq"])
    lasts = sa.text("open_key IS NOT NULL")
    for name, column in (("ix_incidents_open", "generator"), ("ix_incidents_open_of_monitor", "monitor")):
        op.create_index(name, "incidents", [column, "id"], unique=False, postgresql_where=lasts, sqlite_where=lasts)
