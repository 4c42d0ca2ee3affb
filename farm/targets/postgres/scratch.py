"""Dry runs for Postgres targets of which only the DDL is known: it is loaded into a throw-away database.

The scratch server's role may lack the right to create databases; then a throw-away schema in the given
database has to do, which takes no DDL with schemas of its own. Both carry the time they were made in their
names: what a killed process left behind is dropped by a later one.
"""

import contextlib
import re
import secrets
import time
from collections.abc import Iterable

import psycopg
from psycopg import sql

from farm.errors import TargetTrouble
from farm.targets.postgres.engine import PostgresEngine
from farm.targets.postgres.load import Failure, load
from farm.targets.postgres.session import Connection, connect
from farm.targets.postgres.url import with_database

PREFIX = "farm_scratch_"
LEFT_BEHIND_SECONDS = 24 * 3600


class ScratchEngine(PostgresEngine):
    """An empty database with the target's schema, dropped at `close`; raises TargetTrouble."""

    def __init__(self, scratch_url: str, ddl: str, *, target_name: str) -> None:
        self._scratch_url = scratch_url
        self._made = f"{PREFIX}{int(time.time())}_{secrets.token_hex(4)}"
        with connect(scratch_url, target_name=target_name) as server:
            try:
                self._is_database = _may_create_databases(server)
                _drop_left_behind(server, self._is_database)
                _create(server, self._made, self._is_database)
            except psycopg.Error as error:
                raise TargetTrouble(
                    f"the scratch database for dry runs refuses to make room for target {target_name!r}: "
                    f"{error.diag.message_primary}. Give its role the right to create databases "
                    "(ALTER ROLE … CREATEDB), or unset FARM_SCRATCH_POSTGRES_URL"
                ) from error
        try:
            url = with_database(scratch_url, self._made) if self._is_database else scratch_url
            super().__init__(
                url,
                target_name=target_name,
                search_path=None if self._is_database else f"{self._made}, public",
            )
            _require_loaded(load(self._connection, ddl, own_database=self._is_database), target_name)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if hasattr(self, "_connection"):
            super().close()
        with (
            contextlib.suppress(TargetTrouble, psycopg.Error),
            connect(self._scratch_url, target_name=self._target_name) as server,
        ):
            _drop(server, self._made, self._is_database)


def _require_loaded(failures: Iterable[Failure], target_name: str) -> None:
    for failure in failures:
        if failure.is_named:
            raise TargetTrouble(
                f"the schema of target {target_name!r} does not load into Postgres: {failure.reason} "
                f"Mend the DDL and run `farm target add {target_name} --dialect postgres --ddl FILE` again"
            )


def _may_create_databases(server: Connection) -> bool:
    row = server.execute(
        "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    return bool(row and row[0])


def _create(server: Connection, name: str, is_database: bool) -> None:
    kind = sql.SQL("DATABASE" if is_database else "SCHEMA")
    server.execute(sql.SQL("CREATE {} {}").format(kind, sql.Identifier(name)))


def _drop(server: Connection, name: str, is_database: bool) -> None:
    statement = "DROP DATABASE IF EXISTS {}" if is_database else "DROP SCHEMA IF EXISTS {} CASCADE"
    server.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _drop_left_behind(server: Connection, is_database: bool) -> None:
    catalogue = "SELECT datname FROM pg_database" if is_database else "SELECT nspname FROM pg_namespace"
    for (name,) in server.execute(catalogue).fetchall():
        made = re.fullmatch(rf"{PREFIX}(\d+)_[0-9a-f]+", name)
        if made and int(made[1]) < time.time() - LEFT_BEHIND_SECONDS:
            # Fails for a database that is still in use, which then is not left behind.
            with contextlib.suppress(psycopg.Error):
                _drop(server, name, is_database)
