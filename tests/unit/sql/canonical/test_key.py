"""Queries that differ in spelling alone have one key; queries that mean different things never have."""

import pytest

from farm.sql.canonical.key import canonical_key
from farm.sql.schema import Schema
from farm.sql.subject import Subject

DDL = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, total REAL, placed DATE);
CREATE TABLE items (order_id INTEGER, product TEXT, price REAL);
"""
QUOTED = 'CREATE TABLE t ("Total" integer, total integer, data jsonb);'
SCHEMAS = {
    dialect: Schema.from_ddl(DDL + (QUOTED if dialect == "postgres" else ""), dialect)
    for dialect in ("sqlite", "postgres", "mysql", "duckdb")
}


def key(sql: str, dialect: str = "sqlite") -> str:
    return canonical_key(Subject(sql, SCHEMAS[dialect]))


SAME = [
    ("select  NAME from customers -- all", "SELECT name FROM customers"),
    ("SELECT c.name FROM customers c", "SELECT customers.name FROM customers"),
    ("SELECT name AS n FROM customers", "SELECT name FROM customers AS x"),
    ("SELECT id FROM orders WHERE total <> 1", "SELECT id FROM orders WHERE total != 1"),
    ("SELECT id FROM orders WHERE total > 1", "SELECT id FROM orders WHERE 1 < total"),
    ("SELECT id FROM orders WHERE (total >= 1)", "SELECT id FROM orders WHERE (1 <= (total))"),
    (
        "SELECT id FROM orders WHERE total > 1 AND (id = 2 AND placed IS NULL)",
        "SELECT id FROM orders WHERE placed IS NULL AND total > 1 AND 2 = id AND total > 1",
    ),
    ("SELECT id FROM orders WHERE id = 1 OR id = 2", "SELECT id FROM orders WHERE id = 2 OR id = 1"),
    ("SELECT id FROM orders WHERE id IN (1, 2, 2)", "SELECT id FROM orders WHERE id IN (2, 1)"),
    ("SELECT total * 2 + id FROM orders", "SELECT id + 2 * total FROM orders"),
    ("SELECT id FROM orders ORDER BY total ASC", "SELECT id FROM orders ORDER BY total"),
    ("SELECT total AS t FROM orders ORDER BY t", "SELECT total FROM orders ORDER BY total"),
    ("SELECT sum(total) FROM orders ORDER BY 1", "SELECT sum(total) AS s FROM orders ORDER BY s"),
    (
        "SELECT city, name, count(*) FROM customers GROUP BY city, name",
        "SELECT city, name, count(*) FROM customers GROUP BY 2, 1",
    ),
    (
        "SELECT name, total FROM customers JOIN orders ON customers.id = customer_id",
        "SELECT b.name, a.total FROM orders a INNER JOIN customers b ON a.customer_id = b.id",
    ),
    (
        "SELECT name FROM customers c, orders o WHERE c.id = o.customer_id AND total > 5",
        "SELECT name FROM orders o CROSS JOIN customers c WHERE total > 5 AND o.customer_id = c.id",
    ),
    (
        "SELECT name FROM customers LEFT JOIN orders ON customers.id = customer_id",
        "SELECT c.name FROM customers c LEFT OUTER JOIN orders AS o ON o.customer_id = c.id",
    ),
    ("SELECT * FROM customers", "SELECT id, name, city FROM customers"),
    ("SELECT c.* FROM customers c", "SELECT * FROM customers"),
    (
        "WITH big AS (SELECT id AS i FROM orders WHERE total > 9) SELECT i FROM big",
        "WITH large(x) AS (SELECT id FROM orders WHERE 9 < total) SELECT large.x FROM large",
    ),
    (
        "SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id)",
        "SELECT name FROM customers WHERE EXISTS (SELECT 1 FROM orders WHERE customers.id = customer_id)",
    ),
    (
        "SELECT d.n FROM (SELECT name AS n FROM customers) AS d",
        "SELECT e.name FROM (SELECT c.name FROM customers c) e",
    ),
    (
        "SELECT id FROM orders UNION SELECT id FROM customers ORDER BY id",
        "(SELECT id AS x FROM orders) UNION SELECT id FROM customers ORDER BY 1",
    ),
    ("SELECT CAST(total AS INT) FROM orders", "SELECT CAST(total AS INTEGER) FROM orders"),
]
SAME_IN = [
    ("sqlite", 'SELECT id FROM customers WHERE name = "Bob"', "SELECT id FROM customers WHERE name = 'Bob'"),
    ("sqlite", 'SELECT "name" FROM customers', "SELECT [name] FROM `customers`"),
    ("sqlite", "SELECT id FROM orders LIMIT 2, 5", "SELECT id FROM orders LIMIT 5 OFFSET 2"),
    ("postgres", 'SELECT "total" FROM t', "SELECT TOTAL FROM public.t"),
    ("postgres", "SELECT total::text FROM orders", "SELECT CAST(total AS text) FROM orders"),
    (
        "postgres",
        "SELECT id FROM orders ORDER BY total NULLS LAST",
        "SELECT id FROM orders ORDER BY total",
    ),
    ("mysql", "SELECT `name` FROM customers", "SELECT name FROM customers"),
    ("mysql", 'SELECT id FROM customers WHERE name = "x"', "SELECT id FROM customers WHERE name = 'x'"),
    ("duckdb", "SELECT id FROM orders WHERE total == 1", "SELECT id FROM orders WHERE 1 = total"),
]
DIFFERENT = [
    ("SELECT id FROM orders WHERE total > 1", "SELECT id FROM orders WHERE total > 2"),
    ("SELECT id FROM orders WHERE total > 1", "SELECT id FROM orders WHERE total < 1"),
    ("SELECT id FROM orders WHERE total > 1", "SELECT id FROM orders WHERE total >= 1"),
    ("SELECT id FROM orders WHERE total = 1", "SELECT id FROM orders WHERE total = 1.0"),
    ("SELECT id FROM customers WHERE name = 'a'", "SELECT id FROM customers WHERE name = 'A'"),
    ("SELECT id FROM customers WHERE name = '1'", "SELECT id FROM customers WHERE name = 1"),
    ("SELECT id FROM orders LIMIT 1", "SELECT id FROM orders LIMIT 2"),
    ("SELECT id FROM orders LIMIT 1", "SELECT id FROM orders"),
    ("SELECT id FROM orders LIMIT 1 OFFSET 2", "SELECT id FROM orders LIMIT 2 OFFSET 1"),
    ("SELECT DISTINCT city FROM customers", "SELECT city FROM customers"),
    ("SELECT count(DISTINCT city) FROM customers", "SELECT count(city) FROM customers"),
    ("SELECT count(*) FROM customers", "SELECT count(city) FROM customers"),
    ("SELECT id FROM orders ORDER BY total", "SELECT id FROM orders ORDER BY total DESC"),
    ("SELECT id FROM orders ORDER BY total", "SELECT id FROM orders"),
    ("SELECT id FROM orders ORDER BY total, id", "SELECT id FROM orders ORDER BY id, total"),
    ("SELECT id, total FROM orders", "SELECT total, id FROM orders"),
    ("SELECT total - id FROM orders", "SELECT id - total FROM orders"),
    ("SELECT total / id FROM orders", "SELECT id / total FROM orders"),
    ("SELECT (total + id) * 2 FROM orders", "SELECT total + id * 2 FROM orders"),
    ("SELECT total + (id + 2) FROM orders", "SELECT (total + id) + 2 FROM orders"),
    (
        "SELECT id FROM orders WHERE id = 1 AND (id = 2 OR id = 3)",
        "SELECT id FROM orders WHERE (id = 1 AND id = 2) OR id = 3",
    ),
    ("SELECT id FROM orders WHERE NOT (id = 1)", "SELECT id FROM orders WHERE id = 1"),
    ("SELECT id FROM orders WHERE total IS NULL", "SELECT id FROM orders WHERE total IS NOT NULL"),
    ("SELECT id FROM orders WHERE id IN (1, 2)", "SELECT id FROM orders WHERE id NOT IN (1, 2)"),
    (
        "SELECT name FROM customers c LEFT JOIN orders o ON c.id = o.customer_id",
        "SELECT name FROM orders o LEFT JOIN customers c ON c.id = o.customer_id",
    ),
    (
        "SELECT name FROM customers c LEFT JOIN orders o ON c.id = o.customer_id",
        "SELECT name FROM customers c JOIN orders o ON c.id = o.customer_id",
    ),
    (
        "SELECT name FROM customers c LEFT JOIN orders o ON c.id = customer_id AND total > 1",
        "SELECT name FROM customers c LEFT JOIN orders o ON c.id = customer_id WHERE total > 1",
    ),
    (
        "SELECT a.name FROM customers a JOIN customers b ON a.city = b.name",
        "SELECT b.name FROM customers a JOIN customers b ON a.city = b.name",
    ),
    (
        "SELECT a.name FROM customers a JOIN customers b ON a.city = b.name",
        "SELECT a.name FROM customers a JOIN customers b ON a.name = b.city",
    ),
    ("SELECT * FROM customers, orders", "SELECT * FROM orders, customers"),
    (
        "SELECT id FROM orders UNION SELECT id FROM customers",
        "SELECT id FROM orders UNION ALL SELECT id FROM customers",
    ),
    (
        "SELECT id FROM orders EXCEPT SELECT id FROM customers",
        "SELECT id FROM customers EXCEPT SELECT id FROM orders",
    ),
    ("SELECT min(total) FROM orders", "SELECT max(total) FROM orders"),
    ("SELECT city FROM customers GROUP BY city", "SELECT city FROM customers GROUP BY city, name"),
    (
        "SELECT city FROM customers GROUP BY city HAVING count(*) > 1",
        "SELECT city FROM customers GROUP BY city HAVING count(*) > 2",
    ),
    (
        "SELECT sum(total) OVER (ORDER BY id) FROM orders",
        "SELECT sum(total) OVER (ORDER BY placed) FROM orders",
    ),
    ("SELECT CAST(total AS TEXT) FROM orders", "SELECT CAST(total AS INTEGER) FROM orders"),
    ("SELECT CASE WHEN id = 1 THEN 2 END FROM orders", "SELECT CASE WHEN id = 2 THEN 1 END FROM orders"),
    (
        "SELECT name FROM customers c WHERE id IN (SELECT customer_id FROM orders WHERE c.id = 1)",
        "SELECT name FROM customers c WHERE id IN (SELECT customer_id FROM orders WHERE orders.id = 1)",
    ),
    (
        "WITH a AS (SELECT 1 AS x), b AS (SELECT 2 AS x) SELECT x FROM a",
        "WITH a AS (SELECT 1 AS x), b AS (SELECT 2 AS x) SELECT x FROM b",
    ),
    ("SELECT d.x FROM (SELECT 1 AS x, 2 AS y) d", "SELECT d.x FROM (SELECT 1 AS y, 2 AS x) d"),
    ("SELECT name LIKE 'a%' FROM customers", "SELECT name LIKE 'A%' FROM customers"),
    ("SELECT -total AS total FROM orders ORDER BY total", "SELECT -total AS x FROM orders ORDER BY total"),
]
DIFFERENT_IN = [
    ("sqlite", 'SELECT "name" FROM customers', "SELECT 'name' FROM customers"),
    ("sqlite", "SELECT x'41'", "SELECT '41'"),
    ("sqlite", "SELECT rowid FROM orders", "SELECT total FROM orders"),
    ("sqlite", "SELECT a.rowid FROM orders a, items b", "SELECT b.rowid FROM orders a, items b"),
    ("sqlite", "SELECT b.rowid FROM orders a, items b", "SELECT b.rowid FROM items a, orders b"),
    ("sqlite", "SELECT random() AS r ORDER BY r", "SELECT random() AS r ORDER BY random()"),
    ("sqlite", "SELECT 5 / 2", "SELECT 5 / 2.0"),
    ("postgres", 'SELECT "Total" FROM t', "SELECT Total FROM t"),
    ("postgres", "SELECT id FROM orders ORDER BY total NULLS FIRST", "SELECT id FROM orders ORDER BY total"),
    ("postgres", "SELECT total::real FROM orders", "SELECT total::float FROM orders"),
    (
        "postgres",
        "SELECT total::real, id::float FROM orders",
        "SELECT total::float, id::real FROM orders",
    ),
    (
        "postgres",
        "SELECT name FROM customers c LEFT JOIN orders o ON c.id = o.customer_id",
        "SELECT name FROM customers c RIGHT JOIN orders o ON c.id = o.customer_id",
    ),
    (
        "postgres",
        "SELECT name FROM customers c LEFT JOIN orders o ON c.id = o.customer_id",
        "SELECT name FROM customers c FULL JOIN orders o ON c.id = o.customer_id",
    ),
    (
        "duckdb",
        "SELECT * EXCLUDE (placed) FROM customers, orders",
        "SELECT * EXCLUDE (placed) FROM orders, customers",
    ),
    ("postgres", "SELECT total::numeric(5,2) FROM orders", "SELECT total::numeric(6,2) FROM orders"),
    ("postgres", "SELECT data -> 0 FROM t", "SELECT data -> '0' FROM t"),
    ("postgres", "SELECT data -> 'a' FROM t", "SELECT data ->> 'a' FROM t"),
    ("postgres", "SELECT E'a\\nb'", "SELECT 'a\\nb'"),
    (
        "postgres",
        "SELECT name FROM customers WHERE name ~ 'a'",
        "SELECT name FROM customers WHERE name ~* 'a'",
    ),
    (
        "postgres",
        "SELECT name FROM customers WHERE name LIKE 'a'",
        "SELECT name FROM customers WHERE name ILIKE 'a'",
    ),
    ("postgres", "SELECT interval '1 day'", "SELECT interval '1 month'"),
    (
        "postgres",
        "SELECT extract(year FROM placed) FROM orders",
        "SELECT extract(day FROM placed) FROM orders",
    ),
    (
        "postgres",
        "SELECT DISTINCT ON (customer_id) id FROM orders ORDER BY customer_id, total",
        "SELECT DISTINCT ON (id) id FROM orders ORDER BY customer_id, total",
    ),
    (
        "postgres",
        "SELECT city, count(*) FROM customers GROUP BY ROLLUP (city, name)",
        "SELECT city, count(*) FROM customers GROUP BY ROLLUP (name, city)",
    ),
    ("mysql", "SELECT id FROM orders WHERE total <=> 1", "SELECT id FROM orders WHERE total = 1"),
    (
        "mysql",
        "SELECT timestampdiff(YEAR, placed, now()) FROM orders",
        "SELECT timestampdiff(DAY, placed, now()) FROM orders",
    ),
    ("duckdb", "SELECT * EXCLUDE (id) FROM orders", "SELECT * EXCLUDE (total) FROM orders"),
    ("duckdb", "SELECT id FROM orders", "SELECT id FROM orders USING SAMPLE 5"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
@pytest.mark.parametrize("dialect", SCHEMAS)
def test_spelling_alone_makes_no_difference(dialect: str, one: str, other: str):
    assert key(one, dialect) == key(other, dialect)


@pytest.mark.parametrize(("dialect", "one", "other"), SAME_IN)
def test_spelling_alone_makes_no_difference_in(dialect: str, one: str, other: str):
    assert key(one, dialect) == key(other, dialect)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
@pytest.mark.parametrize("dialect", SCHEMAS)
def test_another_meaning_has_another_key(dialect: str, one: str, other: str):
    assert key(one, dialect) != key(other, dialect)


@pytest.mark.parametrize(("dialect", "one", "other"), DIFFERENT_IN)
def test_another_meaning_has_another_key_in(dialect: str, one: str, other: str):
    assert key(one, dialect) != key(other, dialect)


def test_a_key_tells_its_version_and_stays_the_same():
    """What is stored must compare with what comes later: a change of the form needs another version."""
    assert key("SELECT name FROM customers WHERE id = 1") == "1:6a1b208af6b3da894b0c6db38e72dca3"


def test_no_two_dialects_share_a_key():
    assert len({key("SELECT id FROM orders", dialect) for dialect in SCHEMAS}) == len(SCHEMAS)


def test_the_sides_of_a_comparison_count_where_columns_have_collations():
    """Of two collations SQLite takes the left one."""
    schema = Schema.from_ddl("CREATE TABLE t (a TEXT COLLATE NOCASE, b TEXT)", "sqlite")
    keys = {
        canonical_key(Subject(sql, schema))
        for sql in ("SELECT 1 FROM t WHERE a = b", "SELECT 1 FROM t WHERE b = a")
    }
    assert len(keys) == 2


def test_which_row_is_taken_may_depend_on_the_order_of_joins():
    joins = (
        "orders o JOIN customers c ON c.id = o.customer_id",
        "customers c JOIN orders o ON c.id = o.customer_id",
    )
    for select in ("SELECT placed, max(city) FROM {} GROUP BY customer_id", "SELECT name FROM {} LIMIT 3"):
        assert len({key(select.format(each)) for each in joins}) == 2, select


def test_a_chain_of_aliases_costs_no_more_than_its_text():
    steps = ", ".join(f"c{n} AS (SELECT x + x AS x FROM c{n - 1})" for n in range(1, 60))
    assert key(f"WITH c0 AS (SELECT 1 AS x), {steps} SELECT x FROM c59").startswith("1:")


def test_what_is_nested_too_deep_is_told_by_its_words():
    chain = " || ".join(["name"] * 3_000)
    assert key(f"SELECT {chain} FROM customers") == key(f"select  {chain} from customers")
