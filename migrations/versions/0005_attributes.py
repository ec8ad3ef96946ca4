"""Attributes that prompts leave open, and hourly readings of what images show of them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "attributes",
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("options", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["generator"], ["generators.name"], name=op.f("fk_attributes_generator_generators")),
        sa.PrimaryKeyConstraint("generator", "name", name=op.f("pk_attributes")),
    )
    op.create_table(
        "attribute_readings",
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("slot", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("embedder_digest", sa.String(length=80), nullable=False),
        sa.Column("counts", DOCUMENT, nullable=False),
        sa.Column("unclear", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["generator", "name"],
            ["attributes.generator", "attributes.name"],
            name="fk_attribute_readings_attributes",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("generator", "name", "slot", name=op.f("pk_attribute_readings")),
    )
