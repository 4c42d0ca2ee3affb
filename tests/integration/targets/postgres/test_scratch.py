from collections.abc import Iterator

import psycopg
import pytest

from farm.errors import TargetTrouble
from farm.targets.engine import open_engine
from farm.targets.postgres.scratch import ScratchEngine
from farm.targets.target import Target

DDL = """
    CREATE INDEX by_customer ON orders (customer_id);
    CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers);
    CREATE TABLE customers (id int PRIMARY KEY, name text);
"""
DUMP = r"""
\restrict abc
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.customers (id integer NOT NULL, name text);
ALTER TABLE public.customers OWNER TO nobody_here;
COPY public.customers (id, name) FROM stdin;
1	Ann; DROP TABLE public.customers;
\.
ALTER TABLE ONLY public.customers ADD CONSTRAINT customers_pkey PRIMARY KEY (id);
GRANT ALL ON TABLE public.customers TO nobody_here;
\unrestrict abc
"""


def left(url: str) -> set[str]:
    """Throw-away databases and schemas that are there."""
    with psycopg.connect(url) as connection:
        names = "SELECT datname FROM pg_database UNION ALL SELECT nspname FROM pg_namespace"
        return {name for (name,) in connection.execute(names) if name.startswith("farm_scratch_")}


@pytest.fixture
def weak_url(postgres_url: str, postgres_database: str) -> Iterator[str]:
    """As a role that may make schemas, but no databases."""
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS farm_test_weak; CREATE ROLE farm_test_weak LOGIN")
        connection.execute(f"GRANT CREATE ON DATABASE {connection.info.dbname} TO farm_test_weak".encode())
    yield postgres_database.replace("postgres@", "farm_test_weak@")
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("DROP OWNED BY farm_test_weak; DROP ROLE farm_test_weak")


def test_a_schema_without_a_database_is_checked_and_leaves_nothing(postgres_url: str) -> None:
    target = Target(name="shop", dialect="postgres", ddl=DDL)
    engine = open_engine(target, purpose="check", scratch_postgres_url=postgres_url)
    assert engine is not None
    assert engine.prepare("SELECT name FROM customers JOIN orders ON customer_id = customers.id") is None
    assert engine.prepare("SELECT nam FROM customers") is not None
    engine.close()
    assert not left(postgres_url)


def test_without_the_right_to_make_databases_a_schema_has_to_do(weak_url: str) -> None:
    engine = ScratchEngine(weak_url, DDL, target_name="shop")
    assert engine.prepare("SELECT name FROM customers JOIN orders ON customer_id = customers.id") is None
    assert engine.prepare("SELECT nam FROM customers") is not None
    engine.close()
    assert not left(weak_url)


def test_two_at_a_time_do_not_meet(postgres_url: str) -> None:
    one = ScratchEngine(postgres_url, "CREATE TABLE sales.t (a int)", target_name="shop")
    two = ScratchEngine(postgres_url, "CREATE TABLE sales.t (b int)", target_name="shop")
    assert [one.prepare("SELECT a FROM sales.t"), two.prepare("SELECT b FROM sales.t")] == [None, None]
    assert one.prepare("SELECT b FROM sales.t") is not None
    one.close()
    two.close()


def test_a_dump_loads_without_its_data_owners_and_settings(postgres_url: str) -> None:
    engine = ScratchEngine(postgres_url, DUMP, target_name="shop")
    assert engine.prepare("SELECT id, name FROM customers") is None
    engine.close()


def test_a_broken_statement_is_quoted_and_nothing_is_left(postgres_url: str) -> None:
    says = r"'shop'.*type \"txt\" does not exist.*CREATE TABLE u.*farm target add"
    with pytest.raises(TargetTrouble, match=says):
        ScratchEngine(postgres_url, "CREATE TABLE t (a int); CREATE TABLE u (a txt)", target_name="shop")
    assert not left(postgres_url)


def test_what_a_killed_process_left_behind_is_dropped_and_what_is_in_use_is_not(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE farm_scratch_1000000000_00000001")
    in_use = ScratchEngine(postgres_url, DDL, target_name="shop")
    ScratchEngine(postgres_url, DDL, target_name="shop").close()
    assert len(left(postgres_url)) == 1
    assert in_use.prepare("SELECT 1 FROM orders") is None
    in_use.close()
