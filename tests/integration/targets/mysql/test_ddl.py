import re
from collections.abc import Iterator

import pytest
from support.mariadb import as_user, execute, fresh_mysql

from farm.sql.schema import Schema
from farm.targets.mysql.engine import MysqlEngine

SCHEMA = (
    "CREATE TABLE customers (id int AUTO_INCREMENT PRIMARY KEY, email varchar(80) UNIQUE,"
    " mood enum('ok', 'it''s') COMMENT 'How they\nfelt', `Odd ``Name` int unsigned, `select` text,"
    " twice int AS (id * 2)) COMMENT 'People who buy'",
    "CREATE TABLE orders (id int, line int, customer_id int NOT NULL, total decimal(10, 2) DEFAULT 0,"
    " PRIMARY KEY (id, line), KEY (total), FOREIGN KEY (customer_id) REFERENCES customers (id))",
    "CREATE TABLE aa (id int PRIMARY KEY, b int)",
    "CREATE TABLE bb (id int PRIMARY KEY, a int, FOREIGN KEY (a) REFERENCES aa (id))",
    "ALTER TABLE aa ADD FOREIGN KEY (b) REFERENCES bb (id)",
    "CREATE VIEW a_first (i, `the total`) AS SELECT id, total FROM orders WHERE total > 10",
    "CREATE VIEW above AS SELECT `the total` AS t, 'x.y' AS u FROM a_first",
)


@pytest.fixture(scope="module")
def url(mysql_url: str) -> Iterator[str]:
    with fresh_mysql(mysql_url) as url:
        execute(url, *SCHEMA)
        yield url


def introspected(url: str) -> str:
    engine = MysqlEngine(url, target_name="shop")
    try:
        return engine.introspect()
    finally:
        engine.close()


def test_the_schema_reads_as_a_person_would_write_it(url: str) -> None:
    ddl = introspected(url)
    assert re.search(
        r"-- People who buy\n"
        r"CREATE TABLE customers \(\n"
        r"    id int(\(11\))? NOT NULL,\n"
        r"    email varchar\(80\),\n"
        r"    mood enum\('ok','it''s'\),  -- How they felt\n"
        r"    `Odd ``Name` int(\(10\))? unsigned,\n"
        r"    `select` text,\n"
        r"    twice int(\(11\))?,\n"
        r"    PRIMARY KEY \(id\),\n"
        r"    UNIQUE \(email\)\n"
        r"\);\n",
        ddl,
    )
    assert ddl.index("CREATE TABLE customers") < ddl.index("CREATE TABLE orders")
    assert "    PRIMARY KEY (id, line),\n    FOREIGN KEY (customer_id) REFERENCES customers (id)\n" in ddl
    assert "ALTER TABLE bb ADD FOREIGN KEY (a) REFERENCES aa (id);" in ddl or "ALTER TABLE aa ADD" in ddl
    assert "CREATE VIEW a_first (i, `the total`) AS\nselect" in ddl
    assert ddl.index("CREATE VIEW a_first") < ddl.index("CREATE VIEW above")
    assert "farm_test_" not in ddl, "the database's own name"
    assert "'x.y'" in ddl


def test_it_loads_into_an_empty_database_and_reads_the_same_again(url: str, mysql_database: str) -> None:
    ddl = introspected(url)
    execute(mysql_database, *(part for part in re.split(r"(?<=;)\n", ddl) if part.strip()))
    assert introspected(mysql_database).replace("-- People who buy\n", "") == re.sub(
        r"  -- How they felt|-- People who buy\n", "", ddl
    )


def test_the_checks_read_it_as_the_database_does(url: str) -> None:
    engine = MysqlEngine(url, target_name="shop")
    for (_, table), found in Schema.from_ddl(engine.introspect(), "mysql").tables.items():
        columns = ", ".join("`" + name.replace("`", "``") + "`" for name in found.columns or ())
        assert engine.prepare(f"SELECT {columns} FROM `{table}`") is None
    engine.close()


def test_what_the_reader_may_not_see_is_left_out(url: str) -> None:
    database = url.partition("?")[0].rpartition("/")[2]
    execute(
        url,
        "DROP USER IF EXISTS farm_test_reader@'%'",
        "CREATE USER farm_test_reader@'%'",
        f"GRANT SELECT ON {database}.bb TO farm_test_reader@'%'",
        f"GRANT SELECT (id) ON {database}.aa TO farm_test_reader@'%'",
        f"GRANT SELECT ON {database}.a_first TO farm_test_reader@'%'",
    )
    try:
        ddl = introspected(as_user(url, "farm_test_reader"))
        engine = MysqlEngine(as_user(url, "farm_test_reader"), target_name="shop")
        refused = engine.prepare("SELECT i FROM a_first")
        engine.close()
    finally:
        execute(url, "DROP USER farm_test_reader@'%'")
    assert "CREATE TABLE bb (" in ddl
    assert re.search(r"CREATE TABLE aa \(\n    id int(\(11\))? NOT NULL", ddl)
    assert "b int" not in ddl
    assert "customers" not in ddl
    assert refused is not None
    assert "grant SHOW VIEW" in refused
