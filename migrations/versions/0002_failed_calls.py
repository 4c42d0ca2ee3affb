"""What calls cost that gave no answer"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

BATCH_COSTS_BEFORE = """
    SELECT b.id AS batch_id, b.name, b.created_at, count(DISTINCT t.id) AS tasks,
           count(a.call_no) AS calls,
           coalesce(sum(a.prompt_tokens), 0) AS prompt_tokens,
           coalesce(sum(a.completion_tokens), 0) AS completion_tokens,
           sum(a.cost_usd) AS cost_usd
    FROM batches b JOIN tasks t ON t.batch_id = b.id LEFT JOIN answers a ON a.task_id = t.id
    GROUP BY b.id, b.name, b.created_at"""

BATCH_COSTS = """
    SELECT b.id AS batch_id, b.name, b.created_at, count(DISTINCT t.id) AS tasks,
           count(a.call_no) AS calls,
           coalesce(sum(a.prompt_tokens), 0) + coalesce(max(f.prompt_tokens), 0) AS prompt_tokens,
           coalesce(sum(a.completion_tokens), 0) + coalesce(max(f.completion_tokens), 0) AS completion_tokens,
           coalesce(sum(a.cost_usd) + max(f.cost_usd), sum(a.cost_usd), max(f.cost_usd)) AS cost_usd,
           coalesce(max(f.calls), 0) AS failed_calls
    FROM batches b JOIN tasks t ON t.batch_id = b.id LEFT JOIN answers a ON a.task_id = t.id
    LEFT JOIN (
        SELECT t.batch_id, count(*) AS calls, sum(c.prompt_tokens) AS prompt_tokens,
               sum(c.completion_tokens) AS completion_tokens, sum(c.cost_usd) AS cost_usd
        FROM failed_calls c JOIN tasks t ON t.id = c.task_id GROUP BY t.batch_id
    ) f ON f.batch_id = b.id
    GROUP BY b.id, b.name, b.created_at"""


def upgrade() -> None:
    op.create_table(
        "failed_calls",
        sa.Column("task_id", BIG_ID, nullable=False),
        sa.Column("call_no", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_failed_calls_task_id_tasks")),
        sa.PrimaryKeyConstraint("task_id", "call_no", "created_at", name=op.f("pk_failed_calls")),
    )
    op.execute("DROP VIEW batch_costs")
    op.execute(f"CREATE VIEW batch_costs AS {BATCH_COSTS}")


def downgrade() -> None:
    op.execute("DROP VIEW batch_costs")
    op.execute(f"CREATE VIEW batch_costs AS {BATCH_COSTS_BEFORE}")
    op.drop_table("failed_calls")
