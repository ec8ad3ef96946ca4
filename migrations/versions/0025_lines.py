"""Channels can be edited; what a channel was told of one incident, and what is old or dead, is found at once."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("channels", sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
    for name, state, columns in (
        ("ix_notifications_waiting", "pending", ["channel_id", "incident_id", "next_attempt_at"]),
        ("ix_notifications_delivered", "delivered", ["id"]),
    ):
        where = sa.text(f"state = '{state}'")
        op.create_index(name, "notifications", columns, unique=False, postgresql_where=where, sqlite_where=where)
    op.create_index(op.f("ix_notifications_channel_id_state_id"), "notifications", ["channel_id", "state", "id"])
    op.create_index(
        op.f("ix_notifications_incident_id_channel_id_state"), "notifications", ["incident_id", "channel_id", "state"]
    )
    op.drop_index(op.f("ix_notifications_incident_id"), "notifications")
