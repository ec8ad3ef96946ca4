"""Tell where an engine's weights are, and how much memory it takes itself."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

STATES = "state IN ('starting', 'standby', 'ready', 'draining', 'failed', 'stopped')"
RESIDENCIES = "residency IN ('device', 'host', 'disk')"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_engines_state"), "engines", type_="check")
    # Batch mode copies a table of SQLite without its checks: the one that goes needs no dropping there.
    with op.batch_alter_table("engines") as engines:
        engines.add_column(sa.Column("residency", sa.String(length=16), nullable=False, server_default="device"))
        engines.add_column(sa.Column("host_bytes", sa.BigInteger(), nullable=True))
        engines.add_column(sa.Column("device_bytes", sa.BigInteger(), nullable=True))
        engines.create_check_constraint(op.f("ck_engines_state"), STATES)
        engines.create_check_constraint(op.f("ck_engines_residency"), RESIDENCIES)
