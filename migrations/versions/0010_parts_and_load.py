"""Finding the newest of one part of the traffic, how long requests waited, and how full the engines' devices are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    for column in ("replica", "adapter", "tenant", "region"):
        named = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            op.f(f"ix_generations_generator_{column}_id"),
            "generations",
            ["generator", column, "id"],
            unique=False,
            postgresql_where=named,
            sqlite_where=named,
        )
    # Buckets from before do not say how long anybody waited.
    document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("traffic_buckets", sa.Column("queue_counts", document, nullable=True))
    for column in ("memory_used", "memory_total"):
        op.add_column("engines", sa.Column(column, sa.BigInteger(), nullable=True))
