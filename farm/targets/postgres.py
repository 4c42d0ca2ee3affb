"""Postgres targets: dry runs by EXPLAIN on a warm connection, reports on a fresh one, always read-only.

A read-only transaction does not suffice: functions may still write files, take locks, send notices or sleep.
So a query must be one statement that a cursor can be declared for, which leaves only reading ones, and may
call no function that Postgres lists as volatile, but for harmless ones such as random().
"""

import time
from typing import Any

import psycopg

from farm.errors import TargetTrouble
from farm.sql.dialect import POSTGRES
from farm.targets import postgres_ddl
from farm.targets.engine import Result
from farm.targets.postgres_session import (
    Connection,
    blames_query,
    cancelled_after,
    connect,
    reading,
    time_limit,
    timed_out,
    words,
)
from farm.targets.postgres_text import called_names
from farm.targets.rows import gather

PREPARE_LIMIT_SECONDS = 5.0
INTROSPECT_LIMIT_SECONDS = 60.0
DECLARE = "DECLARE farm_result INSENSITIVE NO SCROLL CURSOR FOR\n"
EXPLAIN = f"EXPLAIN (COSTS OFF) {DECLARE}"


class PostgresEngine:
    """`search_path` (SQL, such as `sales, public`) replaces the database's own."""

    def __init__(self, url: str, *, target_name: str, search_path: str | None = None) -> None:
        self._url = url
        self._target_name = target_name
        self._search_path = search_path
        self._connection = self._connect()
        self._volatile: frozenset[str] | None = None

    @property
    def name(self) -> str:
        version = self._connection.info.server_version
        return f"postgres {version // 10000}.{version % 10000}"

    def introspect(self) -> str:
        try:
            with reading(self._connection, timeout_seconds=INTROSPECT_LIMIT_SECONDS):
                return postgres_ddl.read_ddl(self._connection)
        except psycopg.Error as error:
            raise self._trouble("the schema cannot be read", error) from error

    def prepare(self, sql: str) -> str | None:
        try:
            return self._prepare(sql)
        except psycopg.OperationalError as error:
            if not self._connection.closed:
                raise self._trouble("the query cannot be checked", error) from error
        self._connection = self._connect()
        try:
            return self._prepare(sql)
        except psycopg.OperationalError as error:
            raise self._trouble("the query cannot be checked", error) from error

    def run(self, sql: str, *, row_limit: int, timeout_seconds: float) -> Result:
        started = time.perf_counter()
        if refusal := self._refusal(sql):
            raise TargetTrouble(f"target {self._target_name!r} refuses the query: {refusal}")
        with self._connect() as connection, cancelled_after(connection, timeout_seconds + 1.0):
            try:
                with reading(connection, timeout_seconds=timeout_seconds):
                    columns, rows, truncated = _fetch(connection, sql, row_limit, started + timeout_seconds)
            except psycopg.Error as error:
                raise self._run_trouble(error, sql, timeout_seconds) from error
        elapsed_ms = (time.perf_counter() - started) * 1000
        return Result(columns=columns, rows=rows, truncated=truncated, elapsed_ms=elapsed_ms)

    def close(self) -> None:
        self._connection.close()

    def _connect(self) -> Connection:
        connection = connect(self._url, target_name=self._target_name)
        if self._search_path:
            connection.execute(f"SET search_path = {self._search_path}".encode())
        return connection

    def _prepare(self, sql: str) -> str | None:
        if refusal := self._refusal(sql):
            return refusal
        try:
            with reading(self._connection, timeout_seconds=PREPARE_LIMIT_SECONDS):
                execute_single(self._connection, EXPLAIN + sql)
        except psycopg.Error as error:
            if timed_out(error):
                return f"planning the query takes longer than {PREPARE_LIMIT_SECONDS:g} s"
            if not blames_query(error):
                raise
            return words(error, sql, prefix=EXPLAIN)
        return None

    def _refusal(self, sql: str) -> str | None:
        """What speaks against the text itself, before Postgres sees it."""
        if "\0" in sql:
            return "the query contains a NUL character"
        if any("\ud800" <= character <= "\udfff" for character in sql):
            return "the query contains half of a surrogate pair, which is no character"
        called = called_names(sql)
        if called is None:
            return "the query spells a name or a string in escapes that cannot be checked; write it plainly"
        refused = sorted(called & self._volatile_functions())
        if refused:
            return f"function {refused[0]}() is not allowed in a report: volatile, it may do more than read"
        return None

    def _volatile_functions(self) -> frozenset[str]:
        if self._volatile is None:
            found = self._connection.execute("SELECT DISTINCT proname FROM pg_proc WHERE provolatile = 'v'")
            self._volatile = frozenset(row[0] for row in found) - POSTGRES.functions
        return self._volatile

    def _run_trouble(self, error: psycopg.Error, sql: str, timeout_seconds: float) -> TargetTrouble:
        if timed_out(error) or "terminating connection" in str(error):
            return TargetTrouble(
                f"the query took longer than {timeout_seconds:g} s on target {self._target_name!r} "
                "and was stopped; narrow it, or allow more time"
            )
        if blames_query(error):
            said = words(error, sql, prefix=DECLARE)
            return TargetTrouble(f"the query failed on target {self._target_name!r}: {said}")
        return self._trouble("the query cannot be run", error)

    def _trouble(self, what: str, error: psycopg.Error) -> TargetTrouble:
        said = error.diag.message_primary or " ".join(str(error).split())
        return TargetTrouble(
            f"{what} on target {self._target_name!r}: {said}. Try again, or look at its server"
        )


def execute_single(connection: Connection, sql: str) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run exactly one statement: a binary result means the extended protocol, which takes no more."""
    return connection.execute(sql.encode(), binary=True)


def _fetch(
    connection: Connection, sql: str, row_limit: int, deadline: float
) -> tuple[tuple[str, ...], list[tuple[Any, ...]], bool]:
    """Columns, rows and whether rows are left; all of it before `deadline` (perf_counter)."""
    execute_single(connection, DECLARE + sql)
    columns: tuple[str, ...] = ()

    def fetch(count: int) -> list[tuple[Any, ...]]:
        nonlocal columns
        connection.execute(time_limit(deadline - time.perf_counter()))
        cursor = connection.execute(f"FETCH FORWARD {count} FROM farm_result".encode())
        columns = tuple(column.name for column in cursor.description or ())
        return cursor.fetchall()

    rows, truncated = gather(fetch, row_limit=row_limit)
    return columns, rows, truncated
