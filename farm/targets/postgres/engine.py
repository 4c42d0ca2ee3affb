"""Postgres targets: dry runs by EXPLAIN on a warm connection, reports on a fresh one, always read-only.

A read-only transaction does not suffice: functions may still write files, take locks, send notices or sleep.
So a query must be one statement that a cursor can be declared for, which leaves only reading ones, and
neither its text nor its plan may call what is not known to be harmless (farm.targets.postgres.policy). It
runs in a child process, so that no answer of the server can fill the memory of whoever asked.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from farm.errors import QueryFailed, TargetTrouble
from farm.targets.child import NEEDS_MEMORY, EngineChild, Opening, Order, took_too_long
from farm.targets.engine import Result
from farm.targets.postgres import ddl as postgres_ddl
from farm.targets.postgres.policy import Policy, read_policy
from farm.targets.postgres.session import (
    CANCEL_GRACE_SECONDS,
    CONNECT_LIMIT_SECONDS,
    Connection,
    blames_query,
    cancelled_after,
    connect,
    limit_temp_files,
    reading,
    time_limit,
    timed_out,
    too_large,
    too_many_temp_files,
    words,
)
from farm.targets.reading import Reading
from farm.targets.rows import result_of

PREPARE_LIMIT_SECONDS = 4.0
INTROSPECT_LIMIT_SECONDS = 60.0
DECLARE = "DECLARE farm_result INSENSITIVE NO SCROLL CURSOR FOR\n"
EXPLAIN = f"EXPLAIN (COSTS OFF, FORMAT JSON) {DECLARE}"
EXPLAIN_WHOLE = f"EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) {DECLARE}"
CHILD_GRACE_SECONDS = CONNECT_LIMIT_SECONDS + 2 * CANCEL_GRACE_SECONDS + 0.5
"""The child connects first, and cancels and cuts by itself; it is killed only where even that fails."""


class PostgresEngine:
    """`search_path` (SQL, such as `sales, public`) replaces the database's own."""

    def __init__(self, url: str, *, target_name: str, search_path: str | None = None) -> None:
        self._url = url
        self._target_name = target_name
        self._search_path = search_path
        self._connection = self._connect()
        self._policy: Policy | None = None
        self._running: Connection | None = None
        self._child = EngineChild(
            Opening(url=url, target_name=target_name, search_path=search_path),
            grace_seconds=CHILD_GRACE_SECONDS,
        )

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
            if error.sqlstate is None:
                return "planning the query breaks the connection to the database, also a new one"
            raise self._trouble("the query cannot be checked", error) from error

    def run(self, sql: str, *, row_limit: int, timeout_seconds: float) -> Result:
        return self._child.run(Order(sql=sql, row_limit=row_limit, timeout_seconds=timeout_seconds))

    def run_here(self, sql: str, *, row_limit: int, timeout_seconds: float) -> Result:
        """`run` in this process, on a connection of its own; a huge value takes huge memory."""
        return result_of(
            self.reading(sql, row_limit=row_limit, timeout_seconds=timeout_seconds), row_limit=row_limit
        )

    @contextlib.contextmanager
    def reading(self, sql: str, *, row_limit: int | None, timeout_seconds: float) -> Iterator[Reading]:
        """A query's rows as they are asked for, on a connection of its own; all within the time-out."""
        started = time.perf_counter()
        self._refuse(self._policy_now().refusal(sql))
        with self._connect() as connection, cancelled_after(connection, timeout_seconds):
            self._running = connection
            try:
                with reading(connection, timeout_seconds=timeout_seconds):
                    self._refuse(self._planned(connection, sql))
                    connection.execute(limit_temp_files(connection))
                    yield _declared(connection, sql, started + timeout_seconds)
            except psycopg.Error as error:
                late = time.perf_counter() - started > timeout_seconds
                raise self._run_trouble(error, sql, timeout_seconds, late=late) from error
            finally:
                self._running = None

    def cancel_here(self) -> None:
        """Ask the server to stop what runs in this process, from any thread."""
        if (connection := self._running) is not None:
            connection.cancel_safe(timeout=CANCEL_GRACE_SECONDS)

    def close(self) -> None:
        self._connection.close()
        self._child.close()

    def _connect(self) -> Connection:
        connection = connect(self._url, target_name=self._target_name)
        if self._search_path:
            connection.execute(f"SET search_path = {self._search_path}".encode())
        return connection

    def _prepare(self, sql: str) -> str | None:
        if refusal := self._policy_now().refusal(sql):
            return refusal
        try:
            with reading(self._connection, timeout_seconds=PREPARE_LIMIT_SECONDS):
                return self._planned(self._connection, sql)
        except psycopg.Error as error:
            if timed_out(error):
                return f"planning the query takes longer than {PREPARE_LIMIT_SECONDS:g} s"
            if not blames_query(error):
                raise
            return words(error, sql, prefix=EXPLAIN)

    def _planned(self, connection: Connection, sql: str) -> str | None:
        """Let Postgres plan the query, and judge what the plan would call."""
        policy = self._policy_now()
        try:
            plan = execute_single(connection, EXPLAIN + sql).fetchall()
            if policy.wants_whole_plan(sql):
                plan = execute_single(connection, EXPLAIN_WHOLE + sql).fetchall()
        except (MemoryError, psycopg.DatabaseError) as error:
            if not too_large(error):
                raise
            connection.close()  # what the server goes on sending would be taken for the next answer
            return "its plan is too large: a constant in it, or the number of its parts"
        return policy.plan_refusal(plan)

    def _policy_now(self) -> Policy:
        if self._policy is None:
            self._policy = read_policy(self._connection)
        return self._policy

    def _refuse(self, refusal: str | None) -> None:
        if refusal:
            raise TargetTrouble(f"target {self._target_name!r} refuses the query: {refusal}")

    def _run_trouble(
        self, error: psycopg.Error, sql: str, timeout_seconds: float, *, late: bool
    ) -> TargetTrouble:
        """`late`: the time-out is over; the connection then broke because it, or the session, was ended."""
        if timed_out(error) or "terminating connection" in str(error) or (late and error.sqlstate is None):
            return took_too_long(self._target_name, timeout_seconds)
        if too_many_temp_files(error):
            return TargetTrouble(
                f"the query was stopped on target {self._target_name!r}: it needs more temporary files than "
                "the server or the farm allows a report; narrow it"
            )
        if too_large(error):
            return TargetTrouble(NEEDS_MEMORY)
        if blames_query(error):
            said = words(error, sql, prefix=DECLARE)
            return QueryFailed(f"the query failed on target {self._target_name!r}: {said}")
        return self._trouble("the query cannot be run", error)

    def _trouble(self, what: str, error: psycopg.Error) -> TargetTrouble:
        said = error.diag.message_primary or " ".join(str(error).split())
        return TargetTrouble(
            f"{what} on target {self._target_name!r}: {said}. Try again, or look at its server"
        )


def execute_single(connection: Connection, sql: str) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run exactly one statement: a binary result means the extended protocol, which takes no more."""
    return connection.execute(sql.encode(), binary=True)


def _declared(connection: Connection, sql: str, deadline: float) -> Reading:
    """The query's rows through a cursor, all of them before `deadline` (perf_counter)."""
    execute_single(connection, DECLARE + sql)

    def fetch(count: int) -> list[tuple[Any, ...]]:
        limit = time_limit(deadline - time.perf_counter())
        cursor = connection.execute(f"{limit};FETCH FORWARD {count} FROM farm_result".encode())
        cursor.nextset()
        found.columns = tuple(column.name for column in cursor.description or ())
        return cursor.fetchall()

    found = Reading(fetch)
    return found
