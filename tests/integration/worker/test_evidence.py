"""Workers run what they accept where a target asks for it, and let the model mend what fails on the data."""

import sqlite3
import sys

import pytest
from support.store import SHOP
from support.yard import GOOD_SQL, Yard, wait_until

from farm.store import reports
from farm.targets import urls

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

FAILS = "SELECT json_extract('{' || total, '$') FROM orders"


@pytest.fixture
def shop(yard: Yard) -> Yard:
    """With a database behind the target."""
    file = yard.home / "shop.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(f"{SHOP.ddl}; INSERT INTO orders VALUES (1, 2.5), (2, 4.5)")
    connection.close()
    urls.remember(yard.home, SHOP.name, f"sqlite:///{file}")
    return yard


def verdicts(yard: Yard) -> list[tuple[str, list[str], object]]:
    """SQL, codes and sample of each candidate of the first task."""
    with yard.store.read() as connection:
        found = [pair for attempt in reports.attempts(connection, 1) for pair in attempt.candidates]
    return [
        (sql, [finding.code for finding in verdict.findings], verdict.evidence and verdict.evidence.sample)
        for sql, verdict in found
    ]


def test_a_query_that_fails_on_the_data_is_mended_and_what_the_next_one_shows_is_kept(shop: Yard) -> None:
    urls.remember_evidence(shop.home, SHOP.name, True)
    shop.ask(1, FAILS, "SELECT id, total FROM orders")
    shop.start()
    wait_until(lambda: shop.all_in("accepted"), "the task to be accepted")
    assert verdicts(shop) == [
        (FAILS, ["run_failed"], None),
        ("SELECT id, total FROM orders", [], ((1, 2.5), (2, 4.5))),
    ]


def test_nothing_is_run_unless_it_is_asked_for(shop: Yard) -> None:
    shop.ask(1, FAILS)
    shop.start()
    wait_until(lambda: shop.all_in("accepted"), "the task to be accepted")
    assert verdicts(shop) == [(FAILS, [], None)]


def test_a_database_that_is_away_loses_no_query(shop: Yard) -> None:
    urls.remember_evidence(shop.home, SHOP.name, True)
    (shop.home / "shop.db").unlink()
    shop.ask(1, GOOD_SQL)
    shop.start()
    wait_until(lambda: shop.all_in("accepted"), "the task to be accepted")
    assert verdicts(shop) == [(GOOD_SQL, ["run_stopped"], None)]
