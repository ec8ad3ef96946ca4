"""Erasures and replays of single generations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.String(length=100), nullable=True),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("erased", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Uuid(), nullable=True),
        sa.Column("looked_from", _MOMENT, nullable=True),
        sa.Column("requested_at", _MOMENT, nullable=False),
        sa.Column("requested_by", sa.String(length=100), nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.CheckConstraint("state IN ('running', 'done')", name=op.f("ck_erasures_state")),
        sa.CheckConstraint("(tenant IS NULL) != (api_key_id IS NULL)", name=op.f("ck_erasures_subject")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_tenant"), "erasures", ["tenant"])
    op.create_index(op.f("ix_erasures_api_key_id"), "erasures", ["api_key_id"])
    op.create_table(
        "replays",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made_id", sa.Uuid(), nullable=True),
        sa.Column("result", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("held_until", _MOMENT, nullable=True),
        sa.Column("ordered_at", _MOMENT, nullable=False),
        sa.Column("ordered_by", sa.String(length=100), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=True),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.CheckConstraint("state IN ('loading', 'making', 'made', 'judged', 'failed')", name=op.f("ck_replays_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replays")),
    )
    op.create_index(op.f("ix_replays_generation_id"), "replays", ["generation_id"])
    op.create_index(op.f("ix_replays_state"), "replays", ["state"])
