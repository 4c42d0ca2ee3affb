"""Finds the SQL in what a model answered: in thinking, fences, JSON, prose, or bare."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from farm.sql.answers.cut import before_closing, before_prose, first_statement, without_end
from farm.sql.answers.fences import Fence, fences, promise
from farm.sql.answers.mend import mended
from farm.sql.answers.statements import BEGINS, MOST_CHARS, WRITES, statements
from farm.sql.answers.structured import json_values, literals
from farm.sql.answers.tags import after_last_closing, pairs
from farm.sql.words import words

LIMIT = 8
LIMIT_PER_READING = 5
MOST_TRIED = 64
ANSWER_LIMIT_CHARS = 200_000

_THINKING = words("think thinking thought reasoning reflection scratchpad analysis")
_ANSWERS = words("sql query answer final_answer sql_query result code parameter")
_INLINE_CODE = re.compile(r"(?<!`)`((?:SELECT|WITH)\b[^`]+)`(?!`)", re.IGNORECASE)
# What no engine takes outside strings, and sentences in ideographs, which would pass for an alias.
_NO_SQL = re.compile("[\u3002\uff01\uff1f]\\s*$|```|~~~|<\\|\\w", re.MULTILINE)
_CELL_END = re.compile(r"(?<!\|)\|(?=[ \t]*(?:\n|\Z|[^|\n]*\|[ \t]*(?:\n|\Z)))")


def candidates(answer: str) -> tuple[str, ...]:
    """Up to eight distinct texts that may be the query, best first; none when nothing resembles SQL.

    An answer that already is SQL comes first and unchanged (up to a trailing semicolon and white space).
    A piece of a statement (a subquery, an arm of a UNION, what an INSERT selects) is no candidate. Repaired
    spellings (entities, typographic quotes, zero-width characters, backslashes) come last.
    """
    text = answer[:ANSWER_LIMIT_CHARS].strip()
    readings = mended(text)
    found = _distinct(_plain(text), LIMIT_PER_READING if readings else LIMIT)
    for reading in readings:
        found |= _distinct(_plain(reading.strip()), LIMIT_PER_READING)
    return tuple(found)[:LIMIT]


def _distinct(found: Iterator[str], limit: int) -> dict[str, None]:
    distinct: dict[str, None] = {}
    for each in islice(found, MOST_TRIED):
        distinct.setdefault(each)
        if len(distinct) >= limit:
            break
    return distinct


def _plain(text: str) -> Iterator[str]:
    """The candidates of one reading; what was only thought counts where nothing was said."""
    if _is_clean(text):
        yield without_end(text)
        return
    said = after_last_closing(text, _THINKING).strip() or text
    found = False
    for each in _in_order(said):
        for candidate in _trimmed(each):
            found = True
            yield candidate
    if not found and said != text:
        for each in _fenced(fences(text)):
            yield from _trimmed(each)


def _is_clean(text: str) -> bool:
    """Whether the text is one statement and nothing else."""
    whole = without_end(text)
    return bool(BEGINS.match(text)) and first_statement(whole) == whole and before_prose(whole) == whole


def _in_order(text: str) -> Iterator[str]:
    yield from json_values(text, _fenced_in)
    yield from _fenced(fences(text))
    yield from (text[start:end] for _, start, end, _ in reversed(list(pairs(text, _ANSWERS))))
    if not BEGINS.match(text):
        yield from literals(text)
        yield from (match[1] for match in _INLINE_CODE.finditer(text))
    yield from _bare(text)


def _fenced_in(text: str) -> Iterator[str]:
    return _fenced(fences(text))


def _fenced(found: list[Fence]) -> Iterator[str]:
    """Contents of fences; one that holds JSON or a program gives the SQL inside."""
    for fence in found:
        if BEGINS.match(fence.text) or WRITES.match(fence.text):
            yield from _bare(fence.text)
        yield from json_values(fence.text, _fenced_in)
    for fence in found:
        if not BEGINS.match(fence.text):
            yield from literals(fence.text)
            yield from _bare(fence.text)


def _bare(text: str) -> Iterator[str]:
    """The statements that stand in the text: one presented as the answer first, those that open a line before
    those inside one, what only writes last (it is refused, and the refusal says why)."""
    found = statements(text)
    ranked = sorted(found, key=lambda each: (each.writes, -promise(each.lead), not each.opens_line))
    if BEGINS.match(text) and not (ranked and promise(ranked[0].lead) > 0):
        yield text
    ends = [*(each.start for each in found[1:]), len(text)]
    upto = {each.start: min(end, each.start + MOST_CHARS) for each, end in zip(found, ends, strict=False)}
    for each in ranked:
        if text[each.start - 1 : each.start] not in {'"', "'"}:  # else it is a literal, or a piece of one
            yield _enclosed(text, each.start, upto[each.start])


def _enclosed(text: str, start: int, end: int) -> str:
    """What stands from `start` on: up to the end of the brackets or of the table's cell that it stands in."""
    if text[start - 1 : start] in {"(", "[", "{"}:
        return before_closing(text[start:end])
    line_start = text.rfind("\n", 0, start) + 1
    if text[line_start:start].lstrip()[:1] == "|":
        cell = _CELL_END.search(text, start, end)
        return text[start : cell.start()] if cell else text[start:end]
    return text[start:end]


def _trimmed(text: str) -> Iterable[str]:
    """The text itself, up to its first semicolon, and up to where prose seems to begin; the shorter ones
    first where it plainly does."""
    whole = without_end(text)
    first = first_statement(text)
    cut = (before_prose(first), without_end(before_prose(whole)))
    tried = (*cut, first, whole) if _NO_SQL.search(whole) else (whole, first, *cut)
    return [each for each in tried if BEGINS.match(each) or WRITES.match(each)]
