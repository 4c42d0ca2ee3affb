"""No input reaches the parser that could keep it busy or crash it."""

import time

import pytest

from farm.sql.checks import check
from farm.sql.checks.bounds import LENGTH_LIMIT_CHARS, NESTING_LIMIT
from farm.sql.schema import Schema

SHOP = "CREATE TABLE orders (id INTEGER PRIMARY KEY, total NUMERIC(10, 2))"
ALIASES = "SELECT id AS a0, " + ", ".join(f"a{i} + a{i} AS a{i + 1}" for i in range(40)) + " FROM orders"
STARS = (
    "WITH a0 AS (SELECT * FROM orders), "
    + ", ".join(f"a{i + 1} AS (SELECT p.*, q.* FROM a{i} p, a{i} q)" for i in range(30))
    + " SELECT * FROM a30"
)
GROUPED = (
    "SELECT id AS a0, "
    + ", ".join(f"a{i} + a{i} AS a{i + 1}" for i in range(40))
    + " FROM orders GROUP BY a40, id ORDER BY a40"
)
CHAIN = (
    "WITH a0 AS (SELECT id FROM orders), "
    + ", ".join(f"a{i + 1} AS (SELECT id + 1 AS id FROM a{i})" for i in range(250))
    + " SELECT id FROM a250"
)
HOSTILE = {
    "nested parentheses": "SELECT " + "(" * 10_000 + "1" + ")" * 10_000,
    "unclosed parentheses after FROM": "SELECT * FROM " + "(" * 16_000,
    "short but nested": "SELECT " + "(" * 60 + "1" + ")" * 60,
    "nested subqueries": "SELECT * FROM " + "(SELECT * FROM " * 1_000 + "orders" + ")" * 1_000,
    "nested CASE": "SELECT " + "CASE WHEN " * 500 + "1" + " END" * 500,
    "many NOTs": "SELECT " + "NOT " * 3_000 + "1",
    "many signs": "SELECT " + "- " * 3_000 + "1",
    "many ANDs": "SELECT 1 FROM orders WHERE " + " AND ".join("id > 1" for _ in range(900)),
    "many UNIONs": " UNION ".join("SELECT 1" for _ in range(900)),
    "many subscripts": "SELECT a" + "[1]" * 1_600,
    "a long literal": "SELECT '" + "x" * 1_000_000 + "'",
    "repeated keywords": "SELECT * FROM " + "LATERAL " * 1_500 + "x",
}


@pytest.mark.parametrize("sql", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_inputs_are_refused_at_once(sql, shop):
    started = time.process_time()
    assert check(sql, shop)[0].code in {"too_long", "too_deep", "syntax_error"}
    assert time.process_time() - started < 1


@pytest.mark.parametrize("dialect", ["sqlite", "postgres", "mysql", "duckdb"])
@pytest.mark.parametrize(
    "sql", [ALIASES, STARS, GROUPED, CHAIN], ids=["aliases", "stars", "grouped", "chain"]
)
def test_what_doubles_with_every_step_is_read_once(sql, dialect):
    shop = Schema.from_ddl(SHOP, dialect)
    started = time.thread_time()
    findings = check(sql, shop)
    assert time.thread_time() - started < 1
    assert "could_not_check" not in {finding.code for finding in findings}


def test_a_schema_of_a_thousand_tables_does_not_slow_a_check_down():
    tables = [f"CREATE TABLE t{i} ({', '.join(f'c{j} integer' for j in range(20))});" for i in range(1_000)]
    query = "SELECT a.c1, count(*) FROM t0 a JOIN t9 b ON a.c1 = b.c2 WHERE a.c3 > 5 GROUP BY a.c1 ORDER BY 2"
    few, many = (Schema.from_ddl("".join(tables[:count]), "postgres") for count in (10, 1_000))
    assert check(query, many) == check(query, few) == ()
    assert _milliseconds(query, many) < 3 * _milliseconds(query, few) + 1


def _milliseconds(query, schema):
    """The best of several, so that a busy machine does not matter."""
    times = []
    for _ in range(20):
        started = time.thread_time()
        check(query, schema)
        times.append((time.thread_time() - started) * 1000)
    return min(times)


def test_a_query_at_the_bounds_still_passes(shop):
    depth = NESTING_LIMIT - 1
    assert check("SELECT " + "(" * depth + "1" + ")" * depth, shop) == ()
    assert check("SELECT 1 FROM orders WHERE " + " OR ".join(f"id = {i}" for i in range(400)), shop) == ()


def test_the_length_limit_is_said(shop):
    [finding] = check("SELECT " + "1" * LENGTH_LIMIT_CHARS, shop)
    assert f"{LENGTH_LIMIT_CHARS:,}" in finding.message


@pytest.mark.parametrize("char", ["\0", "\u200b", "\ufeff", "\u202e", "\x1b", "\r", "\ud800"])
def test_characters_that_engines_read_differently_are_refused(char, shop):
    [finding] = check(f"SELECT\n  1{char}", shop)
    assert (finding.code, finding.line, finding.column) == ("odd_character", 2, 4)


@pytest.mark.parametrize("sql", ["SELECT 1\r\nFROM orders", "SELECT\t'é ☕ 漢字'"])
def test_ordinary_white_space_and_letters_pass(sql, shop):
    assert check(sql, shop) == ()


def test_a_no_break_space_is_refused_between_words_and_kept_in_strings(shop):
    assert check("SELECT\u00a01", shop)[0].code == "odd_character"
    assert check("SELECT 'a\u00a0b'", shop) == ()


@pytest.mark.parametrize(
    "sql", ["SELECT {# 1 #} 2", "SELECT {{ x }}", "SELECT {fn now()}", "SELECT {% if %} 1"]
)
def test_templates_are_refused_and_braces_kept_in_strings(sql, shop):
    assert check(sql, shop)[0].code == "odd_character"
    assert check("SELECT '{\"a\": {}}' AS json", shop) == ()


@pytest.mark.parametrize("sql", ["", "   \n", "-- only a comment", ";;"])
def test_nothing_is_no_sql(sql, shop):
    assert check(sql, shop)[0].code == "no_sql"


@pytest.mark.parametrize(
    "sql", ["SELECT (1", "SELECT 1)", "SELECT 'a", "SELECT extract(year from created_at FROM orders"]
)
def test_what_is_opened_must_be_closed(sql, shop):
    assert check(sql, shop)[0].code == "syntax_error"
