"""Baselines that are made in the background, and what each of them is about."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("baselines", sa.Column("topics", DOCUMENT, nullable=False, server_default="[]"))
    op.create_table(
        "baseline_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("open_name", sa.String(length=100), nullable=True),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("data_from", MOMENT, nullable=True),
        sa.Column("data_to", MOMENT, nullable=True),
        sa.Column("prompts", DOCUMENT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=16), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("held_until", MOMENT, nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("baseline_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("phase_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_baseline_jobs_state")
        ),
        sa.CheckConstraint(
            "phase IN ('loading', 'generating', 'scoring', 'fitting')", name=op.f("ck_baseline_jobs_phase")
        ),
        sa.ForeignKeyConstraint(["baseline_id"], ["baselines.id"], name=op.f("fk_baseline_jobs_baseline_id_baselines")),
        sa.ForeignKeyConstraint(["generator"], ["generators.name"], name=op.f("fk_baseline_jobs_generator_generators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_baseline_jobs")),
        sa.UniqueConstraint("generator", "open_name", name=op.f("uq_baseline_jobs_generator_open_name")),
    )
    op.create_index(op.f("ix_baseline_jobs_generator_id"), "baseline_jobs", ["generator", "id"], unique=False)
