"""Keep the services of others that releases act on, and the scopes that a release goes through."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "targets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("resource", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("observed_release_id", sa.Uuid(), nullable=True),
        sa.Column("observed_version", sa.Integer(), nullable=True),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("observed_detail", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('webhook', 'argo_rollouts', 'kserve')", name=op.f("ck_targets_kind")),
        sa.ForeignKeyConstraint(["generator"], ["generators.name"], name=op.f("fk_targets_generator_generators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_targets")),
        sa.UniqueConstraint("generator", "scope", name=op.f("uq_targets_generator_scope")),
    )
    op.create_table(
        "scopes",
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("scope", sa.String(length=100), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("bake_seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["generator"], ["generators.name"], name=op.f("fk_scopes_generator_generators")),
        sa.PrimaryKeyConstraint("generator", "scope", name=op.f("pk_scopes")),
    )
    op.create_index(op.f("ix_scopes_generator_place"), "scopes", ["generator", "place"])
