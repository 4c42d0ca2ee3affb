"""The notes of a target as a glossary: lines like `term: meaning` or `term of thing: meaning WHERE …`."""

import re
from dataclasses import dataclass

from farm.prompt.words import LITTLE, stems

COMPLEMENT = re.compile(r"\b(?:of|per|by|for)\b")
CONDITION = re.compile(r"\s+WHERE\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """`text` is `term: meaning`; `condition` what stood behind WHERE, empty where nothing did."""

    text: str
    condition: str


def terms(question: str, notes: str) -> list[Term]:
    """The terms that the question uses: all words of the term, and one of the things it is said to be of."""
    words = set(stems(question))
    return [_term(line) for line in notes.splitlines() if _used(line, words)]


def _used(line: str, words: set[str]) -> bool:
    head, colon, _ = line.partition(":")
    name, *complement = COMPLEMENT.split(head, maxsplit=1)
    said = _content(name)
    if not colon or not said or not said <= words:
        return False
    return not complement or bool(_content(complement[0]) & words)


def _content(text: str) -> set[str]:
    return set(stems(text)) - LITTLE


def _term(line: str) -> Term:
    text, *condition = CONDITION.split(line.strip(), maxsplit=1)
    return Term(text=text, condition=condition[0] if condition else "")
