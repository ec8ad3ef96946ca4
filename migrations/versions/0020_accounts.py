"""Files of checkpoints, a time line of the ledger, and what a person makes of an incident. Records that only grow."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"

MOMENT = sa.DateTime(timezone=True)
APPEND_ONLY = ("ledger", "incident_events")
"""Whoever copies one of these tables, as SQLite's batch mode does, has to put its triggers back."""


def upgrade() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("files", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_checkpoints")),
    )
    op.create_index(op.f("ix_ledger_generator_scope_at"), "ledger", ["generator", "scope", "at"])
    # Added one by one: SQLite would make a table anew for more than that, and timelines point to these rows.
    for column in (
        sa.Column("severity", sa.String(length=16), nullable=False, server_default="critical"),
        sa.Column("severity_by", sa.String(length=100), nullable=True),
        sa.Column("owner", sa.String(length=100), nullable=True),
        sa.Column("reopened_at", MOMENT, nullable=True),
        sa.Column("judgement", sa.String(length=16), nullable=True),
    ):
        op.add_column("incidents", column)
    op.create_index(op.f("ix_incidents_dedup_key_id"), "incidents", ["dedup_key", "id"])
    op.create_table(
        "incident_judgements",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("judgement", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.CheckConstraint("judgement IN ('right', 'wrong')", name=op.f("ck_incident_judgements_judgement")),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name=op.f("fk_incident_judgements_incident_id_incidents")
        ),
        sa.PrimaryKeyConstraint("incident_id", "actor", name=op.f("pk_incident_judgements")),
    )
    op.create_table(
        "runbooks",
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("monitor", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("updated_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["generator"], ["generators.name"], name=op.f("fk_runbooks_generator_generators")),
        sa.PrimaryKeyConstraint("generator", "monitor", name=op.f("pk_runbooks")),
    )
    _forbid_changes()


def _forbid_changes() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for action in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION only_grows()"
        )
