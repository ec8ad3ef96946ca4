"""Slices of the traffic, sketches that are rolled up, and scoring anew after a change of embedder."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)
HEALTHS = "health IN ('healthy', 'degraded', 'inconclusive', 'error')"


def upgrade() -> None:
    for attribute in ("adapter", "tenant", "region"):
        op.add_column("generations", sa.Column(attribute, sa.String(length=100), nullable=True))
    op.create_index(op.f("ix_incidents_generator_resolved_at"), "incidents", ["generator", "resolved_at"], unique=False)
    _roll_up()
    op.create_table(
        "slices",
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("attribute", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=100), nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["generator"], ["generators.name"], name=op.f("fk_slices_generator_generators")),
        sa.PrimaryKeyConstraint("generator", "attribute", "value", name=op.f("pk_slices")),
    )
    op.create_table(
        "slice_standings",
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("monitor", sa.String(length=100), nullable=False),
        sa.Column("slice", sa.String(length=120), nullable=False),
        sa.Column("slot", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("health", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("unseen", sa.Integer(), nullable=False),
        sa.Column("effect", sa.Double(), nullable=True),
        sa.Column("detectable_effect", sa.Double(), nullable=True),
        sa.Column("p_value", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("window_seconds", sa.Double(), nullable=True),
        sa.CheckConstraint(HEALTHS, name=op.f("ck_slice_standings_health")),
        sa.PrimaryKeyConstraint("generator", "monitor", "slice", name=op.f("pk_slice_standings")),
    )
    op.create_table(
        "backfills",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("embedder_digest", sa.String(length=80), nullable=False),
        sa.Column("data_from", MOMENT, nullable=False),
        sa.Column("data_to", MOMENT, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Uuid(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.CheckConstraint("state IN ('running', 'done', 'cancelled')", name=op.f("ck_backfills_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfills")),
    )
    op.create_index(op.f("ix_backfills_generator_id"), "backfills", ["generator", "id"], unique=False)
    running = sa.text("state = 'running'")
    op.create_index(
        "ix_backfills_running", "backfills", ["id"], unique=False, sqlite_where=running, postgresql_where=running
    )


def _roll_up() -> None:
    """What stands in the tables is of a minute each, and waits to be rolled up like what comes."""
    fresh = sa.text("NOT rolled_up")
    with op.batch_alter_table("sketches") as sketches:
        # A slice is named after an attribute and its value, which alone may have 100 characters.
        sketches.alter_column("slice", existing_type=sa.String(length=100), type_=sa.String(length=120))
        sketches.add_column(sa.Column("rolled_up", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("signal_buckets", sa.Column("rolled_up", sa.Boolean(), nullable=False, server_default=sa.false()))
    for table in ("sketches", "signal_buckets"):
        op.create_index(
            f"ix_{table}_not_rolled_up",
            table,
            ["bucket_start"],
            unique=False,
            sqlite_where=fresh,
            postgresql_where=fresh,
        )
