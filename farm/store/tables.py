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
        Index("ix_tasks_state", "state"),
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
    finished_at: Mapped[datetime | None]


class BatchItemRow(Base):
    """Which tasks a batch asked for, in order; a task may stand in several batches, and is worked once."""

    __tablename__ = "batch_items"
    __table_args__ = (Index("ix_batch_items_task_id", "task_id"),)

    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("tasks.id"))


class AnswerRow(Base):
    """One raw model response, kept before anything looks at it: what was paid for is never paid again."""

    __tablename__ = "answers"

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
