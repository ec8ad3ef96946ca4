"""Keep what others changed in the version registry, and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "registry_looks",
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alias_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["generator"], ["generators.name"], name=op.f("fk_registry_looks_generator_generators")
        ),
        sa.PrimaryKeyConstraint("generator", name=op.f("pk_registry_looks")),
    )
    op.create_table(
        "registry_policies",
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("policy", sa.String(length=16), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=100), nullable=False),
        sa.CheckConstraint("policy IN ('put_back', 'adopt')", name=op.f("ck_registry_policies_policy")),
        sa.ForeignKeyConstraint(
            ["generator"], ["generators.name"], name=op.f("fk_registry_policies_generator_generators")
        ),
        sa.PrimaryKeyConstraint("generator", name=op.f("pk_registry_policies")),
    )
    op.create_table(
        "registry_findings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("open_key", sa.String(length=255), nullable=True),
        sa.Column("change", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=True),
        sa.Column("remedy", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=True),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["generator"], ["generators.name"], name=op.f("fk_registry_findings_generator_generators")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_findings")),
        sa.UniqueConstraint("open_key", name=op.f("uq_registry_findings_open_key")),
    )
    op.create_index(op.f("ix_registry_findings_generator_id"), "registry_findings", ["generator", "id"])
    op.create_index(op.f("ix_registry_findings_incident_id"), "registry_findings", ["incident_id"])
    op.add_column("versions", sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True))
