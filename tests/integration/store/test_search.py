"""Searching reports by words, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from support.reports import keep, set_values

from farm.store import facets, selection, targets
from farm.store.engine import Store
from farm.store.selection import Criteria
from farm.store.tables import QueryRow
from farm.targets.target import Target

QUESTIONS = {
    1: ("Revenue per month?", "SELECT sum(total) AS number_of_sales FROM orders GROUP BY 1"),
    2: ("Buyers by city?", "SELECT count(*) FROM customers"),
    3: ("Café revenue, month by month?", "SELECT 1.0"),
}


def found(store: Store, words: str = "", **criteria: object) -> list[int]:
    """The reports that are found, by when they were kept: 1 is the first."""
    with store.read() as connection:
        ids = list(connection.scalars(select(QueryRow.id).order_by(QueryRow.id)))
        chosen = selection.choose(connection, Criteria(words=words, **criteria))
    assert not chosen.more
    return [ids.index(each) + 1 for each in chosen.ids]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", [3, 2, 1]),
        ("revenue", [3, 1]),
        ("MONTH Revenue", [3, 1]),
        ("revenue city", []),
        ("rev", [3, 1]),
        ("rev month", []),
        ("r", []),
        ('"revenue per month"', [1]),
        ('"per revenue"', []),
        ('"month by mon', [3]),
        ("number_of_sales", [1]),
        ("number_of", [1]),
        ("sales of number", [1]),
        ("customers", [2]),
        ("1.0", [3]),
        ("Café", [3]),
    ],
)
def test_every_word_must_be_there_and_the_last_may_be_a_beginning(
    store: Store, words: str, expected: list[int]
):
    for question, sql in QUESTIONS.values():
        keep(store, question, sql)
    assert found(store, words) == expected


@pytest.mark.parametrize(
    "words",
    [
        'a" OR "b',
        '"',
        '""',
        '" "',
        "NEAR(a b)",
        "a AND",
        "AND OR NOT",
        "title: x",
        "-revenue",
        "^revenue",
        "rev*enue",
        "* ' \\ % _ ( ) & | ! : <-> @@",
        "'; DROP TABLE queries; --",
        "\0revenue\0",
        "\ud800 half",
        "🎉 revenue 🎉",
        "売上",
        "x" * 10_000,
        "word " * 2_000,
        '"' * 10_000,
        "a'b:*",
        "\\'",
        "e\u0301",
        "²",
        "\N{ZERO WIDTH SPACE}",
    ],
)
def test_whatever_is_searched_for_is_no_error(store: Store, words: str):
    keep(store, "Revenue per month?", "SELECT 1")
    found(store, words)
    found(store, f"revenue {words}")
    found(store, f"{words} reve")


def test_titles_are_searched_and_what_is_changed_is_found_by_its_new_words(store: Store):
    query_id = keep(store, "Revenue?", "SELECT a FROM t")
    set_values(store, query_id, title="Turnover", sql="SELECT b FROM elsewhere")
    assert found(store, "turnover") == [1]
    assert found(store, "elsewhere") == [1]
    assert found(store, "SELECT a") == []


def test_a_long_word_is_found_by_its_beginning(store: Store):
    keep(store, "x" * 500, "SELECT 1")
    assert found(store, "x" * 300) == [1]
    assert found(store, "x" * 99 + "y") == []


def test_facets_combine_with_words_and_with_each_other(store: Store):
    targets.save(store, Target(name="bank", dialect="postgres", ddl="CREATE TABLE t (a int)"))
    at = datetime(2026, 3, 1, tzinfo=UTC)
    keep(store, "Revenue?", "SELECT 1", tags=("board", "monthly"), tables=("orders",), created_at=at)
    keep(store, "Revenue?", "SELECT 2", target="bank", dialect="postgres", tags=("board",), model="other")
    keep(store, "Buyers?", "SELECT 3", tables=("orders", "customers"), mark="good", starred_at=at, version=2)
    assert found(store, target="bank") == [2]
    assert found(store, dialect="sqlite") == [3, 1]
    assert found(store, model="other") == [2]
    assert found(store, tags=("board",)) == [2, 1]
    assert found(store, tags=("board", "monthly")) == [1]
    assert found(store, tables=("orders",)) == [3, 1]
    assert found(store, tables=("orders", "customers")) == [3]
    assert found(store, mark="good") == [3]
    assert found(store, mark="bad") == []
    assert found(store, starred=True) == [3]
    assert found(store, corrected=True) == [3]
    assert found(store, "revenue", tags=("board",), target="bank") == [2]
    assert found(store, "revenue", tables=("orders",)) == [1]
    assert found(store, "nothing", target="bank") == []
    assert found(store, since=at, until=at + timedelta(days=1)) == [1]
    assert found(store, since=at + timedelta(days=1)) == [3, 2]
    assert found(store, until=at) == []
    assert found(store, "revenue", until=at + timedelta(seconds=1)) == [1]


COMMON = [
    Criteria(words="question"),
    Criteria(target="shop"),
    Criteria(tags=("all",)),
    Criteria(tags=("all", "even")),
    Criteria(tags=("all",), target="shop"),
    Criteria(tags=("all",), words="question", target="shop"),
    Criteria(tables=("orders",), words="select"),
    Criteria(starred=True),
    Criteria(starred=True, dialect="sqlite"),
    Criteria(target="shop", dialect="sqlite", model="stub-model"),
    Criteria(since=datetime(2020, 1, 1, tzinfo=UTC), words="question"),
    Criteria(tags=("one",), words="question"),
    Criteria(tags=("one",), target="shop", tables=("orders",)),
    Criteria(),
]


@pytest.mark.parametrize("criteria", COMMON, ids=repr)
def test_conditions_that_very_many_meet_give_the_newest_of_them(
    store: Store, criteria: Criteria, monkeypatch: pytest.MonkeyPatch
):
    at = datetime(2026, 3, 1, tzinfo=UTC)
    ids = []
    for n in range(12):
        tags = ("all", *(["even"] if n % 2 == 0 else []), *(["one"] if n == 5 else []))
        ids.append(keep(store, f"Question {n}?", "SELECT 1", tags=tags, tables=("orders",), starred_at=at))
    with store.read() as connection:
        expected = selection.choose(connection, criteria).ids
        monkeypatch.setattr(selection, "CAP", 3)
        monkeypatch.setattr(selection, "WALKED", 2)
        bounded = selection.choose(connection, criteria, limit=3)
        behind = selection.choose(connection, criteria, limit=3, below=bounded.ids[-1])
    assert expected == tuple(
        ids[n] for n in reversed(range(12)) if {"even", "one"} & set(criteria.tags) <= tags_of(n)
    )
    assert bounded.ids == expected[: len(bounded.ids)]
    assert bounded.more is (len(expected) > len(bounded.ids))
    assert behind.ids == expected[len(bounded.ids) :][: len(behind.ids)]
    assert behind.ids or not bounded.more


def tags_of(n: int) -> set[str]:
    return ({"even"} if n % 2 == 0 else set()) | ({"one"} if n == 5 else set())


@pytest.mark.parametrize("looked_into", [0, 100])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("question", [2, 1]),
        ("questio", [2, 1]),
        ("quest tot", []),
        ("tot", [2, 1]),
        ('"sum total"', [2, 1]),
        ('"total sum"', []),
        ("QUESTION total_of", [1]),
        ("sql", []),
    ],
)
def test_common_words_among_a_few_reports_are_found_as_by_the_index(
    store: Store, words: str, expected: list[int], looked_into: int, monkeypatch: pytest.MonkeyPatch
):
    among_common(store, words, expected, looked_into, monkeypatch)


@pytest.mark.parametrize("looked_into", [0, 100])
@pytest.mark.parametrize(("words", "expected"), [("cafe", [2]), ("CAFÉ", [2]), ("uber", [1]), ("übe", [1])])
def test_sqlite_finds_letters_with_or_without_their_accents(
    sqlite_store: Store, words: str, expected: list[int], looked_into: int, monkeypatch: pytest.MonkeyPatch
):
    among_common(sqlite_store, words, expected, looked_into, monkeypatch)


def among_common(
    store: Store, words: str, expected: list[int], looked_into: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Search words that many reports hold among the few with a tag."""
    keep(store, "Question über one?", "SELECT sum(total) AS total_of FROM orders", tags=("one",))
    keep(store, "Question Café?", "SELECT sum(total) FROM orders", tags=("one",))
    for n in range(4):
        keep(store, f"Question uber cafe {n}?", "SELECT sum(total) AS total_of, sum(total) FROM orders")
    monkeypatch.setattr(selection, "CAP", 2)
    monkeypatch.setattr(selection, "LOOKED_INTO", looked_into)
    with store.read() as connection:
        ids = list(connection.scalars(select(QueryRow.id).order_by(QueryRow.id)))
        chosen = selection.choose(connection, Criteria(words=words, tags=("one",)))
    assert [ids.index(each) + 1 for each in chosen.ids] == expected


