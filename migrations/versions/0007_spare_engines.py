"""Tell an engine that was loaded afresh for probes from those that serve."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("engines", sa.Column("spare", sa.Boolean(), nullable=False, server_default=sa.false()))
