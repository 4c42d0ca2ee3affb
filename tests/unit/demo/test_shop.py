import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from farm.demo import shop


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    shop.build(path)
    return path


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def content(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()


def one(connection: sqlite3.Connection, sql: str) -> object:
    return connection.execute(sql).fetchone()[0]


def test_the_same_seed_gives_the_same_shop_and_another_a_different_one(path: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again.db", tmp_path / "other.db"
    shop.build(again)
    shop.build(other, seed=1)

    assert content(again) == content(path)
    assert content(other) != content(path)


def test_every_foreign_key_holds(connection: sqlite3.Connection) -> None:
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_eleven_tables_hold_tens_of_thousands_of_rows(connection: sqlite3.Connection) -> None:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {name: one(connection, f"SELECT COUNT(*) FROM {name}") for name in names}

    assert len(names) == 11
    assert min(rows.values()) > 10
    assert 40_000 < sum(rows.values()) < 100_000


def test_orders_run_over_three_years_and_never_before_their_customer(connection: sqlite3.Connection) -> None:
    years = connection.execute("SELECT DISTINCT strftime('%Y', order_date) FROM orders ORDER BY 1").fetchall()
    early = one(
        connection,
        "SELECT COUNT(*) FROM orders JOIN customers USING (customer_id) WHERE order_date < signup_date",
    )

    assert years == [("2023",), ("2024",), ("2025",)]
    assert early == 0


def test_totals_add_up(connection: sqlite3.Connection) -> None:
    wrong = one(
        connection,
        "SELECT COUNT(*) FROM orders LEFT JOIN "
        "(SELECT order_id, SUM(line_total) AS lines FROM order_items GROUP BY order_id) USING (order_id) "
        "WHERE lines IS NULL OR ABS(total_amount - lines) > 0.005",
    )

    assert wrong == 0


@pytest.mark.parametrize(
    "awkward",
    [
        "SELECT 1 FROM customers WHERE email IS NULL",
        "SELECT 1 FROM customers WHERE email <> LOWER(email)",
        "SELECT 1 FROM orders WHERE coupon_code = LOWER(coupon_code)",
        "SELECT 1 FROM orders WHERE status = 'cancelled'",
        "SELECT 1 FROM payments WHERE status = 'refunded'",
        "SELECT 1 FROM returns WHERE reason IS NULL",
        "SELECT 1 FROM shipments WHERE delivered_date IS NULL",
        "SELECT 1 FROM products WHERE product_id NOT IN (SELECT product_id FROM order_items)",
        "SELECT 1 FROM customers WHERE customer_id NOT IN (SELECT customer_id FROM orders)",
    ],
)
def test_it_is_as_awkward_as_real_shops(connection: sqlite3.Connection, awkward: str) -> None:
    assert connection.execute(awkward).fetchone()


def test_coded_values_are_those_the_comments_name(connection: sqlite3.Connection) -> None:
    for table, column in (("orders", "status"), ("orders", "channel"), ("payments", "method")):
        for (value,) in connection.execute(f"SELECT DISTINCT {column} FROM {table}"):
            assert f"'{value}'" in shop.ddl()


def test_the_schema_keeps_its_comments_inside_the_database(connection: sqlite3.Connection) -> None:
    stored = one(connection, "SELECT sql FROM sqlite_master WHERE name = 'orders'")

    assert "'cancelled'" in str(stored)


def test_a_failed_build_leaves_the_former_shop(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        shop.build(path / "below-a-file.db")
    assert [file.name for file in path.parent.iterdir()] == ["shop.db"]


def test_notes_are_a_glossary() -> None:
    assert "Revenue:" in shop.notes()
