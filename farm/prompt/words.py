"""Words of questions, identifiers and glossaries, reduced so that they can be compared."""

import re
from collections.abc import Sequence
from functools import lru_cache

# How rows shall be sorted says nothing about tables, least of all about one called orders.
SORTING = re.compile(r"\b(ordered|sorted|in order) (by|of)\b")
WORD = re.compile(r"[a-z]+|\d+")
LONGEST_NAME = 40
"""Names of tables and columns come again with every question; the questions themselves do not."""
LITTLE = frozenset({"a", "an", "and", "by", "for", "in", "of", "or", "per", "the"})


def stems(text: str) -> tuple[str, ...]:
    """The words of `text` in lower case without endings of plural and past; identifiers are split at `_`."""
    return _stems_of_name(text) if len(text) <= LONGEST_NAME else _stems(text)


def _stems(text: str) -> tuple[str, ...]:
    plain = SORTING.sub(" ", text.lower()).replace("e-mail", "email")
    return tuple(_stem(word) for word in WORD.findall(plain))


_stems_of_name = lru_cache(maxsize=20_000)(_stems)


def _stem(word: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ed", ""), ("s", "")):
        if word.endswith(ending) and not word.endswith("ss") and len(word) - len(ending) > 2:
            return word.removesuffix(ending) + instead
    return word


def position(words: Sequence[str], part: Sequence[str]) -> int | None:
    """Where `part`, which is not empty, stands in `words` as one run for the first time."""
    if not part or part[0] not in words:
        return None
    starts = range(len(words) - len(part) + 1)
    return next((n for n in starts if list(words[n : n + len(part)]) == list(part)), None)


def contains(words: Sequence[str], part: Sequence[str]) -> bool:
    """Whether `part`, which must hold a word, stands in `words` as one run."""
    return len(part) > 0 and part[0] in words and position(words, part) is not None
