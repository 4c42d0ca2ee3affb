"""The newest reports that hold some words, on Postgres: frequent, rare, or never together."""

import pytest
from support.store import accepted, add, claim, finish

from farm.store import search, search_newest
from farm.store.engine import Store

COUNT = 40

pytestmark = pytest.mark.parametrize("store", ["postgres"], indirect=True)


@pytest.fixture
def reports(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Ids of reports, every fourth about Bergen, one about Lyon, all about revenue."""
    monkeypatch.setattr(search_newest, "FIRST_LOOK", 4)
    held = claim(store, add(store, COUNT)).values()
    words = ["lyon" if number == 2 else "bergen" if number % 4 == 0 else "turku" for number in range(COUNT)]
    queries = [f"SELECT revenue AS {word}" for word in words]
    finish(store, *(accepted(task, sql) for task, sql in zip(held, queries, strict=True)))
    return found(store, "revenue", limit=COUNT + 1)[::-1]


def found(
    store: Store, words: str, *, first: int = 0, below: int | None = None, limit: int = 1_000
) -> list[int]:
    with store.read() as connection:
        matching = search.matching("postgresql", search.terms(words))
        key = matching.selected_columns.id.element
        return search_newest.newest(connection, matching, key, first=first, below=below, limit=limit)


def test_all_are_found_whether_frequent_or_rare(store: Store, reports: list[int]):
    assert len(reports) == COUNT == len(set(reports))
    assert found(store, "bergen") == reports[::4][::-1]
    assert found(store, "lyon") == [reports[2]]
    assert found(store, "bergen lyon") == []
    assert found(store, "nowhere") == []


def test_no_more_than_wanted_are_found_the_newest_first(store: Store, reports: list[int]):
    assert found(store, "revenue", limit=25) == reports[:-26:-1]
    assert found(store, "revenue", limit=2) == reports[:-3:-1]
    assert found(store, "bergen", limit=3) == reports[::4][:-4:-1]


def test_ids_outside_the_range_are_left_out(store: Store, reports: list[int]):
    low, high = reports[5], reports[30]
    assert found(store, "revenue", first=low, below=high) == reports[5:30][::-1]
    assert found(store, "lyon", first=low, below=high) == []
    assert found(store, "lyon", below=high) == [reports[2]]
