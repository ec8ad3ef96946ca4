"""What people made of their images, and how many did so by bucket of time."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("rater", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("kind IN ('up', 'down', 'regenerated', 'downloaded')", name=op.f("ck_feedback_kind")),
        sa.PrimaryKeyConstraint("generation_id", "rater", "kind", name=op.f("pk_feedback")),
    )
    op.create_table(
        "feedback_buckets",
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("arm", sa.String(length=16), nullable=False),
        sa.Column("bucket_start", MOMENT, nullable=False),
        sa.Column("up", sa.Integer(), nullable=False),
        sa.Column("down", sa.Integer(), nullable=False),
        sa.Column("regenerated", sa.Integer(), nullable=False),
        sa.Column("downloaded", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("generator", "version", "arm", "bucket_start", name=op.f("pk_feedback_buckets")),
    )
