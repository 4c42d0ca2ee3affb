import pytest

from farm.targets.mysql.text import Mentions, Modes, mentions

X_AB = {("x", "a"), ("x", "b")}


def named(sql: str, sql_mode: str = "") -> Mentions:
    return mentions(sql, Modes.of(sql_mode))


@pytest.mark.parametrize(
    ("sql", "called"),
    [
        ("SELECT count(*) FROM t", {"count"}),
        ("SELECT Sleep (1)", {"sleep"}),
        ("SELECT sleep/* a /* no nesting */(1)", {"sleep"}),
        ("SELECT sleep -- (\n (1)", {"sleep"}),
        ("SELECT sleep # (\n (1)", {"sleep"}),
        ("SELECT 1 --(sleep(1))", {"sleep"}),
        ("SELECT 'sleep(1)', \"sleep(1)\", 'it''s sleep(1)', 'it\\'s sleep(1)', `sleep(1)`", set()),
        ("SELECT 'a\\\\', sleep(1), 'b'", {"sleep"}),
        ("SELECT x'41', _utf8'a', n'b', sleep(1)", {"sleep"}),
        ("SELECT 1sleep(1), a$b(1), \u00e9(1)", {"1sleep", "a$b", "\u00e9"}),
        ("SELECT sleep\u00a0(1)", {"sleep\u00a0"}),
        ("WITH t (a, b) AS (SELECT 1, 2) SELECT * FROM t", set()),
        ("WITH RECURSIVE t(a) AS (SELECT f(1)) SELECT * FROM t", {"f"}),
        ("SELECT * FROM (SELECT 1) AS t (a), (SELECT 2) u (b)", {"from"}),
        ("SELECT CAST(1 AS DECIMAL(10, 2))", {"cast"}),
        ("SELECT f(g(h(1)))", {"f", "g", "h"}),
        ("", set()),
    ],
)
def test_it_sees_every_call_and_no_call_in_strings_or_comments(sql: str, called: set[str]) -> None:
    assert named(sql).called == called
    assert not named(sql).called_quoted


def test_quoted_and_qualified_calls_stand_apart() -> None:
    assert named("SELECT `sleep`(1), x.now(), `a`.`b` ()").called_quoted == {"sleep", "x.now", "a.b"}


@pytest.mark.parametrize(
    ("sql", "sql_mode", "called"),
    [
        ('SELECT "a", sleep(1), "b"', "ANSI_QUOTES", {"sleep"}),
        ('SELECT "a\\", sleep(1), "b"', "ANSI_QUOTES", {"sleep"}),
        ('SELECT "a\\", sleep(1), "b"', "", set()),
        ("SELECT 'a\\', sleep(1), 'b'", "STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES", {"sleep"}),
        ("SELECT 'a\\', sleep(1), 'b'", "STRICT_ALL_TABLES", set()),
    ],
)
def test_strings_end_where_the_servers_mode_ends_them(sql: str, sql_mode: str, called: set[str]) -> None:
    assert named(sql, sql_mode).called == called


def test_double_quotes_are_names_where_the_server_says_so() -> None:
    assert named('SELECT "sleep"(1)', "ANSI_QUOTES").called_quoted == {"sleep"}
    assert named('SELECT * FROM "mysql"."user"', "ANSI_QUOTES").relations == {("mysql", "user")}


@pytest.mark.parametrize(
    ("sql", "relations"),
    [
        ("SELECT * FROM t", {(None, "t")}),
        ("SELECT * FROM .t", {(None, "t")}),
        ("SELECT a.b, c.d FROM `x` . `y z` AS c", {("x", "y z")}),
        (
            "SELECT * FROM a, x.b, (c JOIN x.d ON c.i = d.i, x.e)",
            {*((None, n) for n in "ac"), *(("x", n) for n in "bde")},
        ),
        (
            "SELECT * FROM a LEFT JOIN x.b USING (i) WHERE a.c IN (SELECT y.d FROM y)",
            {(None, "a"), ("x", "b"), (None, "y")},
        ),
        ("SELECT extract(YEAR FROM o.day), trim(LEADING 'x' FROM o.name) FROM o", {(None, "o")}),
        ("SELECT * FROM a GROUP BY x.b, x.c ORDER BY x.d, x.e LIMIT 1, 2", {(None, "a")}),
        ("SELECT 1 UNION SELECT * FROM x.b UNION (SELECT 2 FROM x.c)", {("x", "b"), ("x", "c")}),
        ("WITH q AS (SELECT 1 FROM x.a) SELECT * FROM q, x.b", {("x", "a"), (None, "q"), ("x", "b")}),
        ("SELECT * FROM JSON_TABLE(d.x, '$' COLUMNS (a INT PATH '$')) AS j, x.b", {("x", "b")}),
        ("SELECT STRAIGHT_JOIN a.b, a.c FROM a STRAIGHT_JOIN x.d", {(None, "a"), ("x", "d")}),
        ("TABLE x.t", {("x", "t")}),
        ("SELECT * FROM window.t, lateral.u", {("window", "t"), ("lateral", "u")}),
        (
            "SELECT * FROM a USE INDEX (i, j), x.b FORCE INDEX FOR JOIN (k)",
            {(None, "a"), ("x", "b"), (None, "k")},
        ),
        ("SELECT (SELECT 1 FROM x.a), b.c FROM b", {("x", "a"), (None, "b")}),
    ],
)
def test_it_sees_what_stands_where_a_table_can(sql: str, relations: set[tuple[str | None, str]]) -> None:
    assert named(sql).relations == relations


@pytest.mark.parametrize("sql", ["SELECT 1 /*! + 1 */", "SELECT 1 /*M!100000 + 1 */", "SELECT /*+ X() */ 1"])
def test_comments_that_run_are_seen(sql: str) -> None:
    assert named(sql).live


def test_comments_that_do_not_run_are_no_matter() -> None:
    assert not named("SELECT '/*!', `/*!`, 1 /* /*! */ -- /*!\n# /*+").live
