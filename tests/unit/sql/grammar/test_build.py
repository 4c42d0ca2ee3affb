"""Everything that a grammar admits is valid: for the checks, and for SQLite and Postgres themselves."""

import random
import sqlite3

import pytest
from support.sentences import sentence

from farm.sql.checks import check
from farm.sql.grammar import Key, grammar_of
from farm.sql.schema import Schema
from farm.sql.verdict import Severity

DDL = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT, vip BOOLEAN, born DATE);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id),
                     total NUMERIC(10, 2), weight REAL, status TEXT, placed_on DATE, created_at TIMESTAMP);
CREATE TABLE order_items (order_id INTEGER, product_id INTEGER, quantity INTEGER, "unit price" NUMERIC(8, 2));
CREATE TABLE products (id INTEGER PRIMARY KEY, "Name" TEXT, "order" INTEGER, "select" TEXT);
"""
KEYS = (
    Key("orders", "customer_id", "customers", "id"),
    Key("order_items", "order_id", "orders", "id"),
    Key("order_items", "product_id", "products", "id"),
)
ONLY_POSTGRES = (
    "CREATE TABLE odd (id UUID, doc JSONB, tags TEXT[], spent INTERVAL, at TIME, cash MONEY, n BIGINT);"
)
SENTENCES = 1_000


def sentences(schema, count, seed=1):
    grammar = grammar_of(schema, KEYS)
    rng = random.Random(seed)
    return [sentence(grammar.rules, rng) for _ in range(count)]


@pytest.fixture(scope="module")
def many():
    return sentences(Schema.from_ddl(DDL, "postgres"), 4_000)


def errors(sql, schema):
    return [f.message for f in check(sql, schema) if f.severity is Severity.ERROR]


def test_sqlite_and_the_checks_accept_every_sentence():
    schema = Schema.from_ddl(DDL, "sqlite")
    with sqlite3.connect(":memory:") as engine:
        engine.executescript(DDL)
        for sql in sentences(schema, SENTENCES):
            assert errors(sql, schema) == [], sql
            engine.execute("EXPLAIN " + sql).close()
    engine.close()


@pytest.mark.parametrize("dialect", ["mysql", "duckdb"])
def test_the_checks_accept_every_sentence(dialect):
    schema = Schema.from_ddl(DDL.replace('"', "`") if dialect == "mysql" else DDL, dialect)
    for sql in sentences(schema, 300):
        assert errors(sql, schema) == [], sql


def test_columns_that_compare_with_nothing_are_only_shown():
    schema = Schema.from_ddl(DDL + ONLY_POSTGRES, "postgres")
    grammar = grammar_of(schema, tables=["odd"])
    rng = random.Random(2)
    found = [sentence(grammar.rules, rng) for _ in range(300)]
    assert any("doc" in sql for sql in found)
    assert [sql for sql in found if errors(sql, schema)] == []


@pytest.mark.parametrize(
    "part",
    [
        "ON o.customer_id = c.id",
        "ON customers.id = orders.customer_id",
        "LEFT JOIN",
        "GROUP BY 1, 2",
        "HAVING COUNT(",
        "EXTRACT(YEAR FROM",
        "SUM(CASE WHEN",
        " IN (SELECT customer_id FROM orders",
        " > (SELECT AVG(total) FROM orders)",
        '"unit price"',
        '"order"',
        "c.name",
        "orders.total",
    ],
)
def test_a_grammar_knows_joins_aliases_groups_dates_and_subqueries(part, many):
    assert any(part in sql for sql in many)


def test_where_no_key_is_declared_like_names_join():
    schema = Schema.from_ddl(DDL, "sqlite")
    found = grammar_of(schema, ()).gbnf()
    assert "orders.customer_id = customers.id" in found
    assert "customers.id = orders.id" not in found
    assert "order_items.product_id = products.id" in found


def test_a_schema_that_is_too_large_gives_a_grammar_of_chosen_tables_or_none():
    ddl = "".join(
        f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, " + ", ".join(f"c{k} TEXT" for k in range(30)) + ");\n"
        for n in range(1_000)
    )
    schema = Schema.from_ddl(ddl, "sqlite")
    assert grammar_of(schema) is None
    small = grammar_of(schema, tables=["t1", "T2"])
    assert small is not None
    assert small.tables == ("t1", "t2")
    assert len(small.gbnf()) < 120_000
    assert grammar_of(schema, tables=["unknown"]) is None


def test_more_joins_than_fit_are_left_out_the_largest_first():
    ddl = "".join(
        f"CREATE TABLE t{n} (t{n}_id INTEGER PRIMARY KEY, t{n - 1}_id INTEGER, "
        + ", ".join(f"column_{n}_{k} TEXT" for k in range(12))
        + ");\n"
        for n in range(8)
    )
    grammar = grammar_of(Schema.from_ddl(ddl, "sqlite"))
    assert grammar is not None
    assert len(grammar.gbnf()) <= 120_000
    assert "FROM" in grammar.gbnf()
