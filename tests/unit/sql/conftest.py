"""A small shop, in both dialects."""

import pytest

from farm.sql.schema import Schema

SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT, created_at DATE);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers (id),
                     total NUMERIC(10, 2), status TEXT, created_at DATE);
CREATE TABLE items (order_id INTEGER, product TEXT, quantity INTEGER, price NUMERIC(10, 2));
CREATE VIEW paid AS SELECT id, customer_id, total FROM orders WHERE status = 'paid';
"""


@pytest.fixture(scope="session")
def sqlite_shop():
    return Schema.from_ddl(SHOP, "sqlite")


@pytest.fixture(scope="session")
def postgres_shop():
    return Schema.from_ddl(SHOP, "postgres")


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request):
    return request.getfixturevalue(f"{request.param}_shop")
