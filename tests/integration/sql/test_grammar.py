"""Postgres itself prepares whatever a grammar admits."""

import random

import psycopg
from support.postgres import fresh_database
from support.sentences import sentence

from farm.sql.checks import check
from farm.sql.grammar import Key, grammar_of
from farm.sql.schema import Schema
from farm.sql.verdict import Severity

DDL = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city VARCHAR(40), vip BOOLEAN, born DATE,
                        doc JSON);
CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id INTEGER REFERENCES customers (id),
                     total NUMERIC(10, 2), weight REAL, status TEXT, placed_at TIMESTAMPTZ, tags TEXT[]);
CREATE TABLE "Order Items" ("order" BIGINT REFERENCES orders (id), quantity INTEGER, "Unit" TEXT,
                            took INTERVAL);
"""
KEYS = (Key("orders", "customer_id", "customers", "id"), Key("Order Items", "order", "orders", "id"))
SENTENCES = 1_000


def test_postgres_and_the_checks_accept_every_sentence(postgres_url):
    schema = Schema.from_ddl(DDL, "postgres")
    grammar = grammar_of(schema, KEYS)
    rng = random.Random(3)
    with fresh_database(postgres_url) as url, psycopg.connect(url, autocommit=True) as engine:
        engine.execute(DDL)
        for _ in range(SENTENCES):
            sql = sentence(grammar.rules, rng)
            assert [f.message for f in check(sql, schema) if f.severity is Severity.ERROR] == [], sql
            engine.execute(f"PREPARE p AS {sql}".encode())
            engine.execute("DEALLOCATE p")
