"""The store's tables. People query them with their own tools, so names and meanings stay stable."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from farm.store.states import TaskState

BigId = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps it as sortable text without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables of the store."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        str: Text(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
        list[Any]: JSON(),
    }


def _where(condition: str) -> dict[str, Any]:
    """The options that make an index partial in both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class TargetRow(Base):
    """A database that queries are written for; its URL is never here."""

    __tablename__ = "targets"

    name: Mapped[str] = mapped_column(primary_key=True)
    dialect: Mapped[str]
    ddl: Mapped[str]
    fingerprint: Mapped[str]
    notes: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class BatchRow(Base):
    """The tasks of one enqueue call."""

    __tablename__ = "batches"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    name: Mapped[str | None]
    created_at: Mapped[datetime]


class TaskRow(Base):
    """One question for one target. `token` is the fence: it grows with every claim."""

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'leased', 'accepted', 'rejected', 'dead')", name="state"),
        Index("ix_tasks_waiting", "queue", "rank", "id", **_where("state = 'queued'")),
        Index("ix_tasks_leases", "leased_until", **_where("state = 'leased'")),
        Index("ix_tasks_batch_state", "batch_id", "state"),
        Index("ix_tasks_state_id", "state", "id"),
        Index("ix_tasks_target_id", "target", "id"),
        Index("ix_tasks_reason_code", "reason_code", "id", **_where("reason_code IS NOT NULL")),
        Index("ix_tasks_finished_at", "finished_at", **_where("finished_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    key: Mapped[str] = mapped_column(unique=True)
    question: Mapped[str]
    target: Mapped[str] = mapped_column(ForeignKey("targets.name"))
    model: Mapped[str | None]
    queue: Mapped[str]
    priority: Mapped[int] = mapped_column(server_default="0")
    rank: Mapped[int] = mapped_column(Computed("-priority", persisted=True))  # an index cannot mix directions
    tags: Mapped[list[str]]
    dialect: Mapped[str | None]  # of the query that is wanted; None: the target's own
    state: Mapped[str] = mapped_column(server_default=TaskState.QUEUED.value)
    attempt: Mapped[int] = mapped_column(server_default="0")
    token: Mapped[int] = mapped_column(server_default="0")
    calls_before: Mapped[int] = mapped_column(server_default="0")  # model calls of earlier, rejected rounds
    worker: Mapped[str | None]
    leased_until: Mapped[datetime | None]
    reason_code: Mapped[str | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]  # first, since it was enqueued or requeued
    finished_at: Mapped[datetime | None]


class BatchItemRow(Base):
    """Which tasks a batch asked for, in order; a task may stand in several batches, and is worked once."""

    __tablename__ = "batch_items"
    __table_args__ = (
        Index("ix_batch_items_task_id", "task_id"),
        Index("ix_batch_items_batch_id_task_id", "batch_id", "task_id"),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))


class RequestRow(Base):
    """A request to enqueue that brought a key along, and the batch that came of it."""

    __tablename__ = "requests"

    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    added: Mapped[int]
    known: Mapped[int]
    created_at: Mapped[datetime]


class WebhookRow(Base):
    """An address that is told when a batch has ended, and how far that has come.

    `ending` counts the times that the batch ended, as it may be requeued; `token` is the fence of a delivery.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'pending', 'delivered', 'failed')", name="state"),
        UniqueConstraint("batch_id", "url"),
        Index("ix_webhooks_state_next_at", "state", "next_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"))
    url: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="waiting")
    ending: Mapped[int] = mapped_column(server_default="1")
    all_own: Mapped[bool]  # the batch added every task itself
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    body: Mapped[str | None]  # what is sent, the same with every attempt
    attempt: Mapped[int] = mapped_column(server_default="0")
    token: Mapped[int] = mapped_column(server_default="0")
    next_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]  # when it was delivered or given up
    status_code: Mapped[int | None]  # that was answered last
    reason: Mapped[str | None]  # why the last attempt failed


class AnswerRow(Base):
    """One raw model response, kept before anything looks at it: what was paid for is never paid again."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_created_at", "created_at"),)

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    call_no: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str]
    raw: Mapped[str]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cost_usd: Mapped[float | None]
    latency_ms: Mapped[float]
    finish_reason: Mapped[str]
    prompt_version: Mapped[str]
    prompt_hash: Mapped[str]
    parameters: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class FailedCallRow(Base):
    """One model call that gave no answer and may have been paid; its tokens are None where nobody said them.

    The time is part of the key so that a write that is repeated counts once.
    """

    __tablename__ = "failed_calls"
    __table_args__ = (Index("ix_failed_calls_created_at", "created_at"),)

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    call_no: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(primary_key=True)
    model: Mapped[str]
    code: Mapped[str]
    message: Mapped[str]
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    cost_usd: Mapped[float | None]
    latency_ms: Mapped[float]


