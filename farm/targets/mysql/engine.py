"""MySQL and MariaDB targets: dry runs by PREPARE on a warm connection, reports on a fresh one, read-only.

PREPARE resolves and checks a statement and never runs a part of it. EXPLAIN is not asked: MariaDB's runs
derived tables and constant subqueries. What a query may contain is held by farm.targets.mysql.policy; it runs
in a child process, so that no answer of the server can fill the memory of whoever asked.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pymysql
from pymysql.cursors import SSCursor

from farm.errors import QueryFailed, TargetTrouble
from farm.targets.child import NEEDS_MEMORY, EngineChild, Opening, Order, took_too_long
from farm.targets.engine import Result
from farm.targets.mysql import ddl as mysql_ddl
from farm.targets.mysql.policy import Policy, read_policy
from farm.targets.mysql.session import (
    CANCEL_GRACE_SECONDS,
    CONNECT_LIMIT_SECONDS,
    TOO_LARGE,
    Connection,
    blames_query,
    cancel,
    cancelled_after,
    code_of,
    connect,
    limit,
    timed_out,
    version,
    words,
)
from farm.targets.reading import Reading
from farm.targets.rows import result_of

PREPARE_LIMIT_SECONDS = 4.0
INTROSPECT_LIMIT_SECONDS = 60.0
CHILD_GRACE_SECONDS = CONNECT_LIMIT_SECONDS + 2 * CANCEL_GRACE_SECONDS + 0.5
"""The child connects first, and cancels by itself; it is killed only where even that fails."""
NO_LIMIT_ROWS = 2**64 - 1
POLICY_SECONDS = 60.0
"""How long what was read of views and routines is believed."""


class MysqlEngine:
    """`name` tells MySQL from MariaDB; both speak one protocol."""

    def __init__(self, url: str, *, target_name: str) -> None:
        self._url = url
        self._target_name = target_name
        self._policy: Policy | None = None
        self._running: Connection | None = None
        self._policy_until = 0.0
        self._connection = self._connect(PREPARE_LIMIT_SECONDS)
        self._child = EngineChild(
            Opening(url=url, target_name=target_name), grace_seconds=CHILD_GRACE_SECONDS
        )

    @property
    def name(self) -> str:
        return version(self._connection)

    def introspect(self) -> str:
        try:
            with contextlib.closing(self._connect(INTROSPECT_LIMIT_SECONDS)) as connection:
                return mysql_ddl.read_ddl(connection)
        except pymysql.Error as error:
            raise self._trouble("the schema cannot be read", error) from error

    def prepare(self, sql: str) -> str | None:
        try:
            return self._prepare(sql)
        except pymysql.Error as error:
            if self._connection.open and code_of(error) < 2000:
                raise self._trouble("the query cannot be checked", error) from error
        self._connection = self._connect(PREPARE_LIMIT_SECONDS)
        try:
            return self._prepare(sql)
        except pymysql.Error as error:
            if code_of(error) >= 2000 or not self._connection.open:
                return "checking the query breaks the connection to the database, also a new one"
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
        deadline = time.perf_counter() + timeout_seconds
        connection = self._connect(timeout_seconds)
        try:
            with cancelled_after(connection, self._url, timeout_seconds, target_name=self._target_name):
                self._running = connection
                self._policy = read_policy(connection)
                if refusal := self._policy.refusal(sql):
                    raise TargetTrouble(f"target {self._target_name!r} refuses the query: {refusal}")
                with self._unbuffered(connection, sql, row_limit, deadline) as reading:
                    yield reading
        except MemoryError:
            raise TargetTrouble(NEEDS_MEMORY) from None
        except TimeoutError:
            raise took_too_long(self._target_name, timeout_seconds) from None
        except pymysql.Error as error:
            raise self._run_trouble(
                error, sql, timeout_seconds, late=time.perf_counter() > deadline
            ) from error
        finally:
            self._running = None
            connection.close()

    def cancel_here(self) -> None:
        """Ask the server to stop what runs in this process, from any thread."""
        if (connection := self._running) is not None:
            cancel(connection, self._url, target_name=self._target_name)

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()
        self._child.close()

    def _connect(self, limit_seconds: float) -> Connection:
        connection = connect(
            self._url,
            target_name=self._target_name,
            read_limit_seconds=limit_seconds + 2 * CANCEL_GRACE_SECONDS,
        )
        try:
            limit(connection, timeout_seconds=limit_seconds)
        except pymysql.Error as error:
            connection.close()
            raise self._trouble("the session cannot be limited to reading", error) from error
        return connection

    def _prepare(self, sql: str) -> str | None:
        if refusal := self._policy_now().refusal(sql):
            return refusal
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("PREPARE farm_check FROM %s", (sql,))
        except pymysql.Error as error:
            if timed_out(error):
                return f"planning the query takes longer than {PREPARE_LIMIT_SECONDS:g} s"
            if not blames_query(error):
                raise
            return words(error, sql)
        return None

    def _policy_now(self) -> Policy:
        if self._policy is None or time.monotonic() > self._policy_until:
            self._policy = read_policy(self._connection)
            self._policy_until = time.monotonic() + POLICY_SECONDS
        return self._policy

    @contextlib.contextmanager
    def _unbuffered(
        self, connection: Connection, sql: str, row_limit: int | None, deadline: float
    ) -> Iterator[Reading]:
        """The query's rows as the server sends them; raises TimeoutError after `deadline` (perf_counter)."""
        limit_rows = NO_LIMIT_ROWS if row_limit is None else row_limit + 1
        with connection.cursor() as settings:
            settings.execute("START TRANSACTION READ ONLY")
            settings.execute(f"SET SESSION sql_select_limit = {limit_rows}")
        cursor = connection.cursor(SSCursor)

        def fetch(count: int) -> list[tuple[Any, ...]]:
            if time.perf_counter() > deadline:
                raise TimeoutError
            return list(cursor.fetchmany(count))

        found = Reading(fetch)
        try:
            cursor.execute(sql)
            found.columns = tuple(column[0] for column in cursor.description or ())
            yield found
        finally:
            self._leave(connection, cursor, left=not found.is_over)

    def _leave(self, connection: Connection, cursor: Any, *, left: bool) -> None:
        """Let go of a result. The driver reads what is left of it, so the server is told to send no more."""
        with contextlib.suppress(pymysql.Error, OSError, TargetTrouble):
            if left:
                cancel(connection, self._url, target_name=self._target_name)
        with contextlib.suppress(pymysql.Error, OSError, AttributeError):
            cursor.close()

    def _run_trouble(
        self, error: pymysql.Error, sql: str, timeout_seconds: float, *, late: bool
    ) -> TargetTrouble:
        """`late`: the time-out is over; the connection then broke because of it."""
        if timed_out(error) or (late and not blames_query(error)):
            return took_too_long(self._target_name, timeout_seconds)
        if code_of(error) in TOO_LARGE:
            return TargetTrouble(
                f"the query was stopped on target {self._target_name!r}: it needs more memory or temporary "
                "tables than the server or the farm allows a report; narrow it"
            )
        if blames_query(error):
            return QueryFailed(f"the query failed on target {self._target_name!r}: {words(error, sql)}")
        return self._trouble("the query cannot be run", error)

    def _trouble(self, what: str, error: pymysql.Error) -> TargetTrouble:
        said = " ".join(words(error, "").split())
        return TargetTrouble(
            f"{what} on target {self._target_name!r}: {said}. Try again, or look at its server"
        )