def test_facets_tell_how_many_reports_have_each_value(store: Store):
    targets.save(store, Target(name="bank", dialect="postgres", ddl="CREATE TABLE t (a int)"))
    keep(store, "A?", "SELECT 1", tags=("b", "a"), tables=("orders",), model="m2", mark="bad")
    keep(store, "B?", "SELECT 2", tags=("b",), tables=("orders", "x"), model="m1")
    keep(store, "C?", "SELECT 3", model="m1", version=2, starred_at=datetime(2026, 1, 1, tzinfo=UTC))
    with store.read() as connection:
        chosen = selection.choose(connection, Criteria())
        told = facets.count(connection, chosen.ids, more=chosen.more)
        less = facets.count(connection, chosen.ids[:1], more=True)
        none = facets.count(connection, (), more=False)
    assert [(value.name, value.count) for value in told.targets] == [("shop", 3), ("bank", 0)]
    assert [(value.name, value.count) for value in told.models] == [("m1", 2), ("m2", 1)]
    assert [(value.name, value.count) for value in told.dialects] == [("sqlite", 3)]
    assert [(value.name, value.count) for value in told.tags] == [("b", 2), ("a", 1)]
    assert [(value.name, value.count) for value in told.tables] == [("orders", 2), ("x", 1)]
    assert (told.good, told.bad, told.starred, told.corrected, told.complete) == (0, 1, 1, 1, True)
    assert (less.models[1].name, less.models[1].count, less.complete) == ("m2", 0, False)
    assert [value.count for value in none.models] == [0, 0]
