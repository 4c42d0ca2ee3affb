"""What we read in a text, held against what the server reads in it: its own words say what it looked for."""

import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pymysql
import pytest
from support.mariadb import admin, execute, fresh_mysql

from farm.targets.mysql.text import Modes, mentions

NO_SUCH_FUNCTION = 1305
NO_SUCH_TABLE = {1146, 1049}
PIECES = (
    *(
        "'",
        "''",
        "\\",
        "\\'",
        '"',
        '""',
        "`",
        "``",
        "/*",
        "*/",
        "/* x */",
        "/**/",
        "--",
        "-- ",
        "#",
        "\n",
        "\r",
    ),
    *(
        " ",
        "\u00a0",
        ",",
        "1",
        "a",
        "'a'",
        '"b"',
        "_utf8'b'",
        "N'c'",
        "x'41'",
        "(",
        ")",
        "AS",
        ";",
        "\\\\",
        "\u00e9",
    ),
    *(
        "nosuch(1)",
        "nosuch (1)",
        "`nosuch`(1)",
        "shop.nosuch(1)",
        "-1",
        "*",
        "/",
        "0x41",
        "e1",
        ".5",
        "FROM t",
    ),
)
ELSEWHERE = ("nosuch.tbl", "`nosuch`.`tbl`", "nosuch . tbl", "nosuch./**/tbl")
MODES = ("", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES")


@pytest.fixture(scope="module")
def connection(mysql_url: str) -> Iterator[Any]:
    with fresh_mysql(mysql_url) as url:
        execute(url, "CREATE TABLE t (a int)")
        with closing(admin(url)) as connection:
            yield connection


def said_of(connection: Any, sql: str) -> tuple[int, str]:
    """The server's error, or 0, when it prepares `sql`."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(f"SET @text = CONVERT(0x{sql.encode().hex()} USING utf8mb4)")
            cursor.execute("PREPARE p FROM @text")
        except pymysql.Error as error:
            return error.args[0], str(error.args[1])
    return 0, ""


@pytest.mark.parametrize("mode", MODES)
def test_no_call_that_the_server_sees_is_missed(connection: Any, mode: str) -> None:
    chance, seen = random.Random(7), 0
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = %s", (mode,))
    for _ in range(1500):
        middle = "".join(chance.choice(PIECES) for _ in range(chance.randint(2, 10)))
        sql = f"SELECT 1, {middle}{chance.choice(('', ', nosuch(2)', ' nosuch(2)'))}"
        code, said = said_of(connection, sql)
        if code == NO_SUCH_FUNCTION and "nosuch" in said:
            seen += 1
            named = mentions(sql, Modes.of(mode))
            assert any("nosuch" in name for name in named.called | named.called_quoted), sql
    assert seen > 20


def test_no_table_that_the_server_sees_is_missed(connection: Any) -> None:
    writer, seen, fine = Writer(11), 0, 0
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = ''")
    for _ in range(3000):
        sql = writer.select(3)
        code, said = said_of(connection, sql)
        found = ("nosuch", "tbl") in mentions(sql, Modes()).relations
        if code in NO_SUCH_TABLE and "nosuch" in said:
            seen += 1
            assert found, sql
        elif code == 0:
            fine += 1
            assert not found, sql
    assert seen > 100
    assert fine > 10


class Writer:
    """Writes queries at random that read a table of another database, or only look so."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def one_of(self, *texts: str) -> str:
        return self.chance.choice(texts)

    def select(self, depth: int) -> str:
        head = self.one_of("SELECT ", "SELECT DISTINCT ", "SELECT STRAIGHT_JOIN ", "SELECT ALL ")
        text = head + self.expression(depth - 1)
        if self.chance.random() < 0.9:
            text += self.one_of(" FROM ", "\nFROM/**/", " from ") + self.tables(depth)
        text += self.one_of("", "", f" WHERE {self.expression(depth - 1)}")
        text += self.one_of("", "", " GROUP BY a, nosuch.a", f" ORDER BY a, {self.expression(depth - 1)}")
        if depth > 0 and self.chance.random() < 0.15:
            text += f" UNION {self.select(depth - 1)}"
        return text

    def tables(self, depth: int) -> str:
        return ", ".join(self.table(depth) for _ in range(self.chance.choice((1, 1, 2, 3))))

    def table(self, depth: int) -> str:
        alias = f"x{self.chance.randint(0, 99)}"
        kind = self.chance.random()
        if kind < 0.3:
            return self.one_of(*ELSEWHERE) + self.one_of(
                "", f" AS {alias}", " USE INDEX (i)", " PARTITION (p)"
            )
        if kind < 0.5 or depth <= 0:
            return "t" + self.one_of("", f" {alias}", " USE INDEX (a, b)")
        if kind < 0.7:
            return f"({self.select(depth - 1)}) {alias}"
        if kind < 0.8:
            return f"({self.tables(depth - 1)})"
        if kind < 0.85:
            return f"JSON_TABLE('[]', '$' COLUMNS (a INT PATH '$')) AS {alias}"
        join = self.one_of("JOIN", "LEFT JOIN", "STRAIGHT_JOIN", "NATURAL JOIN", "CROSS JOIN")
        on = self.one_of("", " ON 1", f" ON {self.expression(depth - 1)}", " USING (a)")
        return f"{self.table(depth - 1)} {join} {self.table(depth - 1)}{on}"

    def expression(self, depth: int) -> str:
        kind = self.chance.random()
        if kind < 0.4 or depth <= 0:
            return self.one_of(
                "1", "a", "t.a", "'x'", "extract(YEAR FROM a)", "trim(BOTH 'x' FROM a)", "1 + a"
            )
        if kind < 0.6:
            return f"a IN ({self.select(depth - 1)})"
        if kind < 0.8:
            return f"EXISTS ({self.select(depth - 1)})"
        return f"({self.select(depth - 1)} LIMIT 1)"
