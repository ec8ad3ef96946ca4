"""What is old grows sparse: a verdict may stand for several ticks, and what is due is found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column("verdicts", sa.Column("ticks", sa.Integer(), nullable=False, server_default="1"))
    for table in ("verdicts", "traffic_buckets", "feedback_buckets"):
        op.add_column(table, sa.Column("rolled_up", sa.Boolean(), nullable=False, server_default=sa.false()))
    fresh, old = sa.text("NOT rolled_up"), sa.text("rolled_up")
    for table, column in (
        ("verdicts", "slot"),
        ("traffic_buckets", "bucket_start"),
        ("feedback_buckets", "bucket_start"),
    ):
        name = f"ix_{table}_not_rolled_up"
        op.create_index(name, table, [column], unique=False, postgresql_where=fresh, sqlite_where=fresh)
    op.create_index(
        "ix_sketches_rolled_up", "sketches", ["bucket_start"], unique=False, postgresql_where=old, sqlite_where=old
    )
