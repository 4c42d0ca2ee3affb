from dataclasses import replace
from typing import Any

import pytest

from farm.targets.postgres.policy import Policy

POLICY = Policy(
    functions=frozenset({"pg_sleep", "nextval", "current_setting", "own_volatile"}),
    selected=frozenset({"of_a_row"}),
    volatile=frozenset({"pg_sleep", "nextval", "own_volatile"}),
    mendable=frozenset({"own_volatile"}),
    operators=frozenset({"==="}),
    types=frozenset({"trap"}),
    relations=frozenset({"pg_authid"}),
    indirect=frozenset({"trap", "sly_view"}),
)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (
            "SELECT PG_SLEEP (1)",
            "function pg_sleep() is not allowed in a report: volatile",
        ),
        ('SELECT pg_catalog."nextval"(1)', "function nextval()"),
        ("SELECT current_setting('x')", "not among the functions known to do nothing but compute"),
        ("SELECT own_volatile()", "its owner can mark it STABLE if it only reads"),
        ("SELECT t.of_a_row FROM t", "function of_a_row()"),
        ('SELECT (t) . "of_a_row" FROM t', "function of_a_row()"),
        ("SELECT * FROM pg_catalog.pg_authid", "system table pg_authid"),
        ('TABLE "pg_authid"', "system table pg_authid"),
        ("SELECT 1 === 2", "operator ==="),
        ("SELECT 1 ====2", "operator ==="),
        ("SELECT 1::trap", "type trap"),
        ("SELECT 1 :: public . trap", "type trap"),
        ("SELECT 1\0", "NUL"),
        ("SELECT '\ud800'", "surrogate"),
        ('SELECT U&"pg\\005fsleep"(1)', "escapes"),
    ],
)
def test_what_a_text_may_not_name_is_refused_with_the_reason(sql: str, says: str) -> None:
    assert says in str(POLICY.refusal(sql))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 'pg_sleep(1)', $$ nextval('s') $$ -- pg_authid",
        "SELECT pg_sleep FROM t AS pg_sleep",
        "SELECT of_a_row FROM t",
        "SELECT a AS trap FROM t",
        "SELECT 1 == 2, 1 = 2",
        "SELECT lower(name), count(*) FROM t WHERE a IN (1, 2)",
    ],
)
def test_what_only_looks_like_it_passes(sql: str) -> None:
    assert POLICY.refusal(sql) is None


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("SELECT * FROM sly_view", True),
        ("SELECT CAST(a AS trap) FROM t", True),
        ("SELECT repeat('x', 1000000000)", False),
        ('SELECT U&"x"', True),
    ],
)
def test_the_whole_plan_is_looked_at_where_something_else_may_call(sql: str, wanted: bool) -> None:
    assert POLICY.wants_whole_plan(sql) is wanted


@pytest.mark.parametrize(
    ("node", "says"),
    [
        ({"Node Type": "Result", "Output": ["pg_sleep('1'::double precision)"]}, "calls pg_sleep()"),
        ({"Node Type": "Seq Scan", "Filter": "(public.own_volatile(a) > 0)"}, "calls own_volatile()"),
        ({"Node Type": "Function Scan", "Function Call": "nextval('s'::regclass)"}, "calls nextval()"),
        ({"Node Type": "Seq Scan", "Output": ["(a)::trap"]}, "type trap"),
        ({"Node Type": "Seq Scan", "Filter": "(a === b)"}, "operator ==="),
        ({"Node Type": "LockRows"}, "row lock"),
    ],
)
def test_what_a_plan_would_call_is_refused_wherever_it_stands(node: dict[str, Any], says: str) -> None:
    plan = [([{"Plan": {"Node Type": "Limit", "Plans": [{"Node Type": "Sort", "Plans": [node]}]}}],)]
    assert says in str(POLICY.plan_refusal(plan))


def test_labels_and_constants_of_a_plan_are_no_calls() -> None:
    node = {
        "Node Type": "Seq Scan",
        "Alias": "pg_sleep",
        "Filter": "(a = 'pg_sleep(1)'::text)",
        "Output": ["a"],
    }
    assert POLICY.plan_refusal([([{"Plan": node}],)]) is None


def test_an_empty_policy_refuses_nothing() -> None:
    nothing: frozenset[str] = frozenset()
    empty = replace(
        POLICY, functions=nothing, selected=nothing, operators=nothing, types=nothing, relations=nothing
    )
    assert empty.refusal("SELECT pg_sleep(1), t.of_a_row, 1 === 2, 1::trap FROM pg_authid") is None
