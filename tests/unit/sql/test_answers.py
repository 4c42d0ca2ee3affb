"""Answers of every form, as pairs: what a model said, and the query that is to be found in it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.sql.assess import assess

FOLDER = Path(__file__).parents[2] / "data" / "answers"


def pairs() -> Iterator[tuple[str, str, str]]:
    """(name, answer, query) of all files; the last rule of dashes divides an answer from its query."""
    for file in sorted(FOLDER.glob("*.txt")):
        for part in re.split(r"^=== ", file.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            name, _, rest = part.partition("\n")
            answer, rule, query = rest.rpartition("\n---\n")
            assert rule or rest.rstrip().endswith("\n---"), f"{file.name}: {name} has no query"
            yield f"{file.stem}: {name}", answer if rule else rest.rstrip()[:-4], query.strip()


PAIRS = tuple(pairs())


@pytest.mark.parametrize(("answer", "query"), [pair[1:] for pair in PAIRS], ids=[pair[0] for pair in PAIRS])
def test_the_query_of_an_answer_is_found(answer, query, postgres_shop):
    judged = assess(answer, postgres_shop)[-1]

    assert (judged.sql if judged.verdict.accepted else "") == query


def test_the_pairs_are_many_and_each_has_a_name_of_its_own():
    assert len(PAIRS) >= 120
    assert len({name for name, _, _ in PAIRS}) == len(PAIRS)
