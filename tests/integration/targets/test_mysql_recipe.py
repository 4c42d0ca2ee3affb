"""The user that docs/targets.md recommends: it can do all that the farm needs, and little else."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pymysql
import pytest
from support.dangers import recipe
from support.mariadb import as_user, execute

from farm import Farm
from farm.targets.mysql.engine import MysqlEngine

SHOP = (
    "CREATE TABLE orders (id int PRIMARY KEY, total decimal(10, 2))",
    "INSERT INTO orders VALUES (1, 5), (2, 7)",
    "CREATE VIEW paid AS SELECT total FROM orders",
    "CREATE FUNCTION own() RETURNS int NO SQL RETURN 1",
)


@pytest.fixture
def reader(mysql_database: str) -> Iterator[str]:
    """A shop's database where the recipe was followed."""
    database = mysql_database.partition("?")[0].rpartition("/")[2]
    (block,) = recipe("mysql")
    statements = [
        part for part in block.replace("ON shop.*", f"ON {database}.*").split(";\n") if part.strip()
    ]
    drop = "DROP USER IF EXISTS farm_reader@'%'"
    execute(mysql_database, *SHOP, drop, *statements)
    yield as_user(mysql_database, f"farm_reader:{quote('a long random one')}")
    execute(mysql_database, drop)


def test_the_farm_works_with_it(reader: str, tmp_path: Path) -> None:
    with Farm.connect(home=tmp_path / "home") as farm:
        ddl = farm.add_target("shop", dialect="mysql", url=reader).ddl
    assert "CREATE TABLE orders" in ddl
    assert "CREATE VIEW paid" in ddl
    engine = MysqlEngine(reader, target_name="shop")
    assert engine.prepare("SELECT sum(total) FROM paid") is None
    assert engine.run("SELECT sum(total) FROM paid", row_limit=5, timeout_seconds=10).rows == [(12,)]
    assert engine.run("SELECT id FROM orders", row_limit=1, timeout_seconds=10).truncated
    engine.close()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO orders VALUES (3, 9)",
        "CREATE TABLE u (a int)",
        "SELECT 1 INTO OUTFILE '/tmp/farm-danger'",
        "SELECT own()",
        "SELECT * FROM mysql.global_priv",
        "LOCK TABLES orders WRITE",
        "SET GLOBAL max_connections = 1",
        "CREATE TEMPORARY TABLE u (a int)",
    ],
)
def test_by_itself_it_may_do_nothing_else(reader: str, sql: str) -> None:
    with pytest.raises(pymysql.Error, match=r"denied"):
        execute(reader, sql)
