"""Queries that people judged good, as examples for questions like theirs."""

from collections.abc import Iterable
from dataclasses import dataclass

from farm.prompt.words import LITTLE, stems

LEAST_LIKENESS = 0.3
"""Of the words of both questions, so many must be in both; measured from 0 to 1."""
QUESTION_LIMIT_CHARS = 600
SQL_LIMIT_CHARS = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Worked:
    """A question and the query for it, in the target's own dialect."""

    question: str
    sql: str


def most_alike(question: str, known: Iterable[Worked]) -> Worked | None:
    """The one whose question shares most words with `question`, of equals the first; None: none is like it.

    Very long ones are passed over: each token is paid for.
    """
    wanted = _words(question)
    short = (
        each
        for each in known
        if len(each.question) <= QUESTION_LIMIT_CHARS and len(each.sql) <= SQL_LIMIT_CHARS
    )
    best = max(short, key=lambda each: _likeness(wanted, _words(each.question)), default=None)
    if best is None or _likeness(wanted, _words(best.question)) < LEAST_LIKENESS:
        return None
    return best


def _words(question: str) -> frozenset[str]:
    return frozenset(stems(question[:QUESTION_LIMIT_CHARS])) - LITTLE


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0
