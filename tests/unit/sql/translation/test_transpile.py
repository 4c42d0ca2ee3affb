"""A query in another dialect means the same, or it is told why it cannot."""

import pytest

from farm.sql.schema import Schema
from farm.sql.translation.schema_ddl import ddl_in
from farm.sql.translation.transpile import Untranslatable, transpile

DDL = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, "Home Town" TEXT, "order" INTEGER);
CREATE TABLE Orders (id INTEGER PRIMARY KEY, customer_id INTEGER, total REAL, placed DATE, at TIMESTAMP);
"""
SCHEMAS = {name: Schema.from_ddl(DDL.replace('"', "`") if name == "mysql" else DDL, name)
           for name in ("sqlite", "postgres", "mysql", "duckdb")}  # fmt: skip

SAME = [
    ("sqlite", "mysql", "SELECT name || 'x' FROM customers", "SELECT CONCAT(name, 'x') FROM customers"),
    ("sqlite", "postgres", "SELECT iif(id > 1, 2, 3) FROM customers",
     "SELECT CASE WHEN id > 1 THEN 2 ELSE 3 END FROM customers"),
    ("sqlite", "postgres", 'SELECT id FROM customers WHERE name = "Bob"',
     "SELECT id FROM customers WHERE name = 'Bob'"),
    ("sqlite", "mysql", 'SELECT "name" FROM Customers WHERE name = "Bob"',
     "SELECT name FROM customers WHERE name = 'Bob'"),
    ("sqlite", "postgres", "SELECT id FROM customers WHERE name LIKE 'a%'",
     "SELECT id FROM customers WHERE name ILIKE 'a%'"),
    ("sqlite", "postgres", "SELECT id FROM customers WHERE name NOT LIKE 'a%'",
     "SELECT id FROM customers WHERE name NOT ILIKE 'a%'"),
    ("postgres", "sqlite", "SELECT id FROM customers WHERE name LIKE 'a%b_'",
     "SELECT id FROM customers WHERE name GLOB 'a*b?'"),
    ("postgres", "sqlite", "SELECT id FROM customers WHERE name NOT LIKE 'a%'",
     "SELECT id FROM customers WHERE NOT name GLOB 'a*'"),
    ("sqlite", "postgres", "SELECT id FROM customers ORDER BY name",
     "SELECT id FROM customers ORDER BY name NULLS FIRST"),
    ("postgres", "mysql", "SELECT id FROM customers ORDER BY name",
     "SELECT id FROM customers ORDER BY CASE WHEN name IS NULL THEN 1 ELSE 0 END, name"),
    ("sqlite", "mysql", 'SELECT c."order", c."home town" FROM customers AS C',
     "SELECT c.`order`, c.`Home Town` FROM customers AS c"),
    ("sqlite", "mysql", "SELECT ORDERS.id FROM orders", "SELECT Orders.id FROM Orders"),
    ("postgres", "sqlite", "SELECT total FROM public.orders", "SELECT total FROM orders"),
    ("sqlite", "mysql", "SELECT date('now')", "SELECT CURRENT_DATE"),
    ("sqlite", "duckdb", "SELECT total / 2 FROM orders", "SELECT total / NULLIF(2, 0) FROM Orders"),
    ("sqlite", "mysql", "SELECT CAST(id AS REAL) / 2 FROM orders",
     "SELECT CAST(id AS DOUBLE) / 2 FROM Orders"),
    ("sqlite", "postgres", "SELECT id / 2 FROM customers", "SELECT id / NULLIF(2, 0) FROM customers"),
    ("mysql", "sqlite", "SELECT id / 2 FROM customers", "SELECT CAST(id AS REAL) / 2 FROM customers"),
    ("postgres", "sqlite", "SELECT total::numeric(10, 2) FROM orders",
     "SELECT ROUND(CAST(total AS REAL), 2) FROM orders"),
    ("postgres", "mysql", "SELECT to_char(at, 'YYYY-MM') FROM orders",
     "SELECT DATE_FORMAT(at, '%Y-%m') FROM orders"),
    ("sqlite", "postgres", "SELECT strftime('%Y', placed) FROM orders",
     "SELECT TO_CHAR(CAST(placed AS TIMESTAMP), 'YYYY') FROM Orders"),
    ("sqlite", "mysql", "SELECT id FROM (SELECT id FROM orders) JOIN (SELECT 1 AS x)",
     "SELECT id FROM (SELECT id FROM Orders) AS subquery_1 "
     "JOIN (SELECT 1 AS x) AS subquery_2 ON TRUE"),
    ("postgres", "duckdb", "SELECT count(*) / id FROM orders GROUP BY id",
     "SELECT COUNT(*) // id FROM orders GROUP BY id"),
    ("postgres", "mysql", "SELECT 100 * (id / 2) FROM orders", "SELECT 100 * (id DIV 2) FROM orders"),
    ("postgres", "mysql", "SELECT total / id FROM orders", "SELECT total / id FROM orders"),
    ("postgres", "mysql",
     "SELECT count(*) FILTER (WHERE id > 1), count(DISTINCT id) FILTER (WHERE id > 2) FROM orders",
     "SELECT COUNT(CASE WHEN id > 1 THEN 1 END), COUNT(DISTINCT CASE WHEN id > 2 THEN id END) FROM orders"),
    ("postgres", "sqlite", "SELECT extract(year FROM placed) FROM orders",
     "SELECT CAST(STRFTIME('%Y', placed) AS INTEGER) FROM orders"),
    ("postgres", "sqlite", "SELECT sum(CAST(id AS bigint)) / count(*) FROM orders",
     "SELECT CAST(SUM(CAST(id AS INTEGER)) AS REAL) / COUNT(*) FROM orders"),
    ("postgres", "sqlite", "SELECT sum(id) / count(*) FROM orders", "SELECT SUM(id) / COUNT(*) FROM orders"),
    ("postgres", "mysql", "SELECT placed + interval '1 day' FROM orders",
     "SELECT placed + INTERVAL '1' DAY FROM orders"),
]  # fmt: skip
OTHERWISE = [
    ("sqlite", "mysql", "SELECT id / 2 FROM customers", "whole numbers"),
    ("sqlite", "duckdb", "SELECT count(*) / sum(id) FROM customers", "whole numbers"),
    ("sqlite", "postgres", "SELECT CAST(total AS INTEGER) FROM orders", "cuts it"),
    ("postgres", "sqlite", "SELECT total::int FROM orders", "cuts it"),
    ("sqlite", "postgres", "SELECT max(id, customer_id) FROM orders", "NULL"),
    ("postgres", "mysql", "SELECT greatest(id, customer_id) FROM orders", "NULL"),
    ("postgres", "mysql", "SELECT count(*) FROM orders FULL JOIN customers ON true", "FULL JOIN"),
    ("postgres", "mysql", "SELECT array_agg(id) FROM orders", "arrays"),
    ("postgres", "sqlite", "SELECT DISTINCT ON (id) id FROM orders ORDER BY id, total", "DISTINCT ON"),
    ("postgres", "mysql", "SELECT current_date - placed FROM orders", "dates"),
    ("postgres", "sqlite", "SELECT placed + 7 FROM orders", "dates"),
    ("mysql", "postgres", "SELECT length(name) FROM customers", "bytes"),
    ("sqlite", "mysql", "SELECT strftime('%s', placed) FROM orders", "format"),
    ("postgres", "mysql", "SELECT to_char(at, 'Month') FROM orders", "format"),
    ("sqlite", "mysql", "SELECT date('now', '-1 month')", "'now'"),
    ("sqlite", "mysql", "SELECT id FROM customers WHERE name > 3", "a text and a number"),
    ("sqlite", "mysql", "SELECT id FROM customers WHERE name > (SELECT avg(id) FROM orders)", "a number"),
    ("sqlite", "mysql", "SELECT 1 FROM customers c JOIN orders o ON c.name = o.id", "a text and a number"),
    ("sqlite", "duckdb", "SELECT julianday('NOW')", "'now'"),
    ("postgres", "sqlite", "SELECT id FROM customers WHERE name LIKE name || '%'", "capital letters"),
    ("postgres", "mysql", "SELECT id FROM orders WHERE id = ANY(ARRAY[1, 2])", "Arrays are not supported"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "dialect", "sql", "expected"), SAME)
def test_a_query_is_written_for_the_other_dialect(source: str, dialect: str, sql: str, expected: str):
    assert transpile(sql, SCHEMAS[source], dialect) == expected


@pytest.mark.parametrize(("source", "dialect", "sql", "why"), OTHERWISE)
def test_what_would_mean_something_else_is_told(source: str, dialect: str, sql: str, why: str):
    with pytest.raises(Untranslatable) as told:
        transpile(sql, SCHEMAS[source], dialect)
    (finding,) = told.value.findings
    assert finding.code == "untranslatable"
    assert why in finding.message
    assert finding.hint


def test_it_is_told_where():
    with pytest.raises(Untranslatable) as told:
        transpile("SELECT total,\n  id / 2 FROM orders", SCHEMAS["sqlite"], "mysql")
    assert (told.value.findings[0].line, told.value.findings[0].column) == (2, 3)


def test_a_schema_becomes_tables_of_the_other_dialect():
    assert ddl_in(SCHEMAS["sqlite"], "mysql").splitlines() == [
        "CREATE TABLE customers (id INT, name TEXT, `Home Town` TEXT, `order` INT, PRIMARY KEY (id));",
        "CREATE TABLE Orders (id INT, customer_id INT, total DOUBLE, placed DATE, at DATETIME, "
        "PRIMARY KEY (id));",
    ]


def test_what_has_no_word_for_it_becomes_text_and_a_view_a_table():
    schema = Schema.from_ddl(
        "CREATE TABLE t (id serial PRIMARY KEY, tags text[], mood mood, price numeric(8, 2), at timestamptz);"
        "CREATE TABLE sales.u (code text PRIMARY KEY); CREATE VIEW v AS SELECT id, price FROM t;",
        "postgres",
    )
    assert ddl_in(schema, "mysql").splitlines() == [
        "CREATE TABLE t (id INT, tags TEXT, mood TEXT, price DECIMAL(8, 2), at TIMESTAMP, PRIMARY KEY (id));",
        "CREATE TABLE sales.u (code VARCHAR(255), PRIMARY KEY (code));",
        "CREATE TABLE v (id INT, price DECIMAL);",
    ]


@pytest.mark.parametrize("source", SCHEMAS)
@pytest.mark.parametrize("dialect", SCHEMAS)
def test_the_tables_of_every_dialect_are_read_back_in_every_other(source: str, dialect: str):
    again = Schema.from_ddl(ddl_in(SCHEMAS[source], dialect), dialect)
    assert [len(table.columns or ()) for table in again.tables.values()] == [4, 5]
