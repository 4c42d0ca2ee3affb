"""Tables that no condition links are warned of, and nothing else is."""

import pytest

from farm.sql.checks import check
from farm.sql.verdict import Severity


@pytest.mark.parametrize(
    ("sql", "apart", "column"),
    [
        ("SELECT name, total FROM customers, orders", "orders", 36),
        ("SELECT name, total FROM customers CROSS JOIN orders", "orders", 46),
        ("SELECT name, total FROM customers JOIN orders ON 1 = 1", "orders", 40),
        ("SELECT name FROM customers, orders AS o WHERE name = 'Ann' AND total > 5", "o", 29),
        ("SELECT name FROM customers c, orders o, items i WHERE c.id = o.customer_id", "i", 41),
        ("SELECT name FROM customers c, orders o, items i WHERE o.id = i.order_id", "o", 31),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM customers, orders)", "orders", 49),
        ("SELECT 1 FROM orders a, orders b WHERE a.id = 1 AND b.id = 2", "b", 25),
    ],
)
def test_tables_that_nothing_links_are_warned_of(sql, apart, column, shop):
    [finding] = check(sql, shop)
    assert (finding.code, finding.severity, finding.column) == ("cross_join", Severity.WARNING, column)
    assert f"and {apart}:" in finding.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT name FROM customers, orders WHERE customers.id = customer_id",
        "SELECT name FROM customers, orders WHERE (customers.id = customer_id AND total > 1)",
        "SELECT name FROM customers, orders WHERE customers.id = customer_id OR total > 1",
        "SELECT name FROM customers c JOIN orders o ON c.created_at < o.created_at",
        "SELECT name FROM customers c JOIN orders o ON customer_id = c.id JOIN items ON order_id = o.id",
        "SELECT name FROM customers NATURAL JOIN orders",
        "SELECT product FROM orders JOIN (SELECT order_id AS id, product FROM items) i USING (id)",
        "SELECT total FROM orders JOIN paid USING (id, total, customer_id)",
        "SELECT total FROM orders, (SELECT avg(total) AS mean FROM orders) m",
        "WITH m AS (SELECT max(id) AS top FROM orders) SELECT total FROM orders, m",
        "SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders o, items i"
        " WHERE o.customer_id = c.id AND i.order_id = c.id)",
        "SELECT name FROM customers c, orders o WHERE o.id IN (SELECT i.order_id FROM items i"
        " WHERE i.product = c.name)",
        "SELECT c.name FROM customers c JOIN (SELECT customer_id AS k FROM orders) d ON d.k = c.id"
        " JOIN items i ON i.order_id = d.k",
    ],
)
def test_tables_that_are_linked_in_any_way_are_not(sql, shop):
    assert check(sql, shop) == ()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM orders o, LATERAL (SELECT 1 FROM items i WHERE i.order_id = o.id) x, customers c",
        "SELECT 1 FROM orders o CROSS JOIN generate_series(1, o.id) g JOIN customers c ON c.id = g",
    ],
)
def test_what_depends_on_what_precedes_it_is_left_alone(sql, postgres_shop):
    assert [finding.code for finding in check(sql, postgres_shop)] == []
