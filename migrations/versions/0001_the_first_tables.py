"""The first tables"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

VIEWS = {
    "acceptance_per_day": """
        SELECT date(t.finished_at) AS day, a.model, count(*) AS tasks,
               sum(CASE WHEN t.state = 'accepted' THEN 1 ELSE 0 END) AS accepted,
               avg(CASE WHEN t.state = 'accepted' THEN 1.0 ELSE 0.0 END) AS acceptance_rate
        FROM tasks t JOIN answers a ON a.task_id = t.id AND a.call_no = 1
        WHERE t.state IN ('accepted', 'rejected', 'dead')
        GROUP BY date(t.finished_at), a.model""",
    "batch_costs": """
        SELECT b.id AS batch_id, b.name, b.created_at, count(DISTINCT t.id) AS tasks,
               count(a.call_no) AS calls,
               coalesce(sum(a.prompt_tokens), 0) AS prompt_tokens,
               coalesce(sum(a.completion_tokens), 0) AS completion_tokens,
               sum(a.cost_usd) AS cost_usd
        FROM batches b JOIN tasks t ON t.batch_id = b.id LEFT JOIN answers a ON a.task_id = t.id
        GROUP BY b.id, b.name, b.created_at""",
    "rejection_reasons": """
        SELECT target, state, reason_code, count(*) AS tasks
        FROM tasks WHERE state IN ('rejected', 'dead')
        GROUP BY target, state, reason_code""",
}


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_table(
        "queues",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_queues")),
    )
    op.create_table(
        "targets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("ddl", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_targets")),
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("in_flight", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tasks_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_index("ix_workers_ended_at", "workers", ["ended_at"], unique=False)

    op.create_table(
        "tasks",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("batch_id", BIG_ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rank", sa.Integer(), sa.Computed("-priority", persisted=True), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("token", sa.Integer(), server_default="0", nullable=False),
        sa.Column("calls_before", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'leased', 'accepted', 'rejected', 'dead')", name=op.f("ck_tasks_state")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_tasks_batch_id_batches")),
        sa.ForeignKeyConstraint(["target"], ["targets.name"], name=op.f("fk_tasks_target_targets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("key", name=op.f("uq_tasks_key")),
    )
    op.create_index("ix_tasks_batch_state", "tasks", ["batch_id", "state"], unique=False)
    op.create_index(
        "ix_tasks_leases",
        "tasks",
        ["leased_until"],
        unique=False,
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.create_index("ix_tasks_state", "tasks", ["state"], unique=False)
    op.create_index(
        "ix_tasks_waiting",
        "tasks",
        ["queue", "rank", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )

    op.create_table(
        "answers",
        sa.Column("task_id", BIG_ID, nullable=False),
        sa.Column("call_no", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Double(), nullable=True),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("finish_reason", sa.Text(), nullable=False),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column("prompt_hash", sa.Text(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_answers_task_id_tasks")),
        sa.PrimaryKeyConstraint("task_id", "call_no", name=op.f("pk_answers")),
    )
    op.create_table(
        "batch_items",
        sa.Column("batch_id", BIG_ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("task_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_batch_items_batch_id_batches")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_batch_items_task_id_tasks")),
        sa.PrimaryKeyConstraint("batch_id", "position", name=op.f("pk_batch_items")),
    )
    op.create_index("ix_batch_items_task_id", "batch_items", ["task_id"], unique=False)

    op.create_table(
        "candidates",
        sa.Column("task_id", BIG_ID, nullable=False),
        sa.Column("call_no", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sql", sa.Text(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_candidates_task_id_tasks")),
        sa.PrimaryKeyConstraint("task_id", "call_no", "position", name=op.f("pk_candidates")),
    )
    op.create_table(
        "queries",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("task_id", BIG_ID, nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("sql", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("call_no", sa.Integer(), nullable=False),
        sa.Column("dry_run", sa.Text(), nullable=True),
        sa.Column("prompt_version", sa.Text(), nullable=False),
        sa.Column("schema_fingerprint", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["target"], ["targets.name"], name=op.f("fk_queries_target_targets")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_queries_task_id_tasks")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queries")),
        sa.UniqueConstraint("task_id", name=op.f("uq_queries_task_id")),
    )
    op.create_index("ix_queries_created_at", "queries", ["created_at"], unique=False)
    op.create_index("ix_queries_target", "queries", ["target"], unique=False)
    for name, select in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {select}")


def downgrade() -> None:
    for name in VIEWS:
        op.execute(f"DROP VIEW {name}")
    op.drop_index("ix_queries_target", table_name="queries")
    op.drop_index("ix_queries_created_at", table_name="queries")

    op.drop_table("queries")
    op.drop_table("candidates")
    op.drop_index("ix_batch_items_task_id", table_name="batch_items")

    op.drop_table("batch_items")
    op.drop_table("answers")
    op.drop_index(
        "ix_tasks_waiting",
        table_name="tasks",
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.drop_index("ix_tasks_state", table_name="tasks")
    op.drop_index(
        "ix_tasks_leases",
        table_name="tasks",
        sqlite_where=sa.text("state = 'leased'"),
        postgresql_where=sa.text("state = 'leased'"),
    )
    op.drop_index("ix_tasks_batch_state", table_name="tasks")

    op.drop_table("tasks")
    op.drop_index("ix_workers_ended_at", table_name="workers")

    op.drop_table("workers")
    op.drop_table("targets")
    op.drop_table("queues")
    op.drop_table("batches")
