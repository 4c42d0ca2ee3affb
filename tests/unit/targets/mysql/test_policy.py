import re

import pytest

from farm.targets.mysql.policy import Policy
from farm.targets.mysql.text import Modes

POLICY = Policy(
    database="shop", modes=Modes(), routines=frozenset({"slow", "left"}), trapped={"loud": "view loud waits"}
)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a, count(*) FROM t WHERE b IN (1, 2) GROUP BY a HAVING count(*) > (SELECT 1);",
        "(SELECT 1) UNION (SELECT 2) ORDER BY 1",
        "WITH q (x) AS (SELECT a FROM shop.t) SELECT x, rank() OVER (ORDER BY x) FROM q",
        "VALUES (1), (2)",
        "SELECT insert('a', 1, 1, 'b'), replace('a', 'b', 'c'), `update`, t.`delete`, t.into FROM t",
        "SELECT CONVERT(a, DECIMAL(10, 2)), CAST(a AS CHAR(3) CHARACTER SET utf8mb4) FROM t -- ; done",
        "SELECT 'a@b?c{d}' AS mail, price$ FROM information_schema.tables",
        "SELECT CASE WHEN (a) THEN (b) ELSE (c) END FROM t WHERE NOT (a AND (b OR (c)))",
    ],
)
def test_a_reading_query_passes(sql: str) -> None:
    assert POLICY.refusal(sql) is None


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("", "only a query that reads"),
        ("DELETE FROM t", "only a query that reads"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT 1 INTO OUTFILE '/tmp/x'", "INTO is not allowed"),
        ("SELECT 1 INTO(@a)", "a variable"),
        ("WITH q AS (SELECT 1) DELETE FROM t", "DELETE is not allowed"),
        ("SELECT * FROM t FOR SHARE", "FOR SHARE is not allowed"),
        ("SELECT NEXT VALUE FOR s", "VALUE FOR is not allowed"),
        ("SELECT * FROM t PROCEDURE ANALYSE()", "PROCEDURE is not allowed"),
        ("SELECT sleep(1)", r"function sleep\(\) is not allowed"),
        ("SELECT `sleep`(1)", r"function sleep\(\) is not allowed"),
        ("SELECT `in`(1)", r"function in\(\) is not allowed"),
        ("SELECT shop.count(1)", r"function shop.count\(\) is not allowed"),
        ("SELECT slow()", r"function slow\(\) is not allowed"),
        ("SELECT left (a, 1) FROM t", r"function left\(\) is not allowed"),
        ("SELECT 1 /*! + 1 */", "comment that runs"),
        ("SELECT @@datadir", "a variable"),
        ("SELECT ?", "parameter"),
        ("SELECT {fn now()}", "ODBC"),
        ("SELECT $$ ' $$, sleep(1), $$ ' $$", "dollar"),
        ("SELECT a,$x$ ' $x$, sleep(1), $x$ ' $x$ FROM t", "dollar"),
        ("SELECT 1 \x01", r"U\+0001"),
        ("SELECT '\ud800'", r"U\+D800"),
        ("SELECT * FROM mysql.user", "table mysql.user is of another database"),
        ("SELECT * FROM t, `other` . x", "table other.x is of another database"),
        ("SELECT * FROM information_schema.processlist", "system table processlist"),
        ("SELECT * FROM t JOIN LOUD", "view loud waits"),
    ],
)
def test_what_does_more_is_refused(sql: str, says: str) -> None:
    refused = POLICY.refusal(sql)
    assert refused is not None
    assert re.search(says, refused)
