"""DuckDB targets: dry runs on an empty database in memory, reports on the file opened for reading.

A dry run does not open the file: DuckDB locks a file that is read against all who want to write to it.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any, Self

import duckdb

from farm.errors import QueryFailed, TargetTrouble
from farm.targets import urls
from farm.targets.child import NEEDS_MEMORY, EngineChild, Opening, Order, took_too_long
from farm.targets.duckdb import schema as duckdb_schema
from farm.targets.duckdb.policy import ONLY_READS, SEVERAL, Policy, parsed, read_policy
from farm.targets.duckdb.session import (
    BROKEN,
    EXHAUSTED,
    OWN_FAULT,
    Connection,
    message,
    open_file,
    open_memory,
    words,
)
from farm.targets.engine import Result
from farm.targets.reading import Reading
from farm.targets.rows import result_of

PREPARE_LIMIT_SECONDS = 4.0
GRACE_SECONDS = 1.0
SQL_LIMIT_CHARS = 1_000_000
PREPARE = "PREPARE farm_check AS\n"


class DuckdbEngine:
    """A locked connection: no other file, no extension, no setting can be reached from it."""

    def __init__(self, connection: Connection, *, target_name: str, url: str | None) -> None:
        self._connection = connection
        self._target_name = target_name
        self._running: Any = None
        self._child = url and EngineChild(
            Opening(url=url, target_name=target_name), grace_seconds=GRACE_SECONDS
        )
        try:
            self._policy: Policy = read_policy(connection)
        except duckdb.Error as error:
            connection.close()
            raise TargetTrouble(
                f"the database of target {target_name!r} cannot be read: {message(error)}"
            ) from error

    @classmethod
    def from_ddl(cls, ddl: str, *, target_name: str) -> Self:
        """An empty database in memory with this schema; raises TargetTrouble where DuckDB refuses it."""
        connection = open_memory(timeout_seconds=PREPARE_LIMIT_SECONDS)
        try:
            duckdb_schema.load_ddl(connection, ddl, target_name=target_name)
            connection.execute("SET lock_configuration = true")
        except BaseException:
            connection.close()
            raise
        return cls(connection, target_name=target_name, url=None)

    @classmethod
    def from_url(cls, url: str, *, target_name: str) -> Self:
        """The file of `url`, read-only; raises TargetTrouble where there is none that can be read."""
        connection = open_file(urls.file_path(url), target_name=target_name)
        return cls(connection, target_name=target_name, url=url)

    @property
    def name(self) -> str:
        return f"duckdb {duckdb.__version__}"

    def introspect(self) -> str:
        try:
            return duckdb_schema.read_ddl(self._connection)
        except duckdb.Error as error:
            raise TargetTrouble(
                f"the schema of target {self._target_name!r} cannot be read: {message(error)}"
            ) from error

    def prepare(self, sql: str) -> str | None:
        try:
            return self._refusal(sql)
        except (duckdb.OutOfMemoryException, MemoryError):
            return "planning the query needs more memory than a check is given"
        except duckdb.InterruptException:
            return f"planning the query takes longer than {PREPARE_LIMIT_SECONDS:g} s"
        except (*BROKEN, *OWN_FAULT) as error:
            raise TargetTrouble(
                f"the query cannot be checked on target {self._target_name!r}: {message(error)}"
            ) from error

    def run(self, sql: str, *, row_limit: int, timeout_seconds: float) -> Result:
        if not self._child:
            raise TargetTrouble(f"target {self._target_name!r} has only a schema here, no data to run on")
        try:
            return self._child.run(Order(sql=sql, row_limit=row_limit, timeout_seconds=timeout_seconds))
        except TargetTrouble as trouble:
            if str(trouble) == NEEDS_MEMORY:
                self._child.close()  # DuckDB does not give back all that such a query took
            raise

    def run_here(self, sql: str, *, row_limit: int, timeout_seconds: float) -> Result:
        """`run` in this process; reading and planning a query may pass the time-out."""
        return result_of(
            self.reading(sql, row_limit=row_limit, timeout_seconds=timeout_seconds), row_limit=row_limit
        )

    @contextlib.contextmanager
    def reading(self, sql: str, *, row_limit: int | None, timeout_seconds: float) -> Iterator[Reading]:
        """A query's rows as they are asked for; all of them within the time-out."""
        try:
            with self._connection.cursor() as cursor, _interrupted_after(cursor, timeout_seconds):
                self._running = cursor
                if refusal := self._refusal(sql):
                    raise TargetTrouble(f"target {self._target_name!r} refuses the query: {refusal}")
                cursor.execute(sql)
                yield Reading(cursor.fetchmany, tuple(column[0] for column in cursor.description or ()))
        except duckdb.InterruptException:
            raise took_too_long(self._target_name, timeout_seconds) from None
        except (duckdb.OutOfMemoryException, MemoryError):
            raise TargetTrouble(NEEDS_MEMORY) from None
        except (duckdb.Error, ValueError) as error:
            kind = TargetTrouble if isinstance(error, (*BROKEN, *OWN_FAULT)) else QueryFailed
            said = words(error, sql)
            raise kind(f"the query failed on target {self._target_name!r}: {said}") from error
        finally:
            self._running = None

    def cancel_here(self) -> None:
        """Stop what runs in this process, from any thread."""
        if (cursor := self._running) is not None:
            cursor.interrupt()

    def close(self) -> None:
        self._connection.close()
        if self._child:
            self._child.close()

    def _refusal(self, sql: str) -> str | None:
        """What speaks against a query; raises duckdb.Error for what is not its fault."""
        if len(sql) > SQL_LIMIT_CHARS:
            return f"the query is longer than {SQL_LIMIT_CHARS:,} characters"
        if "\0" in sql:
            return "the query contains a NUL character"
        if refusal := self._policy.refusal(parsed(self._connection, sql)):
            return self._unread(sql) if refusal == ONLY_READS else refusal
        try:
            self._connection.execute(PREPARE + sql)
        except (duckdb.Error, ValueError) as error:
            return self._fault(error, sql, lines_before=PREPARE.count("\n"))
        return None

    def _unread(self, sql: str) -> str:
        """Why a text cannot be read as a query."""
        try:
            statements = self._connection.extract_statements(sql)
        except (duckdb.Error, ValueError) as error:
            return self._fault(error, sql, lines_before=0)
        return SEVERAL if len(statements) > 1 else ONLY_READS

    def _fault(self, error: Exception, sql: str, *, lines_before: int) -> str:
        """The query's fault in words; raises what is not its fault."""
        if isinstance(error, (*BROKEN, *OWN_FAULT, *EXHAUSTED)):
            raise error
        return words(error, sql, lines_before=lines_before)


@contextlib.contextmanager
def _interrupted_after(connection: Any, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
