"""SQLite targets: dry runs on an empty database in memory, reports on the file opened for reading."""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from farm.errors import QueryFailed, TargetTrouble
from farm.targets import urls
from farm.targets.child import EngineChild, Opening, Order, took_too_long
from farm.targets.engine import Result
from farm.targets.reading import Reading
from farm.targets.rows import result_of
from farm.targets.sqlite import schema as sqlite_schema
from farm.targets.sqlite.guard import guard

PREPARE_LIMIT_SECONDS = 4.0
GRACE_SECONDS = 1.0
BUSY_LIMIT_SECONDS = 5.0
QUERY_ERRORS = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH})
"""Those of the query itself; the others are of the file, its locks and the limits set here."""
NO_CACHE = 0
"""The driver would take a statement it knows from its cache, past the guard, which judges at compile time."""
PROGRESS_STEP_OPS = 10_000
"""SQLite's virtual machine runs this many instructions in well under a millisecond."""


class SqliteEngine:
    """A guarded connection: it reads, and does nothing else."""

    def __init__(self, connection: sqlite3.Connection, *, target_name: str, url: str | None) -> None:
        self._connection = connection
        self._target_name = target_name
        self._child = url and EngineChild(
            Opening(url=url, target_name=target_name), grace_seconds=GRACE_SECONDS
        )
        connection.text_factory = _text
        try:
            self._ddl = sqlite_schema.read_ddl(connection)
            self._guard = guard(connection)
        except sqlite3.Error as error:
            connection.close()
            raise TargetTrouble(f"the database of target {target_name!r} cannot be read: {error}") from error

    @classmethod
    def from_ddl(cls, ddl: str, *, target_name: str) -> Self:
        """An empty database in memory with this schema; raises TargetTrouble where SQLite refuses it."""
        connection = sqlite3.connect(
            ":memory:", isolation_level=None, check_same_thread=False, cached_statements=NO_CACHE
        )
        try:
            sqlite_schema.load_ddl(connection, ddl, target_name=target_name)
        except BaseException:
            connection.close()
            raise
        return cls(connection, target_name=target_name, url=None)

    @classmethod
    def from_url(cls, url: str, *, target_name: str) -> Self:
        """The file of `url`, read-only; raises TargetTrouble where there is none that can be read."""
        path = urls.file_path(url)
        if not os.path.isfile(path):
            what = "is a folder" if os.path.isdir(path) else "does not exist"
            raise TargetTrouble(
                f"the SQLite file of target {target_name!r} {what}: {path}. "
                "Give the right one with `farm target add … --url sqlite:////absolute/path.db`"
            )
        try:
            return cls(_open_readonly(path), target_name=target_name, url=url)
        except sqlite3.Error as error:
            raise TargetTrouble(
                f"the SQLite file of target {target_name!r} cannot be opened for reading: {path}: {error}. "
                "Check its permissions and its folder's"
            ) from error

    @property
    def name(self) -> str:
        return f"sqlite {sqlite3.sqlite_version}"

    def introspect(self) -> str:
        return self._ddl

    def prepare(self, sql: str) -> str | None:
        with self._deadline(PREPARE_LIMIT_SECONDS):
            return self._refusal(sql)

    def run(self, sql: str, *, row_limit: int, timeout_seconds: float) -> Result:
        if not self._child:
            raise TargetTrouble(f"target {self._target_name!r} has only a schema here, no data to run on")
        return self._child.run(Order(sql=sql, row_limit=row_limit, timeout_seconds=timeout_seconds))

    def run_here(self, sql: str, *, row_limit: int, timeout_seconds: float) -> Result:
        """`run` in this process; a single long function call may pass the time-out."""
        return result_of(
            self.reading(sql, row_limit=row_limit, timeout_seconds=timeout_seconds), row_limit=row_limit
        )

    @contextlib.contextmanager
    def reading(self, sql: str, *, row_limit: int | None, timeout_seconds: float) -> Iterator[Reading]:
        """A query's rows as they are asked for; all of them within the time-out."""
        with self._deadline(timeout_seconds):
            if refusal := self._refusal(sql):
                raise TargetTrouble(f"target {self._target_name!r} refuses the query: {refusal}")
            try:
                with contextlib.closing(self._connection.execute(sql)) as cursor:
                    columns = tuple(column[0] for column in cursor.description or ())
                    yield Reading(cursor.fetchmany, columns)
            except (sqlite3.Error, sqlite3.Warning) as error:
                raise self._failure(error, timeout_seconds) from error

    def cancel_here(self) -> None:
        """Stop what runs in this process, from any thread."""
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()
        if self._child:
            self._child.close()

    def _refusal(self, sql: str) -> str | None:
        self._guard.reset()
        try:
            self._connection.execute(f"EXPLAIN QUERY PLAN {sql}").close()
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            return self._guard.refused or str(error)
        return None if self._guard.reads else "only a query that reads is allowed"

    def _failure(self, error: Exception, timeout_seconds: float) -> TargetTrouble:
        if str(error) == "interrupted":
            return took_too_long(self._target_name, timeout_seconds)
        said = self._guard.refused or error
        is_of_query = not self._guard.refused and getattr(error, "sqlite_errorcode", None) in QUERY_ERRORS
        kind = QueryFailed if is_of_query else TargetTrouble
        return kind(f"the query failed on target {self._target_name!r}: {said}")

    @contextlib.contextmanager
    def _deadline(self, seconds: float) -> Iterator[None]:
        end = time.monotonic() + seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > end, PROGRESS_STEP_OPS)
        try:
            yield
        finally:
            self._connection.set_progress_handler(None, 0)


def _open_readonly(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        timeout=BUSY_LIMIT_SECONDS,
        check_same_thread=False,
        cached_statements=NO_CACHE,
    )


def _text(value: bytes) -> str:
    """Real files hold text that is not UTF-8; a report shows it rather than failing."""
    return value.decode("utf-8", "replace")
