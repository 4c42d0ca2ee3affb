"""Nothing that does more than read passes, whatever the engine says of it."""

import pytest

from farm.sql.assess import judge
from farm.sql.checks import check

WRITES = [
    "INSERT INTO orders (id) VALUES (1)",
    "UPDATE orders SET total = 0",
    "DELETE FROM orders",
    "DROP TABLE orders",
    "ALTER TABLE orders ADD COLUMN x int",
    "CREATE TABLE t AS SELECT 1",
    "CREATE INDEX i ON orders (id)",
    "BEGIN",
    "COMMIT",
    "EXPLAIN SELECT 1",
    "ANALYZE",
    "VACUUM",
    "WITH x AS (SELECT 1 AS a) DELETE FROM orders",
    "WITH x AS (SELECT 1 AS a) INSERT INTO orders (id) SELECT a FROM x",
    "SELECT 1; DROP TABLE orders",
    "SELECT 1;;; DELETE FROM orders",
    "SELECT 1 /* fine */; /* */ UPDATE orders SET total = 1 --",
]

SQLITE_ONLY = [
    "REPLACE INTO orders (id) VALUES (1)",
    "PRAGMA writable_schema = 1",
    "PRAGMA table_info(orders)",
    "ATTACH 'x.db' AS x",
    "DETACH x",
    "VACUUM INTO 'copy.db'",
    "REINDEX",
    "SELECT load_extension('x')",
    "SELECT \"load_extension\"('x')",
    "SELECT [load_extension]('x')",
    "SELECT writefile('x', 'y')",
    "SELECT readfile('/etc/passwd')",
    "SELECT edit('x')",
    "SELECT fts3_tokenizer('simple', x'00')",
    "SELECT * FROM pragma_table_info('orders')",
    "SELECT * FROM pragma_database_list",
    "SELECT id FROM orders WHERE load_extension ('x') IS NULL",
    "SELECT id FROM orders WHERE load_extension/**/('x') IS NULL",
    "WITH load_extension(a) AS (SELECT 1) SELECT load_extension('x')",
    "SELECT 1 /* /* */, load_extension('x') /* */",
    "SELECT 1 {# , load_extension('x') #}",
]

POSTGRES_ONLY = [
    "SELECT * INTO t FROM orders",
    "SELECT * FROM orders FOR UPDATE",
    "SELECT * FROM (SELECT * FROM orders FOR SHARE) s",
    "WITH d AS (DELETE FROM orders RETURNING *) SELECT * FROM d",
    "WITH d AS (UPDATE orders SET total = 0 RETURNING id) SELECT id FROM d",
    "COPY orders TO '/tmp/x'",
    "COPY (SELECT 1) TO PROGRAM 'sh'",
    "DO $$ BEGIN DELETE FROM orders; END $$",
    "CALL f()",
    "SET search_path = x",
    "SHOW all",
    "LISTEN x",
    "NOTIFY x",
    "LOCK TABLE orders",
    "TRUNCATE orders",
    "GRANT ALL ON orders TO public",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DECLARE c CURSOR FOR SELECT 1",
    "REFRESH MATERIALIZED VIEW paid",
    "SELECT pg_sleep(10)",
    "SELECT PG_SLEEP(10)",
    'SELECT "pg_sleep"(10)',
    "SELECT pg_catalog.pg_sleep(10)",
    'SELECT pg_catalog."pg_sleep" (10)',
    "SELECT pg_sleep /* hidden */ (10)",
    "SELECT pg_sleep\n(10)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT * FROM pg_ls_dir('/') AS d",
    "SELECT * FROM pg_read_binary_file('x') d",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/x')",
    "SELECT lo_create(0)",
    "SELECT dblink('host=x', 'SELECT 1')",
    "SELECT set_config('a.b', 'c', false)",
    "SELECT nextval('s')",
    "SELECT setval('s', 1)",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_notify('a', 'b')",
    "SELECT query_to_xml('DELETE FROM orders', true, true, '')",
    "SELECT table_to_xml('orders', true, true, '')",
    "SELECT ts_stat('SELECT 1')",
    "SELECT id FROM orders WHERE total > (SELECT count(*) FROM pg_sleep(3))",
    "SELECT id FROM orders ORDER BY pg_sleep(1)",
    'SELECT U&"pg\\005fsleep"(10)',
    "SELECT 1 --\r, pg_sleep(10)",
    "WITH pg_sleep(a) AS (SELECT 1) SELECT pg_sleep(10)",
    "SELECT * FROM ROWS FROM (pg_ls_dir('/')) AS d",
    "SELECT * FROM orders, LATERAL pg_sleep(1)",
    "SELECT {# , pg_sleep(1), #} 1",
    "SELECT id AS x$a$, pg_sleep(1), 1 AS x$a$ FROM orders",
    "SELECT '\\', pg_sleep(1), '\\'",
    'SELECT "a""", pg_sleep(1), """b"',
    "SELECT usename, passwd FROM pg_shadow",
    "SELECT * FROM pg_catalog.pg_authid",
    "SELECT * FROM pg_stat_activity",
    "SELECT E'\\'' || pg_sleep(10) || ''",
    "SELECT $a$ x $a$, pg_sleep(10)",
    "SELECT '/*', pg_sleep(10), '*/'",
    "SELECT /* /* */ '*/', pg_sleep(10) --' */ pg_sleep(10)",
]


def accepting(_sql):
    """An engine that accepts everything, as PREPARE accepts most of what is dangerous."""


@pytest.mark.parametrize("sql", WRITES)
def test_writes_are_refused(sql, shop):
    assert not judge(sql, shop, accepting, "any").accepted


@pytest.mark.parametrize("sql", SQLITE_ONLY)
def test_sqlite_dangers_are_refused(sql, sqlite_shop):
    assert not judge(sql, sqlite_shop, accepting, "any").accepted


@pytest.mark.parametrize("sql", POSTGRES_ONLY)
def test_postgres_dangers_are_refused(sql, postgres_shop):
    assert not judge(sql, postgres_shop, accepting, "any").accepted


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'DROP TABLE orders; pg_sleep(10)'",
        "SELECT name AS load_extension FROM customers -- delete from orders",
        "SELECT replace(name, 'a', 'b') FROM customers",
        "VALUES (1, 2)",
        "(SELECT 1)",
        "WITH t(a) AS (SELECT 1) SELECT a FROM t",
        "SELECT CAST(total AS DECIMAL(10, 2)) FROM orders WHERE id IN (1, 2) AND NOT (id = 3)",
        "SELECT COUNT (*) FROM orders",
    ],
)
def test_harmless_queries_that_look_alike_pass(sql, shop):
    assert judge(sql, shop, accepting, "any").accepted


def test_the_finding_names_what_is_not_allowed(postgres_shop):
    [finding] = check("SELECT id,\n  pg_sleep(1) FROM orders", postgres_shop)
    assert (finding.code, finding.line, finding.column) == ("function_not_allowed", 2, 3)
    assert "pg_sleep" in finding.message


def test_a_misspelt_function_brings_the_nearest_one(shop):
    [finding] = check("SELECT coalesc(name, '') FROM customers", shop)
    assert finding.nearest[0] == "coalesce"
