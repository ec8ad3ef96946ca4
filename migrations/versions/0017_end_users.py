"""End users: who asked a generator's operator for an image. They are found to be forgotten, and for nothing else."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_SUBJECT = " + ".join(
    f"CASE WHEN {column} IS NULL THEN 0 ELSE 1 END" for column in ("tenant", "api_key_id", "end_user")
)


def upgrade() -> None:
    for table in ("generations", "generation_jobs"):
        op.add_column(table, sa.Column("end_user", sa.String(length=200), nullable=True))
    named = sa.text("end_user IS NOT NULL")
    op.create_index(
        op.f("ix_generations_end_user_id"),
        "generations",
        ["end_user", "id"],
        unique=False,
        postgresql_where=named,
        sqlite_where=named,
    )
    with op.batch_alter_table("erasures") as batch:
        batch.add_column(sa.Column("end_user", sa.String(length=200), nullable=True))
        batch.drop_constraint(op.f("ck_erasures_subject"), type_="check")
        batch.create_check_constraint(op.f("ck_erasures_subject"), f"{_SUBJECT} = 1")
    op.create_index(op.f("ix_erasures_end_user"), "erasures", ["end_user"])
