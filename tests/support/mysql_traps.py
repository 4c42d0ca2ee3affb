"""A MySQL or MariaDB database full of traps, and what dangerous statements would have left behind in it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.mariadb import admin, execute, fresh_mysql

TRAPS = (
    "CREATE TABLE t (a int)",
    "INSERT INTO t VALUES (1), (2)",
    "CREATE TABLE c (x int)",
    "INSERT INTO c SELECT seq FROM seq_1_to_1000",
    "CREATE SEQUENCE s",
    "CREATE VIEW paid AS SELECT a FROM t",
    "CREATE FUNCTION loud() RETURNS int NO SQL BEGIN SELECT 1 INTO OUTFILE '{folder}/loud'; RETURN 1; END",
    "CREATE FUNCTION sleeping() RETURNS int NO SQL RETURN sleep(20)",
    "CREATE FUNCTION locking() RETURNS int NO SQL RETURN get_lock('danger', 1)",
    "CREATE FUNCTION writes() RETURNS int BEGIN INSERT INTO t VALUES (9); RETURN 1; END",
    "CREATE FUNCTION `mid`(a int, b int) RETURNS int NO SQL RETURN get_lock('danger', 1)",
    "CREATE PROCEDURE writing() INSERT INTO t VALUES (9)",
    "CREATE VIEW loud_view AS SELECT loud() AS l, a FROM t",
    "CREATE VIEW loud_view_of_view AS SELECT * FROM loud_view",
    "CREATE VIEW sleeping_view AS SELECT sleeping() AS s, a FROM t",
    "CREATE VIEW locking_view AS SELECT locking() AS l, a FROM t",
    "CREATE TABLE {other}.salaries (a int)",
)
FINGERPRINT = (
    "SELECT group_concat(a ORDER BY a) FROM t",
    "SELECT count(*), sum(x) FROM c",
    "SELECT next_not_cached_value, cycle_count FROM s",
    "SELECT table_schema, table_name, table_type, engine, create_time FROM information_schema.tables"
    " WHERE table_schema NOT IN ('information_schema', 'performance_schema', 'sys') ORDER BY 1, 2",
    "SELECT table_schema, table_name, column_name, column_type FROM information_schema.columns"
    " WHERE table_schema = database() ORDER BY 1, 2, 3",
    "SELECT table_name, index_name, column_name FROM information_schema.statistics"
    " WHERE table_schema = database() ORDER BY 1, 2, 3",
    "SELECT schema_name, default_character_set_name FROM information_schema.schemata ORDER BY 1",
    "SELECT routine_schema, routine_name, last_altered FROM information_schema.routines ORDER BY 1, 2",
    "SELECT trigger_name FROM information_schema.triggers",
    "SELECT event_name FROM information_schema.events",
    "SELECT grantee, privilege_type FROM information_schema.user_privileges ORDER BY 1, 2",
    "SELECT user, host FROM mysql.user ORDER BY 1, 2",
    "SELECT * FROM mysql.servers",
    "SELECT plugin_name, plugin_status FROM information_schema.plugins ORDER BY 1",
    "SELECT md5(group_concat(variable_name, global_value ORDER BY variable_name))"
    " FROM information_schema.system_variables WHERE variable_name NOT LIKE '%gtid%'",
    "SELECT is_used_lock('danger') IS NULL",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrappedMysql:
    """`url` is the administrator's; whatever runs a trap leaves a file in `folder`, a row or a lock."""

    url: str
    folder: Path
    shop: str
    other: str

    @property
    def places(self) -> dict[str, object]:
        return {"folder": self.folder, "shop": self.shop, "other": self.other}

    def state(self) -> list[Any]:
        """All that a statement could have changed."""
        with closing(admin(self.url)) as connection, connection.cursor() as cursor:
            found: list[Any] = []
            for statement in FINGERPRINT:
                cursor.execute(statement)
                found.append(cursor.fetchall())
        return [*found, sorted(path.name for path in self.folder.iterdir())]


@contextmanager
def trapped_mysql(server_url: str, folder: Path) -> Iterator[TrappedMysql]:
    with fresh_mysql(server_url) as url, fresh_mysql(server_url) as other_url:
        names = [one.partition("?")[0].rpartition("/")[2] for one in (url, other_url)]
        places = {"folder": folder, "other": names[1]}
        execute(url, *(trap.format(**places) for trap in TRAPS))
        yield TrappedMysql(url=url, folder=folder, shop=names[0], other=names[1])
