"""Kinds of channels, the rotation of their secrets, keys for links to images, and a line for each channel."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # Added one by one. SQLite would make a table anew for more than that, and notifications point to these rows.
    for column in (
        sa.Column("kind", sa.String(length=16), nullable=False, server_default="webhook"),
        sa.Column("previous_secret", sa.Text(), nullable=True),
        sa.Column("previous_secret_until", MOMENT, nullable=True),
        sa.Column("link_key", sa.Text(), nullable=False, server_default=""),
        sa.Column("last_beat_at", MOMENT, nullable=True),
        sa.Column("last_beat_error", sa.Text(), nullable=False, server_default=""),
    ):
        op.add_column("channels", column)
    _make_link_keys()
    pending, failed = sa.text("state = 'pending'"), sa.text("state = 'failed'")
    op.drop_index("ix_notifications_due", "notifications")
    op.create_index(
        "ix_notifications_due",
        "notifications",
        ["channel_id", "next_attempt_at"],
        unique=False,
        sqlite_where=pending,
        postgresql_where=pending,
    )
    op.create_index(
        "ix_notifications_failed", "notifications", ["id"], unique=False, sqlite_where=failed, postgresql_where=failed
    )
    op.create_index(op.f("ix_notifications_channel_id_id"), "notifications", ["channel_id", "id"], unique=False)


def _make_link_keys() -> None:
    channels = sa.table("channels", sa.column("id"), sa.column("link_key"))
    connection = op.get_bind()
    for identifier in connection.scalars(sa.select(channels.c.id)).all():
        made = channels.update().where(channels.c.id == identifier).values(link_key=secrets.token_urlsafe(32))
        connection.execute(made)
