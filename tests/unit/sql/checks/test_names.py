"""Names are looked up as the engines look them up."""

import pytest

from farm.sql.checks import check
from farm.sql.verdict import Severity

GOOD_IN_BOTH = [
    "SELECT name FROM customers",
    "SELECT c.name, o.total FROM customers c JOIN orders o ON o.customer_id = c.id",
    "SELECT CUSTOMERS.Name FROM Customers",
    "SELECT * FROM customers, orders",
    "SELECT c.* FROM customers AS c",
    "SELECT name AS n FROM customers ORDER BY n",
    "SELECT city, COUNT(*) AS n FROM customers GROUP BY city HAVING COUNT(*) > 1 ORDER BY n DESC",
    "SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders WHERE customer_id = c.id AND city > '')",
    "WITH big AS (SELECT customer_id, SUM(total) AS s FROM orders GROUP BY customer_id) SELECT s FROM big",
    "WITH a (x, y) AS (SELECT id, name FROM customers) SELECT x, y FROM a",
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n",
    "SELECT s.t FROM (SELECT total AS t FROM orders) AS s",
    "SELECT q.id FROM (SELECT * FROM orders) q",
    "SELECT customer_id FROM paid",
    "SELECT name FROM customers UNION SELECT product FROM items ORDER BY name",
    "SELECT id, status FROM orders JOIN items ON items.order_id = orders.id",
    "SELECT created_at FROM customers JOIN orders USING (created_at)",
    "SELECT o.id FROM customers NATURAL JOIN orders o",
    "SELECT a.id, b.id FROM orders a, orders b",
    "SELECT SUM(total) OVER (PARTITION BY customer_id ORDER BY created_at) FROM orders",
    "SELECT SUM(total) OVER w FROM orders WINDOW w AS (PARTITION BY status)",
    "SELECT (SELECT MAX(total) FROM orders WHERE customer_id = customers.id) AS top FROM customers",
    "SELECT x.id FROM (customers x JOIN orders y ON y.customer_id = x.id)",
    "SELECT CASE WHEN total > 1 THEN 'a' ELSE status END FROM orders",
    "SELECT COUNT(DISTINCT status) FROM orders WHERE created_at >= CURRENT_DATE",
]

GOOD_IN_SQLITE = [
    "SELECT rowid, _rowid_, oid FROM orders",
    'SELECT name FROM customers WHERE city = "Rome"',
    "SELECT total * 2 AS d FROM orders WHERE d > 5",
    "SELECT [name], `city` FROM customers",
    "SELECT name FROM main.customers",
    "SELECT name FROM sqlite_master",
    "SELECT j.value FROM orders, json_each(orders.status) AS j",
    "SELECT status FROM orders GROUP BY 1 ORDER BY max(total)",
]

GOOD_IN_POSTGRES = [
    "SELECT ctid, xmin FROM orders",
    "SELECT customers FROM customers",
    "SELECT count FROM (SELECT count(*) FROM orders) AS s",
    "SELECT name FROM public.customers",
    "SELECT table_name FROM information_schema.tables",
    "SELECT g.n FROM generate_series(1, 3) AS g (n)",
    "SELECT g FROM generate_series(1, 3) g",
    "SELECT c.name, l.total FROM customers c, LATERAL (SELECT total FROM orders WHERE customer_id = c.id) l",
    "SELECT DISTINCT ON (city) city, name FROM customers ORDER BY city, created_at",
    "SELECT status AS s, count(*) FROM orders GROUP BY s",
    "SELECT EXTRACT(year FROM created_at), created_at::text FROM orders",
    "SELECT COUNT(*) FILTER (WHERE status = 'paid') FROM orders",
    "SELECT current_user, now(), created_at + interval '1 day' FROM orders",
    "SELECT v.a FROM (VALUES (1, 2), (3, 4)) AS v (a, b)",
    "SELECT total AS order FROM orders",
]

