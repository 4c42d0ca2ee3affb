"""What reads files, waits, locks, changes or leaves the schema is refused in MySQL and DuckDB too."""

import pytest

from farm.sql.checks import check
from farm.sql.schema import Schema
from farm.sql.verdict import Severity

DDL = "CREATE TABLE t (a integer, b text); CREATE TABLE user (host text);"

IN_MYSQL = [
    "SELECT a INTO OUTFILE '/tmp/x' FROM t",
    "SELECT a FROM t INTO OUTFILE '/tmp/x'",
    "SELECT a FROM t INTO DUMPFILE '/tmp/x'",
    "SELECT a FROM t UNION SELECT 1 INTO OUTFILE '/x'",
    "SELECT a INTO @x FROM t",
    "SELECT @x := 1",
    "SELECT @@version",
    "SELECT LOAD_FILE('/etc/passwd')",
    "SELECT SLEEP(10)",
    "SELECT `sleep`(1)",
    "SELECT sleep (1)",
    "SELECT BENCHMARK(1, 2)",
    "SELECT GET_LOCK('a', 1)",
    "SELECT LAST_INSERT_ID(5)",
    "SELECT a FROM t FOR UPDATE",
    "SELECT a FROM t LOCK IN SHARE MODE",
    "SELECT a FROM t PROCEDURE ANALYSE()",
    "SELECT 1 /*! INTO OUTFILE '/tmp/x' */",
    "SELECT 1 /*!50000 , sleep(1) */",
    "SELECT 1 /*M! , sleep(1) */",
    "SELECT 1--1; DROP TABLE t",
    "SELECT 1 # x\n; DROP TABLE t",
    "SELECT host FROM mysql.user",
    "SELECT mysql.f(1)",
    "SELECT columns(1)",
    "SELECT index(1)",
    "SELECT repeatable(1)",
    "SELECT p.a FROM t p, JSON_TABLE('[]', '$' COLUMNS (x INT PATH '$')) j WHERE sleep(1)",
    "SELECT a FROM t USE INDEX (sleep(1))",
    "SELECT * FROM information_schema.processlist",
    "SELECT * FROM performance_schema.threads",
    "WITH x AS (SELECT 1) DELETE FROM t",
    "HANDLER t OPEN",
    "CALL x()",
    "DO SLEEP(1)",
    "SET @x = 1",
]
IN_DUCKDB = [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "FROM 'x.csv'",
    'SELECT * FROM "x.csv"',
    "SELECT * FROM t, 'x.csv'",
    "SELECT * FROM t JOIN 'x.csv' ON true",
    "SELECT a FROM t WHERE b = (FROM 'x.csv')",
    "SELECT * FROM glob('*')",
    "SELECT * FROM t, glob('*')",
    "SELECT getenv('HOME')",
    "SELECT current_setting('x')",
    "SELECT * FROM query('select 1')",
    "SELECT * FROM query_table('t')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM parquet_scan('x')",
    "SELECT ('/etc/passwd').read_text()",
    "SELECT t.a.read_text()",
    "SELECT \"read_text\"('x')",
    "SELECT system.main.read_text('x')",
    "SELECT list_transform([1], x -> read_text('a'))",
    "SELECT [read_text('x') for y in [1]]",
    "SELECT nextval('s')",
    "SELECT rename(1)",
    "SELECT {'a': read_text('x')}",
    "SELECT `read_text`('x')",
    "SELECT * FROM `x.csv`",
    "SELECT {{ x }}",
    "SELECT * FROM t POSITIONAL JOIN 'x.csv'",
    "SELECT b.a, (b.a).read_text(), FROM t",
    "COPY t TO '/x'",
    "ATTACH 'x'",
    "PRAGMA version",
    "INSTALL httpfs",
    "EXPORT DATABASE 'x'",
    "SUMMARIZE t",
]


@pytest.mark.parametrize(
    ("dialect", "sql"), [*(("mysql", sql) for sql in IN_MYSQL), *(("duckdb", sql) for sql in IN_DUCKDB)]
)
def test_it_is_refused(dialect, sql):
    findings = check(sql, Schema.from_ddl(DDL, dialect))
    assert any(finding.severity is Severity.ERROR for finding in findings)


@pytest.mark.parametrize(
    "sql", ["SELECT a AS order FROM secrets", "SELECT a FROM secrets WHERE b REGEXP 'x'"]
)
def test_what_an_engine_may_overrule_hides_no_foreign_table(sql):
    codes = [finding.code for finding in check(sql, Schema.from_ddl(DDL, "sqlite"))]
    assert codes[0] in {"reserved_word", "foreign_construct"}
    assert "unknown_table" in codes
