import re

import psycopg
import pytest

from farm.targets.postgres.engine import PostgresEngine
from farm.targets.postgres.scratch import ScratchEngine

SCHEMA = """
    CREATE SCHEMA sales;
    CREATE TYPE mood AS ENUM ('ok', 'it''s bad');
    CREATE DOMAIN sales.amount AS numeric(10, 2) CHECK (VALUE >= 0);
    CREATE TABLE sales.orders (
        id bigserial PRIMARY KEY, customer_id int NOT NULL, total sales.amount DEFAULT 0,
        parent bigint REFERENCES sales.orders, twice numeric GENERATED ALWAYS AS (total * 2) STORED,
        at timestamptz DEFAULT now(), CHECK (customer_id > 0)
    );
    CREATE TABLE customers (
        id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, mood mood, "Odd" int[]
    );
    ALTER TABLE sales.orders ADD FOREIGN KEY (customer_id) REFERENCES customers;
    COMMENT ON TABLE customers IS 'People who buy';
    COMMENT ON COLUMN customers.mood IS E'How they\\nfelt';
    CREATE TABLE a (id int PRIMARY KEY, b int);
    CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
    ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
    CREATE TABLE logged (id int, day date) PARTITION BY RANGE (day);
    CREATE TABLE logged_2025 PARTITION OF logged FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE TABLE code (a int, b int); CREATE UNIQUE INDEX ON code (b, a);
    CREATE TABLE uses_code (x int, y int, FOREIGN KEY (x, y) REFERENCES code (b, a));
    CREATE VIEW big AS SELECT id, total FROM sales.orders WHERE total > 10;
    CREATE MATERIALIZED VIEW moods AS SELECT mood, count(*) AS n FROM customers GROUP BY mood;
"""


@pytest.fixture
def url(postgres_database: str) -> str:
    with psycopg.connect(postgres_database) as connection:
        connection.execute(SCHEMA.encode())
    return postgres_database


def introspected(url: str) -> str:
    engine = PostgresEngine(url, target_name="shop")
    try:
        return engine.introspect()
    finally:
        engine.close()


def test_the_schema_reads_as_a_person_would_write_it(url: str) -> None:
    ddl = introspected(url)
    assert ddl.startswith(
        "CREATE SCHEMA IF NOT EXISTS sales;\n\nCREATE TYPE mood AS ENUM ('ok', 'it''s bad');\n"
    )
    assert (
        "-- People who buy\n"
        "CREATE TABLE customers (\n"
        "    id integer NOT NULL,\n"
        "    email text,\n"
        "    mood mood,  -- How they felt\n"
        '    "Odd" integer[],\n'
        "    PRIMARY KEY (id),\n"
        "    UNIQUE (email)\n"
        ");\n"
    ) in ddl
    assert ddl.index("CREATE TABLE customers") < ddl.index("CREATE TABLE sales.orders")
    assert "    FOREIGN KEY (customer_id) REFERENCES customers(id)" in ddl
    assert "CREATE VIEW big AS\nSELECT id,\n    total\n   FROM sales.orders" in ddl
    assert "logged_2025" not in ddl
    assert "nextval" not in ddl


def substance(ddl: str) -> list[str]:
    """Its lines in order, without remarks and without the keys of a cycle, of which either may come first."""
    lines = (line.partition("  --")[0].rstrip(",") for line in ddl.splitlines())
    return sorted(line for line in lines if not re.search("^$|^--|REFERENCES [ab]\\(", line))


def test_it_loads_into_an_empty_database_and_reads_the_same_again(url: str, postgres_url: str) -> None:
    ddl = introspected(url)
    scratch = ScratchEngine(postgres_url, ddl, target_name="shop")
    try:
        assert substance(scratch.introspect()) == substance(ddl)
    finally:
        scratch.close()


def test_what_the_reader_may_not_see_is_left_out(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS farm_test_reader; CREATE ROLE farm_test_reader LOGIN")
        connection.execute(
            "GRANT SELECT ON b TO farm_test_reader; GRANT SELECT (id) ON a TO farm_test_reader"
        )
    try:
        ddl = introspected(url.replace("postgres@", "farm_test_reader@"))
        assert "CREATE TABLE b (" in ddl
        assert "CREATE TABLE a (\n    id integer NOT NULL,\n" in ddl
        assert "customers" not in ddl
        assert "sales" not in ddl
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP OWNED BY farm_test_reader; DROP ROLE farm_test_reader")
