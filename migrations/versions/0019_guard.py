"""The guard's brakes, and what shows that there is a way back: drills, verifications, links that were used."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("policies", sa.Column("most_per_hour", sa.Integer(), server_default="1", nullable=False))
    for column in ("bytes_read", "bytes_total"):
        op.add_column("engines", sa.Column(column, sa.BigInteger(), nullable=True))
    op.create_table(
        "guard_stops",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("open_key", sa.String(length=16), nullable=True),
        sa.Column("stopped_at", _MOMENT, nullable=False),
        sa.Column("stopped_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("resumed_at", _MOMENT, nullable=True),
        sa.Column("resumed_by", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guard_stops")),
        sa.UniqueConstraint("open_key", name=op.f("uq_guard_stops_open_key")),
    )
    op.create_table(
        "drills",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("night", _MOMENT, nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("host", sa.String(length=100), nullable=True),
        sa.Column("ordered_at", _MOMENT, nullable=False),
        sa.Column("ordered_by", sa.String(length=100), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("heard_at", _MOMENT, nullable=True),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("fetch_seconds", sa.Double(), nullable=True),
        sa.Column("load_seconds", sa.Double(), nullable=True),
        sa.Column("check_seconds", sa.Double(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('ordered', 'running', 'passed', 'failed', 'not_run')", name=op.f("ck_drills_state")
        ),
        sa.ForeignKeyConstraint(["generator"], ["generators.name"], name=op.f("fk_drills_generator_generators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drills")),
        sa.UniqueConstraint("generator", "night", name=op.f("uq_drills_generator_night")),
    )
    op.create_index(op.f("ix_drills_generator_version_id"), "drills", ["generator", "version", "id"])
    op.create_index(op.f("ix_drills_state"), "drills", ["state"])
    op.create_table(
        "verifications",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("begun_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.CheckConstraint("state IN ('probing', 'passed', 'failed', 'unknown')", name=op.f("ck_verifications_state")),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_verifications_release_id_releases")),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_verifications")),
    )
    op.create_table(
        "spent_links",
        sa.Column("nonce", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_spent_links_incident_id_incidents")),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_spent_links_release_id_releases")),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_spent_links")),
    )
