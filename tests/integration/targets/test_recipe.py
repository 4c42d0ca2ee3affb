"""The role that docs/targets.md recommends: it can do all that the farm needs, and little else."""

from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from support.dangers import recipe

from farm import Farm
from farm.targets.postgres.engine import PostgresEngine

from .conftest import as_reader

SHOP = "CREATE TABLE orders (id int PRIMARY KEY, total numeric); INSERT INTO orders VALUES (1, 5), (2, 7);"


@pytest.fixture
def reader(postgres_database: str) -> str:
    """A shop's database where every block of the recipe was run."""
    with psycopg.connect(postgres_database, autocommit=True) as admin:
        admin.execute(SHOP.encode())
        admin.execute("CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        admin.execute("DROP ROLE IF EXISTS farm_reader")
        for block in recipe("sql"):
            admin.execute(block.replace("DATABASE shop", f"DATABASE {admin.info.dbname}").encode())
        admin.execute("CREATE TABLE later (a int)")
    return as_reader(postgres_database)


@pytest.fixture(autouse=True)
def clean(postgres_database: str, request: pytest.FixtureRequest):
    yield
    with psycopg.connect(postgres_database, autocommit=True) as admin:
        admin.execute("DROP OWNED BY farm_reader; DROP ROLE farm_reader")


def test_the_farm_works_with_it(reader: str, tmp_path: Path) -> None:
    with Farm.connect(home=tmp_path / "home") as farm:
        farm.add_target("shop", dialect="postgres", url=reader)
        assert "CREATE TABLE" in farm.target("shop").ddl
        assert "later" in farm.target("shop").ddl
    engine = PostgresEngine(reader, target_name="shop")
    sql = "SELECT date_trunc('month', now()) IS NOT NULL, sum(total) FROM orders"
    assert engine.prepare(sql) is None
    assert engine.run(sql, row_limit=5, timeout_seconds=10).rows[0][1] == 12
    engine.close()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO orders VALUES (3, 9)",
        "SET default_transaction_read_only = off; INSERT INTO orders VALUES (3, 9)",
        "SET default_transaction_read_only = off; CREATE TABLE u (a int)",
        "SET default_transaction_read_only = off; CREATE TEMP TABLE u (a int)",
        "SET temp_file_limit = -1",
        "SELECT pg_sleep(0)",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_notify('a', 'b')",
        "SELECT lo_create(0)",
        "SELECT query_to_xml('SELECT 1', true, true, '')",
        "SELECT own()",
        "SELECT pg_read_file('PG_VERSION')",
        "COPY orders TO PROGRAM 'true'",
        "SELECT * FROM pg_authid",
    ],
)
def test_by_itself_it_may_do_nothing_else(reader: str, sql: str) -> None:
    with (
        psycopg.connect(reader, autocommit=True) as connection,
        pytest.raises((errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)),
    ):
        connection.execute(sql.encode())


def test_its_settings_are_in_force(reader: str) -> None:
    with psycopg.connect(reader) as connection:
        for name, value in {
            "temp_file_limit": "1GB",
            "statement_timeout": "1min",
            "lock_timeout": "2s",
        }.items():
            assert connection.execute(f"SHOW {name}").fetchone() == (value,)
