"""A farm with one report that runs: a small shop on SQLite or Postgres, and the query somebody asked for."""

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import select
from support.store import accepted, add, claim, finish

from farm.api import Farm
from farm.settings import Settings
from farm.store import migrate, revision
from farm.store.engine import Store
from farm.store.tables import QueryRow

DDL = "CREATE TABLE orders (id integer PRIMARY KEY, month text, country text, total numeric(10, 2))"
MONTHLY = "SELECT month, sum(total) AS revenue FROM orders WHERE country = 'DE' GROUP BY month ORDER BY month"
ROWS = [
    (place, f"2025-{1 + place % 12:02d}", "DE" if place % 2 else "FR", round(1.25 * place, 2))
    for place in range(1, 241)
]
INSERT = "INSERT INTO orders VALUES ({0}, {0}, {0}, {0})"


def make_sqlite(path: Path) -> str:
    """The shop as a file; returns its URL."""
    with sqlite3.connect(path) as connection:
        connection.execute(DDL)
        connection.executemany(INSERT.format("?"), ROWS)
    connection.close()
    return f"sqlite:///{path}"


def make_postgres(url: str) -> str:
    """The shop in an empty database; returns its URL."""
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(DDL)
        cursor.executemany(INSERT.format("%s").encode(), ROWS)
    return url


def opened(home: Path, store_url: str, shop_url: str, **settings: Any) -> Farm:
    """A farm that knows the shop."""
    with Store.open(store_url) as store:
        if revision.current(store) != revision.head():
            migrate.migrate(store)
    found = Farm.connect(Settings(home=home, database_url=store_url, **settings))
    found.add_target("shop", dialect="sqlite" if shop_url.startswith("sqlite") else "postgres", url=shop_url)
    return found


def report(farm: Farm, sql: str = MONTHLY, **values: Any) -> int:
    """An accepted query; returns its id."""
    (task_id,) = add(farm.store)
    claimed = claim(farm.store, [task_id])[task_id]
    dialect = farm.target("shop").dialect
    finish(farm.store, accepted(claimed, sql, dialect=dialect, **values))
    with farm.store.read() as connection:
        return connection.execute(select(QueryRow.id).where(QueryRow.task_id == task_id)).scalar_one()
