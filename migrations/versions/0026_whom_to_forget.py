"""Whoever is to be forgotten is found by an index, and so are copies of their prompts."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    for column in ("tenant", "api_key_id"):
        named = sa.text(f"{column} IS NOT NULL")
        name = op.f(f"ix_generations_{column}_id")
        op.create_index(name, "generations", [column, "id"], unique=False, postgresql_where=named, sqlite_where=named)
    own = sa.text("arm IN ('probe', 'replay')")
    op.create_index(
        op.f("ix_generations_prompt"),
        "generations",
        ["prompt"],
        unique=False,
        postgresql_using="hash",
        postgresql_where=own,
        sqlite_where=own,
    )
    running = sa.text("state = 'running'")
    op.create_index(
        "ix_erasures_running", "erasures", ["id"], unique=False, postgresql_where=running, sqlite_where=running
    )