class CandidateRow(Base):
    """A query found in an answer, and the verdict on it."""

    __tablename__ = "candidates"

    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    call_no: Mapped[int] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    sql: Mapped[str]
    accepted: Mapped[bool]
    verdict: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class QueryRow(Base):
    """An accepted query, with its provenance."""

    __tablename__ = "queries"
    __table_args__ = (
        Index("ix_queries_target", "target"),
        Index("ix_queries_created_at", "created_at"),
        Index("ix_queries_canonical_key", "target", "canonical_key", "id"),
        Index("ix_queries_dialect", "dialect", "id"),
        Index("ix_queries_model", "model", "id"),
        Index("ix_queries_mark", "mark", "id", **_where("mark IS NOT NULL")),
        Index("ix_queries_starred_at", "starred_at", "id", **_where("starred_at IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"), unique=True)
    question: Mapped[str]
    target: Mapped[str] = mapped_column(ForeignKey("targets.name"))
    dialect: Mapped[str]
    sql: Mapped[str]
    model: Mapped[str]
    call_no: Mapped[int]
    dry_run: Mapped[str | None]
    prompt_version: Mapped[str]
    schema_fingerprint: Mapped[str]
    created_at: Mapped[datetime]
    canonical_key: Mapped[str | None]  # equal for queries that differ in spelling alone
    lineage: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    original_sql: Mapped[str | None]  # as the model wrote it, where `sql` is that in another dialect
    original_dialect: Mapped[str | None]
    title: Mapped[str | None]
    starred_at: Mapped[datetime | None]
    mark: Mapped[str | None]  # 'good' or 'bad', as somebody judged it
    version: Mapped[int] = mapped_column(server_default="1")
    author: Mapped[str | None]  # who corrected it last; None: as the model wrote it
    rechecked_at: Mapped[datetime | None]
    rechecked_fingerprint: Mapped[str | None]  # of the schema that the last re-check was against
    recheck: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # its verdict


class QueryTableRow(Base):
    """A table or view that an accepted query reads, as the schema calls it."""

    __tablename__ = "query_tables"
    __table_args__ = (Index("ix_query_tables_table_name", "table_name", "query_id"),)

    query_id: Mapped[int] = mapped_column(ForeignKey("queries.id"), primary_key=True)
    table_name: Mapped[str] = mapped_column(primary_key=True)


class QueryColumnRow(Base):
    """A column that an accepted query reads, as the schema calls it."""

    __tablename__ = "query_columns"
    __table_args__ = (Index("ix_query_columns_column_name", "column_name", "table_name", "query_id"),)

    query_id: Mapped[int] = mapped_column(ForeignKey("queries.id"), primary_key=True)
    table_name: Mapped[str] = mapped_column(primary_key=True)
    column_name: Mapped[str] = mapped_column(primary_key=True)


class QueryTagRow(Base):
    """A tag of an accepted query: its task's, or one that somebody gave it."""

    __tablename__ = "query_tags"
    __table_args__ = (Index("ix_query_tags_tag", "tag", "query_id"),)

    query_id: Mapped[int] = mapped_column(ForeignKey("queries.id"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)


class QueryVersionRow(Base):
    """What an accepted query said before it was corrected, and what it says now.

    There are rows only for queries that were corrected; version 1 is the model's own.
    """

    __tablename__ = "query_versions"

    query_id: Mapped[int] = mapped_column(ForeignKey("queries.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    sql: Mapped[str]
    original_sql: Mapped[str | None]
    author: Mapped[str | None]
    note: Mapped[str]
    verdict: Mapped[dict[str, Any]]
    dry_run: Mapped[str | None]
    schema_fingerprint: Mapped[str]
    canonical_key: Mapped[str | None]
    lineage: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime]


class RunRow(Base):
    """One run of an accepted query on its target, with the rows that it showed while they are kept."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint("state IN ('running', 'done', 'failed', 'cancelled')", name="state"),
        Index("ix_runs_query_id", "query_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    query_id: Mapped[int] = mapped_column(ForeignKey("queries.id"))
    version: Mapped[int]
    target: Mapped[str]
    sql: Mapped[str]  # as it was run, with the parameters in it
    parameters: Mapped[dict[str, Any]]
    state: Mapped[str]
    error: Mapped[str | None]
    started_by: Mapped[str | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    duration_ms: Mapped[float | None]
    row_limit: Mapped[int]
    timeout_seconds: Mapped[float]
    row_count: Mapped[int | None]
    truncated: Mapped[bool | None]  # whether there were more rows than `row_limit`
    columns: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    rows: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    chart: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))  # as somebody chose it
    kept_at: Mapped[datetime | None]  # a snapshot: its rows are never pruned


class ActionRow(Base):
    """Something that somebody did to the farm: the action log."""

    __tablename__ = "actions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    detail: Mapped[dict[str, Any]]


class UsageHourRow(Base):
    """What the model calls of one hour (UTC) used, by model; see `farm.store.rollup`."""

    __tablename__ = "usage_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    calls: Mapped[int]
    failed_calls: Mapped[int]
    prompt_tokens: Mapped[int] = mapped_column(BigInteger())
    completion_tokens: Mapped[int] = mapped_column(BigInteger())
    cost_usd: Mapped[float | None]


class OutcomeMinuteRow(Base):
    """How many tasks came to which end within a minute; `reason_code` is empty where there is none.

    They are events: a task that was requeued since still counts as it ended then.
    """

    __tablename__ = "outcome_minutes"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    reason_code: Mapped[str] = mapped_column(primary_key=True)
    tasks: Mapped[int]


class OutcomeHourRow(Base):
    """The same within an hour, kept for good; minutes are kept for a day."""

    __tablename__ = "outcome_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    reason_code: Mapped[str] = mapped_column(primary_key=True)
    tasks: Mapped[int]


class RollupRow(Base):
    """Up to what time a kind of rows has been summed up."""

    __tablename__ = "rollups"

    name: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]


class CounterRow(Base):
    """How much of something there has been in all, up to the steps that are not added yet.

    `labels` is a JSON array of texts; amounts are whole numbers. See `farm.store.counters`.
    """

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(primary_key=True)
    labels: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[int] = mapped_column(BigInteger())


class CounterStepRow(Base):
    """What one transaction adds to counters: [name, label, …, amount] for each of them."""

    __tablename__ = "counter_steps"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    amounts: Mapped[list[Any]]


class WorkerRow(Base):
    """One life of one worker process."""

    __tablename__ = "workers"
    __table_args__ = (Index("ix_workers_ended_at", "ended_at"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[str]
    host: Mapped[str]
    pid: Mapped[int]
    queue: Mapped[str]
    state: Mapped[str]
    in_flight: Mapped[int] = mapped_column(server_default="0")
    tasks_done: Mapped[int] = mapped_column(server_default="0")
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]
    end_wanted: Mapped[bool | None]


class QueueRow(Base):
    """What is set for a queue; a queue without a row runs."""

    __tablename__ = "queues"

    name: Mapped[str] = mapped_column(primary_key=True)
    paused_at: Mapped[datetime | None]
    workers: Mapped[int | None]
