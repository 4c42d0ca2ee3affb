"""Whatever a model writes: no check breaks down over it. `make fuzz` looks for longer."""

import pytest
from fuzz.measure import work
from fuzz.phrases import DDL, DIALECTS, Decisions, phrase
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.sql.assess import judge
from farm.sql.schema import Schema

SCHEMAS = {dialect: Schema.from_ddl(DDL, dialect) for dialect in DIALECTS}


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
