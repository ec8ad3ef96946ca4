"""Probe sets, their runs and their images."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

MOMENT = sa.DateTime(timezone=True)
DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "probe_sets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("probes", DOCUMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["generator"], ["generators.name"], name=op.f("fk_probe_sets_generator_generators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probe_sets")),
        sa.UniqueConstraint("generator", "name", name=op.f("uq_probe_sets_generator_name")),
    )
    op.create_table(
        "probe_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("set_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("against", sa.Integer(), nullable=True),
        sa.Column("host", sa.String(length=100), nullable=True),
        sa.Column("fresh", sa.Boolean(), nullable=False),
        sa.Column("places", DOCUMENT, nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("ordered_at", MOMENT, nullable=False),
        sa.Column("ordered_by", sa.String(length=100), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("claimed_by", sa.String(length=100), nullable=True),
        sa.Column("claimed_until", MOMENT, nullable=True),
        sa.Column("replica", sa.String(length=100), nullable=True),
        sa.Column("environment_digest", sa.String(length=80), nullable=True),
        sa.Column("made_at", MOMENT, nullable=True),
        sa.Column("judged_at", MOMENT, nullable=True),
        sa.Column("reference_id", sa.Uuid(), nullable=True),
        sa.Column("result", DOCUMENT, nullable=False),
        sa.CheckConstraint(
            "purpose IN ('baseline', 'routine', 'suspect', 'reload', 'target', 'requested')",
            name=op.f("ck_probe_runs_purpose"),
        ),
        sa.CheckConstraint(
            "state IN ('ordered', 'making', 'made', 'judged', 'failed', 'cancelled')",
            name=op.f("ck_probe_runs_state"),
        ),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_probe_runs_incident_id_incidents")),
        sa.ForeignKeyConstraint(
            ["reference_id"], ["probe_runs.id"], name=op.f("fk_probe_runs_reference_id_probe_runs")
        ),
        sa.ForeignKeyConstraint(["set_id"], ["probe_sets.id"], name=op.f("fk_probe_runs_set_id_probe_sets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probe_runs")),
    )
    op.create_index(
        op.f("ix_probe_runs_generator_version_id"), "probe_runs", ["generator", "version", "id"], unique=False
    )
    op.create_index(op.f("ix_probe_runs_state"), "probe_runs", ["state"], unique=False)
    op.create_index(op.f("ix_probe_runs_incident_id"), "probe_runs", ["incident_id"], unique=False)
    op.create_table(
        "probe_images",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("generation_id", sa.Uuid(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["probe_runs.id"], name=op.f("fk_probe_images_run_id_probe_runs")),
        sa.PrimaryKeyConstraint("run_id", "place", "repeat", name=op.f("pk_probe_images")),
    )
