"""The secret of a target before the last rotation, which counts for a while more."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("targets", sa.Column("previous_secret", sa.Text(), nullable=True))
    op.add_column("targets", sa.Column("previous_secret_until", sa.DateTime(timezone=True), nullable=True))
