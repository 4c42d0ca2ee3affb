"""Statistics: usage per hour, outcomes per minute, first claims"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("tasks", sa.Column("claimed_at", TIME))
    op.create_index("ix_batch_items_batch_id_task_id", "batch_items", ["batch_id", "task_id"])
    op.create_index("ix_failed_calls_created_at", "failed_calls", ["created_at"])
    op.create_table(
        "usage_hours",
        sa.Column("hour", TIME, nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("failed_calls", sa.Integer(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost_usd", sa.Double()),
        sa.PrimaryKeyConstraint("hour", "model", name=op.f("pk_usage_hours")),
    )
    op.create_table(
        "outcome_minutes",
        sa.Column("minute", TIME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("tasks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "state", "reason_code", name=op.f("pk_outcome_minutes")),
    )
    op.create_table(
        "outcome_hours",
        sa.Column("hour", TIME, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("tasks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "state", "reason_code", name=op.f("pk_outcome_hours")),
    )
    op.create_table(
        "rollups",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_rollups")),
    )


def downgrade() -> None:
    for table in ("rollups", "outcome_hours", "outcome_minutes", "usage_hours"):
        op.drop_table(table)
    op.drop_index("ix_failed_calls_created_at", table_name="failed_calls")
    op.drop_index("ix_batch_items_batch_id_task_id", table_name="batch_items")
    # Not in a batch, which would make the table anew: rows of other tables refer to it.
    op.drop_column("tasks", "claimed_at")
