"""Gates: a generator's policy, what the gates said of each release, overrides, approvals, and probes made for them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"

_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
_PURPOSES = ("baseline", "routine", "suspect", "reload", "target", "requested", "gate")


def upgrade() -> None:
    op.create_table(
        "gate_policies",
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("document", _JSON, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("updated_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["generator"], ["generators.name"], name=op.f("fk_gate_policies_generator_generators")),
        sa.PrimaryKeyConstraint("generator", name=op.f("pk_gate_policies")),
    )
    op.create_table(
        "gate_results",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("gate", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=48), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("overridden", sa.Boolean(), nullable=False),
        sa.Column("figures", _JSON, nullable=False),
        sa.Column("judged_at", _MOMENT, nullable=False),
        sa.CheckConstraint(
            "outcome IN ('passed', 'failed', 'missing', 'pending', 'not_applicable')",
            name=op.f("ck_gate_results_outcome"),
        ),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_gate_results_release_id_releases")),
        sa.PrimaryKeyConstraint("release_id", "gate", name=op.f("pk_gate_results")),
    )
    op.create_table(
        "release_overrides",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_release_overrides_release_id_releases")),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_release_overrides")),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("generator", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index(op.f("ix_approvals_generator_version"), "approvals", ["generator", "version"])
    with op.batch_alter_table("probe_runs") as batch:
        batch.drop_constraint(op.f("ck_probe_runs_purpose"), type_="check")
        named = ", ".join(f"'{purpose}'" for purpose in _PURPOSES)
        batch.create_check_constraint(op.f("ck_probe_runs_purpose"), f"purpose IN ({named})")
