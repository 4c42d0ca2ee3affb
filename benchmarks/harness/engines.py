"""The engines of validation.py that bring no record of their own: a MariaDB of its own, DuckDB in memory."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import duckdb
import pymysql
from pymysql.constants import CLIENT
from support import mariadb

from farm.errors import TargetTrouble
from farm.targets.duckdb import schema as duckdb_schema
from farm.targets.duckdb.engine import DuckdbEngine
from farm.targets.duckdb.session import kind_of, message, open_memory
from farm.targets.mysql.engine import MysqlEngine
from farm.targets.mysql.session import arguments

Prepare = Callable[[str], str | None]
GROUPING = "SET GLOBAL sql_mode = CONCAT(@@GLOBAL.sql_mode, ',ONLY_FULL_GROUP_BY')"
"""As the engine was set that judged the corpora."""


@contextmanager
def on_mariadb(schemas: Mapping[str, str]) -> Iterator[dict[str, Prepare]]:
    """By schema, the target layer's dry run on a database with its DDL; empty where there is no mariadbd."""
    program = mariadb.binary()
    if program is None:
        print(f"the recorded judgement stands in for MySQL: {mariadb.ABSENT}", file=sys.stderr)
        yield {}
        return
    engines = {}
    with mariadb.mariadb(program) as url:
        mariadb.execute(url, GROUPING)
        for number, (schema, ddl) in enumerate(schemas.items()):
            mariadb.execute(url, f"CREATE DATABASE s{number} CHARACTER SET utf8mb4")
            own = url.replace("/mysql?", f"/s{number}?")
            _load(own, ddl)
            engines[schema] = MysqlEngine(own, target_name=schema)
        yield {schema: engine.prepare for schema, engine in engines.items()}
        for engine in engines.values():
            engine.close()


def _load(url: str, ddl: str) -> None:
    flags: dict[str, Any] = {"client_flag": CLIENT.MULTI_STATEMENTS, "autocommit": True}
    with pymysql.connect(**arguments(url), **flags) as connection, connection.cursor() as cursor:
        cursor.execute(f"SET foreign_key_checks = 0; {ddl}")
        while cursor.nextset():
            pass


class InDuckdb:
    """A schema of another dialect in DuckDB: what DuckDB by itself says, and what the target layer does."""

    def __init__(self, ddl: str) -> None:
        """Raises TargetTrouble where DuckDB does not take the DDL."""
        self._engine = DuckdbEngine.from_ddl(ddl, target_name="benchmark")
        self.prepare = self._engine.prepare
        self._bare = open_memory(timeout_seconds=4)
        duckdb_schema.load_ddl(self._bare, ddl, target_name="benchmark")

    @classmethod
    def where_it_fits(cls, ddl: str) -> "InDuckdb | None":
        try:
            return cls(ddl)
        except TargetTrouble:
            return None

    def judged(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row as one for DuckDB, with its judgement."""
        refusal = self._refusal(row["sql"])
        return {**row, "dialect": "duckdb", "engine_accepts": refusal is None, "engine_error": refusal or ""}

    def _refusal(self, sql: str) -> str | None:
        try:
            statements = self._bare.extract_statements(sql)
            if len(statements) != 1 or kind_of(statements[0]) is not duckdb.StatementType.SELECT:
                return "not a single SELECT"
            self._bare.execute(f"PREPARE judged AS\n{sql}")
        except (duckdb.Error, ValueError) as error:
            return message(error)
        return None
