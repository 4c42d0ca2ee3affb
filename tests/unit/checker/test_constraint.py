"""A grammar is of the tables that the question and the failed query speak of."""

from farm.checker.constraint import grammar_for, tables_for
from farm.prompt.schema_text import read_schema
from farm.sql.schema import Schema
from farm.targets.target import Target

DDL = """
CREATE TABLE cities (city_id INTEGER PRIMARY KEY, city_name TEXT);
CREATE TABLE customers (customer_id INTEGER PRIMARY KEY, full_name TEXT,
                        city_id INTEGER REFERENCES cities (city_id));
CREATE TABLE orders (order_id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (customer_id));
CREATE TABLE order_items (order_id INTEGER REFERENCES orders (order_id), quantity INTEGER, price NUMERIC);
CREATE TABLE suppliers (supplier_id INTEGER PRIMARY KEY, label TEXT);
CREATE TABLE returns (return_id INTEGER PRIMARY KEY, reason TEXT);
"""
KNOWN = read_schema(DDL)


def test_the_tables_of_the_question_and_of_the_query_and_those_between():
    found = tables_for("Which cities order most?", "SELECT SUM(price) FROM order_items", "", KNOWN)
    assert set(found) == {"cities", "customers", "orders", "order_items"}


def test_the_table_that_has_a_column_which_was_sought_elsewhere():
    assert "returns" in tables_for("Why?", "SELECT o.reason FROM orders o", "", KNOWN)
    assert "returns" not in tables_for("Why?", "SELECT o.order_id FROM orders o", "", KNOWN)


def test_a_small_schema_is_taken_whole():
    known = read_schema("CREATE TABLE a (x INT); CREATE TABLE b (y INT);")
    assert tables_for("what?", "", "", known) == ["a", "b"]


def test_no_table_is_made_up():
    assert list(tables_for("what?", "SELECT 1", "", KNOWN)) == []
    target = Target(name="t", dialect="sqlite", ddl=DDL)
    assert grammar_for("what?", "SELECT 1", target, Schema.from_ddl(DDL, "sqlite")) is None


def test_the_grammar_joins_along_the_keys():
    target = Target(name="t", dialect="postgres", ddl=DDL)
    schema = Schema.from_ddl(DDL, "postgres")
    failed = "SELECT x FROM orders T1 JOIN customers AS t2 ON T1.customer_id = t2.id"
    grammar = grammar_for("Orders of each customer?", failed, target, schema)
    assert grammar is not None
    assert set(grammar.tables) == {"customers", "orders"}
    assert "orders.customer_id = customers.customer_id" in grammar.gbnf()
    # What the model calls them stays.
    assert "T1.customer_id = t2.customer_id" in grammar.gbnf()
