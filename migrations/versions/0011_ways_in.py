"""Ways in for other services: signals seen at the source, images that lie elsewhere, sketches made elsewhere."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "told_signals",
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("generation_id", name=op.f("pk_told_signals")),
    )
    op.create_table(
        "image_fetches",
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("generation_id", name=op.f("pk_image_fetches")),
    )
    op.create_index(op.f("ix_image_fetches_due_at"), "image_fetches", ["due_at"], unique=False)
    op.create_table(
        "merged_sketches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merged_sketches")),
    )
    op.create_table(
        "embedders",
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_embedders")),
    )
