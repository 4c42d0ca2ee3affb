"""Engines: a target's own database, asked to prepare a query, to run it, or to show its schema."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from farm.errors import TargetTrouble
from farm.targets.extras import optional
from farm.targets.target import Target

Purpose = Literal["check", "run"]


class NoEngine(Exception):
    """No engine is at hand for this query; the text says why, in words fit for a verdict."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EmbeddedPostgres:
    """The farm's own scratch server, and how long to wait there for others to make room."""

    url: str
    patience_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """Rows of a query. `truncated`: there were more than the row limit, or than fit in memory."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    truncated: bool
    elapsed_ms: float


class Engine(Protocol):
    """One database of one target. Not for use by several threads at once."""

    @property
    def name(self) -> str:
        """Such as "sqlite 3.40.1"."""
        ...

    def introspect(self) -> str:
        """The schema as CREATE statements; raises TargetTrouble where it cannot be read."""
        ...

    def prepare(self, sql: str) -> str | None:
        """What the database says against the query, without running it; None: nothing.

        The text's first line is the database's message; lines `LINE n:` and `HINT: …` may follow.
        Raises TargetTrouble where the database cannot be asked, NoEngine where what it says means nothing.
        """
        ...

    def run(self, sql: str, *, row_limit: int, timeout_seconds: float) -> Result:
        """Run one reading query; raises TargetTrouble where it is refused, fails or takes too long."""
        ...

    def close(self) -> None: ...


def open_engine(
    target: Target,
    *,
    purpose: Purpose,
    scratch_postgres_url: str | None = None,
    embedded_postgres: EmbeddedPostgres | None = None,
) -> Engine | None:
    """The engine that checks or runs queries for `target`; None where there is no database to ask.

    A check of a SQLite or DuckDB target uses an empty database in memory made from its DDL; of a MySQL or
    MariaDB target the target itself; of a Postgres target the target itself, or else its DDL loaded into a
    throw-away database on the scratch server, or else into one that is kept on the embedded server, whose URL
    `embedded_postgres` gives. Raises TargetTrouble, never showing a password, where the database cannot be
    opened or its driver is not installed; NoEngine where a MySQL target has no URL.
    """
    if purpose == "run" and target.url is None:
        raise TargetTrouble(
            f"target {target.name!r} has no database to run queries on, only a schema; "
            f"add one with `farm target add {target.name} --dialect {target.dialect} --url URL`"
        )
    if target.dialect == "sqlite":
        return _open_sqlite(target, purpose)
    if target.dialect == "postgres":
        return _open_postgres(target, scratch_postgres_url, embedded_postgres)
    if target.dialect == "mysql":
        return _open_mysql(target)
    return _open_duckdb(target, purpose)


def _open_sqlite(target: Target, purpose: Purpose) -> Engine:
    from farm.targets.sqlite.engine import SqliteEngine

    if purpose == "check" or target.url is None:
        return SqliteEngine.from_ddl(target.ddl, target_name=target.name)
    return SqliteEngine.from_url(target.url, target_name=target.name)


def _open_postgres(
    target: Target, scratch_postgres_url: str | None, embedded_postgres: EmbeddedPostgres | None
) -> Engine | None:
    from farm.targets.postgres.engine import PostgresEngine
    from farm.targets.postgres.kept import KeptEngine
    from farm.targets.postgres.scratch import ScratchEngine

    if target.url is not None:
        return PostgresEngine(target.url, target_name=target.name)
    if scratch_postgres_url is not None:
        return ScratchEngine(scratch_postgres_url, target.ddl, target_name=target.name)
    if embedded_postgres is not None:
        return KeptEngine(embedded_postgres, target.ddl, target_name=target.name)
    return None


def _open_mysql(target: Target) -> Engine:
    if target.url is None:
        raise NoEngine("a MySQL or MariaDB target is dry-run on its own server, and this one has no URL")
    with optional("MySQL and MariaDB"):
        from farm.targets.mysql.engine import MysqlEngine
    return MysqlEngine(target.url, target_name=target.name)


def _open_duckdb(target: Target, purpose: Purpose) -> Engine:
    with optional("DuckDB"):
        from farm.targets.duckdb.engine import DuckdbEngine
    if purpose == "check" or target.url is None:
        return DuckdbEngine.from_ddl(target.ddl, target_name=target.name)
    return DuckdbEngine.from_url(target.url, target_name=target.name)
