"""Whatever a model writes: no check breaks down over it. `make fuzz` looks for longer."""

import time

import pytest
from fuzz.measure import work
from fuzz.phrases import DDL, DIALECTS, Decisions, phrase
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.sql.assess import judge, judged
from farm.sql.outline import read_outline
from farm.sql.schema import Schema

SCHEMAS = {dialect: Schema.from_ddl(DDL, dialect) for dialect in DIALECTS}
_TOO_MANY = "too_many_columns"
WIDE = "CREATE TABLE wide (" + ", ".join(f"column_{at} integer" for at in range(1_500)) + ")"


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(data=st.binary(max_size=80), dialect=st.sampled_from(DIALECTS), is_answer=st.booleans())
def test_any_text_gets_a_verdict(data, dialect, is_answer):
    work(phrase(Decisions(data)), SCHEMAS[dialect], is_answer=is_answer)


@pytest.mark.parametrize(
    ("dialect", "sql", "code"),
    [
        ("postgres", "SELECT id FROM SELECT id FROM customers", "syntax_error"),
        ("mysql", "SELECT id FROM customers JOIN SELECT id FROM orders", "syntax_error"),
        ("duckdb", "SELECT 1 FROM ARRAY[1, 2]", "syntax_error"),
        ("sqlite", "->>", "syntax_error"),
        ("sqlite", "->> 1 count", "syntax_error"),
        ("duckdb", "SELECT * FROM (VALUES (1)) AS v (x), LATERAL (SELECT x) AS w ('a', x)", "column_list"),
    ],
)
def test_what_once_broke_a_check_is_judged(dialect, sql, code):
    error = judge(sql, SCHEMAS[dialect]).first_error
    assert error is not None
    assert error.code == code


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "link",
    [
        "::t",
        " = 1",
        " = total",
        " IN total",
        " IN (1)",
        " LIKE 'a'",
        " BETWEEN 1 AND 2",
        " COLLATE a",
        " -> 'a'",
    ],
)
@pytest.mark.parametrize(
    "start", ["SELECT total", "SELECT id FROM orders WHERE total", "SELECT id FROM orders ORDER BY total"]
)
def test_a_long_chain_of_anything_is_judged_at_once(dialect, start, link):
    sql = start + link * min(2_000, (19_000 - len(start)) // len(link))
    started = time.process_time()
    verdict = judged(sql, SCHEMAS[dialect]).verdict
    assert time.process_time() - started < 1.5
    assert "could_not_check" not in {finding.code for finding in verdict.findings}


def test_a_long_chain_of_members_of_queries_is_refused_before_it_is_parsed():
    exists = "EXISTS (SELECT 1 FROM orders)"
    started = time.process_time()
    verdict = judge("SELECT " + " . ".join([exists] * 600), SCHEMAS["postgres"])
    assert time.process_time() - started < 1.5
    assert [finding.code for finding in verdict.objections] == ["too_deep"]


@pytest.mark.parametrize(
    ("dialect", "link"),
    [
        ("mysql", " . 'a' 'b'"),
        ("mysql", " -> if(total, 1, 2)"),
        ("sqlite", " #> cast(total AS text)"),
        ("duckdb", " ? sum(total)"),
        ("duckdb", "::int . f(1)"),
        ("postgres", " . sum(total) OVER w"),
        ("postgres", " . and . f(1)"),
    ],
)
def test_a_chain_that_the_parser_copies_at_each_link_is_refused_before_it_is_parsed(dialect, link):
    verdict = judge("SELECT total" + link * 490, SCHEMAS[dialect])
    assert [finding.code for finding in verdict.objections] == ["too_deep"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_pipes_are_no_sql_and_are_refused_before_the_parser_copies_for_each(dialect):
    verdict = judge("FROM orders " + "|> SELECT id " * 1_000, SCHEMAS[dialect])
    assert [finding.code for finding in verdict.objections] == ["syntax_error"]
    assert "|>" in verdict.objections[0].message


def test_many_short_chains_are_no_long_one():
    calls = ", ".join(["o.total.f(1).g(2)"] * 300)
    assert "too_deep" not in {
        f.code for f in judge(f"SELECT {calls} FROM orders o", SCHEMAS["duckdb"]).findings
    }


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (" UNION ALL ".join(["SELECT * FROM wide"] * 400), _TOO_MANY),
        ("SELECT * FROM wide a" + "".join(f" NATURAL JOIN wide a{at}" for at in range(300)), _TOO_MANY),
        ("SELECT " + ", ".join(f"c{at}" for at in range(2_000)) + " FROM wide", "unknown_column"),
        ("SELECT 1 FROM " + ", ".join(f"t{at}" for at in range(2_000)), "unknown_table"),
    ],
)
def test_a_wide_table_is_judged_at_once_however_often_it_is_named(sql, code):
    schema = Schema.from_ddl(WIDE, "postgres")
    started = time.process_time()
    found = judged(sql, schema)
    assert time.process_time() - started < 1.5
    assert (found.verdict.first_error.code if found.verdict.first_error else None) == code
    assert len(found.verdict.findings) <= 20


@pytest.mark.parametrize(
    "hostile",
    [
        "CREATE VIEW v AS SELECT 1 FROM " + "(" * 20_000 + "t" + ")" * 20_000,
        "CREATE VIEW v AS " + "SELECT * FROM (" * 10_000 + "SELECT 1" + ") a" * 10_000,
        "CREATE VIEW v AS SELECT x" + " . f(1)" * 3_000,
        "CREATE VIEW v AS FROM t " + "|> SELECT id " * 1_500,
        "ALTER TABLE t " + "ADD FOREIGN KEY (id), " * 4_000 + "ADD c integer",
        "\nCOPY t FROM stdin;" * 20_000,
    ],
    ids=lambda hostile: hostile[:30],
)
def test_a_hostile_schema_is_read_at_once(hostile):
    started = time.process_time()
    outline = read_outline(f"CREATE TABLE t (id integer); {hostile};", "postgres")
    assert time.process_time() - started < 5  # half a second, and what collecting a test run's garbage takes
    assert outline.tables[0].label == "t"
