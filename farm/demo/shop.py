"""The demonstration shop: a seeded e-commerce database, eleven related tables over the years 2023 to 2025."""

import os
import sqlite3
import tempfile
from collections.abc import Iterable
from contextlib import closing
from importlib import resources
from pathlib import Path
from random import Random

from farm.demo.shop_aftermath import order_items, payments, returns, reviews, shipments
from farm.demo.shop_catalogue import categories, products, suppliers
from farm.demo.shop_people import addresses, customers
from farm.demo.shop_sales import buyers, orders

SEED = 20_250_101

Row = tuple[object, ...]


def ddl() -> str:
    """The schema as CREATE statements, with comments on coded values."""
    return (resources.files("farm.demo") / "shop.sql").read_text(encoding="utf-8")


def notes() -> str:
    """The shop's glossary: what its terms mean in its tables."""
    return (resources.files("farm.demo") / "shop_notes.txt").read_text(encoding="utf-8")


def build(path: Path, *, seed: int = SEED) -> None:
    """Write the database to `path`, replacing what is there; equal seeds give equal content.

    It is built beside `path` and moved there when complete. Raises OSError when the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=path.name + ".", suffix=".new", dir=path.parent)
    os.close(handle)
    unfinished = Path(name)
    try:
        _fill(unfinished, tables(Random(seed)))
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def tables(random: Random) -> dict[str, list[Row]]:
    """The rows of every table, parents before children."""
    places, people, makers = addresses(random), customers(random), suppliers(random)
    goods = products(random, len(makers))
    sold = list(orders(random, buyers(random, people, places), goods))
    items = list(order_items(sold))
    return {
        "categories": categories(),
        "suppliers": makers,
        "products": goods,
        "customers": people,
        "addresses": places,
        "orders": [order.row() for order in sold],
        "order_items": items,
        "payments": list(payments(random, sold)),
        "shipments": list(shipments(random, sold)),
        "returns": list(returns(random, sold, items)),
        "reviews": list(reviews(random, sold)),
    }


def _fill(path: Path, contents: dict[str, list[Row]]) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON;"
        )
        connection.executescript(ddl())
        with connection:
            for table, rows in contents.items():
                _insert(connection, table, rows)
        connection.executescript("PRAGMA synchronous = FULL; VACUUM;")


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    rows = list(rows)
    marks = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - names of our own schema