BAD_IN_BOTH = [
    ("SELECT nme FROM customers", "unknown_column", "nme", ("name",)),
    ("SELECT c.totl FROM customers c", "unknown_column", "totl", ()),
    ("SELECT name FROM custmers", "unknown_table", "custmers", ("customers",)),
    ("SELECT c.name FROM custmers c", "unknown_table", "custmers", ("customers",)),
    ("SELECT * FROM nowhere", "unknown_table", "nowhere", ()),
    ("SELECT orders.total FROM customers", "unknown_qualifier", "orders.total", ()),
    ("SELECT customers.name FROM customers c", "unknown_qualifier", "customers.name", ()),
    ("SELECT x.* FROM customers c", "unknown_qualifier", "x.*", ()),
    ("SELECT created_at FROM customers JOIN orders ON true", "ambiguous_column", "created_at", ()),
    ("SELECT city FROM customers GROUP BY city HAVING SUM(totl) > 1", "unknown_column", "totl", ()),
    ("SELECT name FROM customers ORDER BY nmae", "unknown_column", "nmae", ("name",)),
    ("SELECT y FROM (SELECT id AS x FROM orders) s", "unknown_column", "y", ()),
    ("WITH a AS (SELECT id FROM orders) SELECT total FROM a", "unknown_column", "total", ()),
    ("WITH a (x) AS (SELECT id FROM orders) SELECT id FROM a", "unknown_column", "id", ()),
    (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT j FROM n) SELECT i FROM n",
        "unknown_column",
        "j",
        (),
    ),
    ("SELECT 1 FROM orders JOIN items USING (order_id)", "unknown_column", "order_id", ()),
    ("SELECT a.total FROM orders o, (SELECT o.total) a", "unknown_qualifier", "o.total", ()),
    ("SELECT name FROM customers UNION SELECT id, total FROM orders", "set_operation_columns", "UNION", ()),
    ("SELECT name FROM other.customers", "unknown_table", "other.customers", ("customers",)),
]


def errors(sql, schema):
    return [finding for finding in check(sql, schema) if finding.severity is Severity.ERROR]


@pytest.mark.parametrize("sql", GOOD_IN_BOTH)
def test_good_names_pass(sql, shop):
    assert errors(sql, shop) == []


@pytest.mark.parametrize("sql", GOOD_IN_SQLITE)
def test_names_that_sqlite_knows_pass(sql, sqlite_shop):
    assert errors(sql, sqlite_shop) == []


@pytest.mark.parametrize("sql", GOOD_IN_POSTGRES)
def test_names_that_postgres_knows_pass(sql, postgres_shop):
    assert errors(sql, postgres_shop) == []


@pytest.mark.parametrize(("sql", "code", "named", "nearest"), BAD_IN_BOTH)
def test_wrong_names_are_found(sql, code, named, nearest, shop):
    finding = errors(sql, shop)[0]
    assert finding.code == code
    assert named in finding.message
    assert finding.nearest[: len(nearest)] == nearest


def test_postgres_sees_no_alias_in_where(postgres_shop):
    [finding] = errors("SELECT total * 2 AS d FROM orders WHERE d > 5", postgres_shop)
    assert finding.code == "unknown_column"


def test_postgres_reads_double_quotes_as_a_name(postgres_shop):
    [finding] = errors('SELECT name FROM customers WHERE city = "Rome"', postgres_shop)
    assert finding.code == "unknown_column"


def test_postgres_minds_the_case_of_quoted_names(postgres_shop):
    [finding] = errors('SELECT "Name" FROM customers', postgres_shop)
    assert finding.code == "unknown_column"
    assert finding.nearest == ("name",)


def test_sqlite_warns_of_a_string_in_double_quotes(sqlite_shop):
    [finding] = check('SELECT name FROM customers WHERE city = "Rome"', sqlite_shop)
    assert (finding.code, finding.severity) == ("string_in_double_quotes", Severity.WARNING)


def test_group_by_in_a_sqlite_subquery_sees_nothing_around_it(sqlite_shop):
    [finding] = errors("SELECT (SELECT 1 FROM items GROUP BY city) FROM customers", sqlite_shop)
    assert finding.code == "unknown_column"


def test_one_alias_for_two_tables_is_refused_by_postgres(postgres_shop):
    [finding] = errors("SELECT 1 FROM orders JOIN orders ON true", postgres_shop)
    assert finding.code == "duplicate_alias"


def test_a_column_of_a_table_that_stands_twice_is_ambiguous_in_sqlite(sqlite_shop):
    [finding] = errors("SELECT orders.id FROM orders JOIN orders ON true", sqlite_shop)
    assert finding.code == "ambiguous_column"


def test_the_place_counts_lines_and_columns_from_one(shop):
    [finding] = errors("SELECT name,\n       nme\nFROM customers", shop)
    assert (finding.line, finding.column) == (2, 8)


def test_every_wrong_name_is_reported_at_once(shop):
    found = errors("SELECT nme, ctiy FROM customers", shop)
    assert [finding.nearest for finding in found] == [("name",), ("city",)]


def test_the_hint_says_which_table_has_the_column(shop):
    [finding] = errors("SELECT total FROM customers", shop)
    assert finding.hint == "total is a column of orders, paid"
