"""Canaries: promotes that take the traffic step by step."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"

_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "canaries",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("plan", _JSON, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("step_at", _MOMENT, nullable=True),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("judged_until", _MOMENT, nullable=True),
        sa.Column("counted", _JSON, nullable=False),
        sa.Column("judgement", _JSON, nullable=False),
        sa.Column("verdict", _JSON, nullable=True),
        sa.Column("judged_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_canaries_release_id_releases")),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_canaries")),
    )
