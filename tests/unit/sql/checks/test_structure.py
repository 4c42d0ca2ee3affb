"""Shapes that the parser lets pass and no engine does."""

import pytest

from farm.sql.checks import check
from farm.sql.verdict import Severity


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT", "no_columns"),
        ("SELECT FROM orders", "no_columns"),
        ("SELECT id FROM orders GROUP BY id HAVING COUNT(*) > 1 WHERE id > 1", "clause_order"),
        ("SELECT id FROM orders WHERE id > 1 JOIN items ON true", "clause_order"),
        ("SELECT id FROM orders LIMIT 1 ORDER BY id", "clause_order"),
        ("SELECT id FROM orders ORDER BY id UNION SELECT id FROM orders", "clause_order"),
        ("SELECT id FROM orders GROUP BY", "empty_clause"),
        ("SELECT id FROM orders GROUP BY ORDER BY id", "empty_clause"),
        ("SELECT id, FROM orders", "empty_clause"),
        ("SELECT id FROM orders JOIN items ON", "empty_clause"),
        ("SELECT id FROM orders GROUP BY id,", "empty_clause"),
        ("SELECT order.id FROM order", "reserved_word"),
        ("SELECT id FROM orders GROUP", "reserved_word"),
        ("SELECT COUNT(id, total) FROM orders", "wrong_arguments"),
        ("SELECT id FROM orders WHERE SUM(total) > 1", "misplaced_aggregate"),
        ("SELECT MAX(COUNT(*)) FROM orders", "misplaced_aggregate"),
        ("SELECT id FROM orders JOIN items ON SUM(total) > 1", "misplaced_aggregate"),
        ("SELECT id FROM (SELECT id FROM orders WHERE COUNT(*) > 1) s", "misplaced_aggregate"),
        ("SELECT id FROM orders WHERE id = ?", "parameter"),
        ("SELECT id FROM orders WHERE status = :status", "parameter"),
        ("SELECT 1; SELECT 2", "several_statements"),
        ("SELECT id FROM orders WHERE (", "syntax_error"),
        ("SELEC id FROM orders", "syntax_error"),
        ("Here is the query: SELECT 1", "syntax_error"),
    ],
)
def test_wrong_shapes_are_found(sql, code, shop):
    assert check(sql, shop)[0].code == code


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM orders WHERE id IS NOT DISTINCT FROM 1",
        "SELECT id FROM orders WHERE id IN (SELECT order_id FROM items ORDER BY price LIMIT 1)",
        "SELECT SUM(COUNT(*)) OVER () FROM orders GROUP BY status",
        "SELECT status FROM orders GROUP BY status HAVING SUM(total) > (SELECT AVG(total) FROM orders)",
        "SELECT SUM(t) FROM (SELECT COUNT(*) AS t FROM orders) s",
        "SELECT COUNT(DISTINCT id) FROM orders",
        "SELECT id FROM orders; -- done",
        "SELECT * FROM (SELECT id FROM orders ORDER BY id LIMIT 1) s UNION SELECT 2",
    ],
)
def test_right_shapes_pass(sql, shop):
    assert check(sql, shop) == ()


def test_postgres_takes_no_number_as_a_condition(postgres_shop, sqlite_shop):
    sql = "SELECT id FROM orders WHERE id > 1 AND 1"
    assert check(sql, postgres_shop)[0].code == "not_boolean"
    assert check(sql, sqlite_shop) == ()


def test_sqlite_takes_no_parentheses_in_a_union(postgres_shop, sqlite_shop):
    sql = "SELECT id FROM orders UNION (SELECT order_id FROM items)"
    assert check(sql, sqlite_shop)[0].code == "set_operation_parentheses"
    assert check(sql, postgres_shop) == ()


def test_scalar_max_is_no_aggregate_in_sqlite(sqlite_shop):
    assert check("SELECT MAX(MAX(id, 3)) FROM orders WHERE MIN(id, 2) > 1", sqlite_shop) == ()


def test_a_syntax_error_says_where(shop):
    [finding] = check("SELECT id\nFROM orders WHERE id = = 1", shop)
    assert (finding.line, finding.column) == (2, 24)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT",
        "SELECT FROM orders",
        "(SELECT FROM orders)",
        "SELECT UNION SELECT",
        "WITH a AS (SELECT 1) SELECT",
    ],
)
def test_postgres_takes_a_select_without_columns_which_is_no_report(sql, postgres_shop):
    [finding] = check(sql, postgres_shop)
    assert (finding.code, finding.severity) == ("no_columns", Severity.WARNING)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM orders WHERE EXISTS (SELECT FROM items)",
        "SELECT count(*) FROM (SELECT FROM orders) AS o",
    ],
)
def test_a_part_of_a_report_needs_no_columns_in_postgres(sql, postgres_shop, sqlite_shop):
    assert check(sql, postgres_shop) == ()
    assert check(sql, sqlite_shop)[0].severity is Severity.ERROR
