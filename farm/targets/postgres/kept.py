"""Dry runs on the farm's own scratch Postgres: each schema has a database there, kept for who comes next.

A database is named after its schema's fingerprint. What is there, what of the schema could not be loaded and
when it was last opened stands in a table of the server's `farm` database. One process at a time makes or
drops databases; the number kept is bounded by dropping those that nobody has open, the least used first.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import errors, sql
from psycopg.pq import ConnStatus, ExecStatus

from farm.errors import TargetTrouble
from farm.sql.schema import Schema
from farm.targets.engine import EmbeddedPostgres, NoEngine, Result
from farm.targets.postgres.engine import PREPARE_LIMIT_SECONDS, PostgresEngine
from farm.targets.postgres.load import Failure, load
from farm.targets.postgres.session import (
    LOCK_LIMIT_MS,
    Connection,
    blames_query,
    connect,
    timed_out,
    too_large,
    words,
)
from farm.targets.postgres.url import with_database
from farm.targets.target import fingerprint

KEPT = 32
LOCK = 4_261_937
"""Held by whoever makes or drops a database (an advisory lock's number, of no meaning)."""
PREFIX = "scratch_"
TABLE = """
    CREATE TABLE IF NOT EXISTS kept (
        fingerprint text PRIMARY KEY, failures json NOT NULL, used_at timestamptz NOT NULL DEFAULT now())
"""
RELATIONS = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f')
"""
SCHEMAS = """
    SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    ORDER BY nspname <> 'public', oid
"""
UNUSED = """
    SELECT fingerprint FROM kept ORDER BY EXISTS (
        SELECT FROM pg_stat_activity WHERE datname = %s || fingerprint) DESC, used_at DESC OFFSET %s
"""
SESSION = f"""
    SET default_transaction_read_only = on; SET lock_timeout = {LOCK_LIMIT_MS};
    SET statement_timeout = {round(PREPARE_LIMIT_SECONDS * 1000)}; SET standard_conforming_strings = on
"""
EXPLAIN = "EXPLAIN (COSTS OFF) DECLARE farm_result INSENSITIVE NO SCROLL CURSOR FOR\n"
LACKS = frozenset({errors.UndefinedFunction.sqlstate, errors.UndefinedObject.sqlstate})
"""What a query is refused with for want of an extension or a function alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """A schema's database, and what could not be loaded into it."""

    database: str
    failures: tuple[Failure, ...]


class KeptEngine(PostgresEngine):
    """Prepares queries on an empty database with the target's schema; raises TargetTrouble.

    The role is no superuser, each statement a read-only transaction of its own in which nothing is executed,
    only planned: one way there and back.
    """

    def __init__(self, server: EmbeddedPostgres, ddl: str, *, target_name: str) -> None:
        kept = ensure(server, ddl, target_name=target_name)
        self._failures = kept.failures
        super().__init__(with_database(server.url, kept.database), target_name=target_name)

    def run(self, sql: str, *, row_limit: int, timeout_seconds: float) -> Result:
        raise TargetTrouble(f"target {self._target_name!r} has no database to run queries on, only a schema")

    def _connect(self) -> Connection:
        connection = super()._connect()
        connection.execute(SESSION.encode())
        return connection

    def _prepare(self, sql: str) -> str | None:
        """Raises NoEngine where the refusal may be due to what could not be loaded."""
        if "\0" in sql or any("\ud800" <= character <= "\udfff" for character in sql):
            return "the query contains a NUL character, or half of a surrogate pair, which is none"
        try:
            self._explain(sql)
        except (MemoryError, psycopg.Error) as error:
            return self._refusal(sql, error)
        return None

    def _explain(self, sql: str) -> None:
        """Have the query planned, by libpq itself: a cursor of psycopg's takes half as long again.

        With parameters, none here, libpq uses the extended protocol, which takes one statement.
        """
        asked = self._connection.pgconn
        result = asked.exec_params((EXPLAIN + sql).encode(), None)
        if result.status == ExecStatus.TUPLES_OK:
            return
        if asked.status == ConnStatus.BAD:
            raise psycopg.OperationalError(result.get_error_message())
        raise psycopg.errors.error_from_result(result)

    def _refusal(self, sql: str, error: Exception) -> str:
        if too_large(error):
            self._connection.close()  # what the server goes on sending would be taken for the next answer
            return "its plan is too large: a constant in it, or the number of its parts"
        assert isinstance(error, psycopg.Error)
        if timed_out(error):
            return f"planning the query takes longer than {PREPARE_LIMIT_SECONDS:g} s"
        if not blames_query(error):
            raise error
        blamed = next((f for f in self._failures if f.is_structural or error.sqlstate in LACKS), None)
        if blamed is not None:
            raise NoEngine(f"the schema does not load into Postgres as a whole: {blamed.reason}")
        return words(error, sql, prefix=EXPLAIN)


def ensure(embedded: EmbeddedPostgres, ddl: str, *, target_name: str) -> Kept:
    """The database of a schema, made where there is none yet; raises TargetTrouble."""
    key = fingerprint(ddl)
    with connect(embedded.url, target_name=target_name) as server:
        try:
            with _alone(server, embedded.patience_seconds):
                failures = _known(server, key)
                if failures is None:
                    failures = _made(server, key, embedded.url, ddl, target_name)
        except psycopg.Error as error:
            raise TargetTrouble(
                f"the embedded Postgres makes no room for target {target_name!r}: "
                f"{error.diag.message_primary or error}"
            ) from error
    return Kept(database=PREFIX + key, failures=failures)


@contextlib.contextmanager
def _alone(server: Connection, patience_seconds: float) -> Iterator[None]:
    """Nobody else makes or drops databases meanwhile; the lock ends with the connection at the latest."""
    server.execute(f"SET lock_timeout = {round(patience_seconds * 1000)}".encode())
    server.execute(f"SELECT pg_advisory_lock({LOCK})".encode())
    try:
        server.execute(TABLE.encode())
        yield
    finally:
        if not server.closed:
            server.execute(f"SELECT pg_advisory_unlock({LOCK})".encode())


def _known(server: Connection, key: str) -> tuple[Failure, ...] | None:
    row = server.execute(
        b"UPDATE kept SET used_at = clock_timestamp() WHERE fingerprint = %s RETURNING failures", [key]
    ).fetchone()
    return None if row is None else tuple(Failure(**failure) for failure in row[0])


def _made(server: Connection, key: str, server_url: str, ddl: str, target_name: str) -> tuple[Failure, ...]:
    unused = [name for (name,) in server.execute(UNUSED.encode(), [PREFIX, KEPT - 1])]
    for name in (*unused, key):  # of `key` there may be half a database, from a process that was killed
        _drop(server, name)
    server.execute(f"CREATE DATABASE {PREFIX}{key}".encode())
    with connect(with_database(server_url, PREFIX + key), target_name=target_name) as connection:
        failures = (*load(connection, ddl, own_database=True), *_missing(connection, ddl))
        connection.execute(_reach_all(connection, PREFIX + key).encode())
    server.execute(
        b"INSERT INTO kept (fingerprint, failures) VALUES (%s, %s)",
        [key, json.dumps([failure.to_dict() for failure in failures])],
    )
    return failures


def _missing(connection: Connection, ddl: str) -> Iterator[Failure]:
    """The tables that the checks read from the DDL and the database has not got."""
    there = {(schema.lower(), name) for schema, name in connection.execute(RELATIONS.encode())}
    for key, table in Schema.from_ddl(ddl, "postgres").tables.items():
        if key not in there:
            name = f"{table.schema}.{table.name}"
            yield Failure(statement=name, said=f"there is no table {name}", is_named=True, is_structural=True)


def _reach_all(connection: Connection, database: str) -> str:
    """The statement that lets queries name tables of any schema without it, as the checks do."""
    schemas = [name for (name,) in connection.execute(SCHEMAS.encode())]
    path = sql.SQL(", ").join(map(sql.Identifier, schemas))
    return (
        sql.SQL("ALTER DATABASE {} SET search_path = {}").format(sql.Identifier(database), path).as_string()
    )


def _drop(server: Connection, key: str) -> None:
    """Fails for one that somebody has just opened, which then stays."""
    with contextlib.suppress(errors.ObjectInUse):
        server.execute(f"DROP DATABASE IF EXISTS {PREFIX}{key}".encode())
        server.execute(b"DELETE FROM kept WHERE fingerprint = %s", [key])


def answers(url: str) -> bool:
    """Whether a server takes connections there."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.Error:
        return False
    return True
