import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import combinations
from pathlib import Path

import pytest

from farm.demo import shop
from farm.demo.accuracy import same_result
from farm.demo.questions import LEVELS, Question, questions

ALL = questions()


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path: Path = tmp_path_factory.mktemp("shop") / "shop.db"
    shop.build(path)
    with closing(sqlite3.connect(path)) as connection:
        yield connection


def test_there_are_forty_of_graded_difficulty() -> None:
    levels = Counter(question.level for question in ALL)

    assert len(ALL) == 40
    assert set(levels) == set(LEVELS)
    assert levels["hard"] >= 12
    assert [q.level for q in ALL] == sorted((q.level for q in ALL), key=LEVELS.index)


def test_ids_and_texts_are_unique() -> None:
    assert len({question.id for question in ALL}) == len(ALL)
    assert len({question.text for question in ALL}) == len(ALL)


@pytest.mark.parametrize("question", ALL, ids=lambda question: question.id)
def test_gold_runs_and_returns_something(question: Question, connection: sqlite3.Connection) -> None:
    rows = connection.execute(question.gold).fetchall()

    assert rows
    assert any(value not in (None, 0) for row in rows for value in row)


@pytest.mark.parametrize("question", ALL, ids=lambda question: question.id)
def test_gold_is_ordered_where_the_question_asks_for_an_order(question: Question) -> None:
    assert question.ordered == bool(re.search(r"^ORDER BY", question.gold, re.MULTILINE))
    assert question.ordered == bool(re.search(r"sorted|ordered by|expensive first", question.text))


@pytest.mark.parametrize("question", [q for q in ALL if q.level == "hard"], ids=lambda question: question.id)
def test_hard_ones_need_joins_windows_or_nesting(question: Question) -> None:
    gold = question.gold.upper()

    assert gold.count("JOIN") >= 2 or "OVER (" in gold or gold.count("SELECT") > 1 or "CASE" in gold


def test_no_two_ask_for_the_same(connection: sqlite3.Connection) -> None:
    results = {question.id: connection.execute(question.gold).fetchall() for question in ALL}

    for (one, rows), (other, others) in combinations(results.items(), 2):
        assert not same_result(rows, others, ordered=False), f"{one} and {other} have the same result"


def test_no_question_is_told_in_the_notes() -> None:
    for question in ALL:
        assert question.gold not in shop.notes()
