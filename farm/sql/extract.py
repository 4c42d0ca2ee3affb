"""Finds the SQL in what a model answered: in thinking, fences, JSON, prose, or bare."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from farm.sql.cut import before_prose, first_statement, without_end
from farm.sql.tags import after_last_closing, pairs
from farm.sql.words import words

LIMIT = 8
ANSWER_LIMIT_CHARS = 200_000

_THINKING = words("think thinking thought reasoning reflection scratchpad analysis")
_ANSWERS = words("sql query answer final_answer sql_query result")
_FENCE = re.compile(
    r"^[ \t>]*(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n`]*\n(.*?)(?:^[ \t>]*\1|\Z)", re.DOTALL | re.MULTILINE
)
_FENCE_IN_LINE = re.compile(
    r"```[ \t]*(?:sql|sqlite|postgres|postgresql|mysql)?\s+(.+?)```", re.DOTALL | re.IGNORECASE
)
_INLINE_CODE = re.compile(r"(?<!`)`((?:SELECT|WITH)\b[^`]+)`(?!`)", re.IGNORECASE)
_JSON_FIELD = re.compile(
    r'"(?:sql|query|sql_query|statement|code)"\s*:\s*("(?:[^"\\]|\\.)*")', re.IGNORECASE | re.DOTALL
)
_SQL_KEYS = (
    "sql",
    "sql_query",
    "query",
    "statement",
    "final_sql",
    "code",
    "answer",
    "arguments",
    "output",
    "input",
)
_START = re.compile(
    r"\b(?:SELECT\b|WITH\s+(?:RECURSIVE\s+)?[\w\"`\[\]]+\s*(?:\([^()]*\)\s*)?AS\s*(?:(?:NOT\s+)?MATERIALIZED\s*)?\()",
    re.IGNORECASE,
)
_BEGINS = re.compile(
    r"[\s(]*+(?:(?:--[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*\*/)[\s(]*+)*(?:SELECT\b|WITH\b(?=.*?\bAS\b)|VALUES\s*+\()",
    re.IGNORECASE | re.DOTALL,
)
_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u2032", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u2033", '"'),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f\u3000", " "),
        **dict.fromkeys("\u2013\u2212", "-"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", None),
        "\uff1b": ";",
        "\uff08": "(",
        "\uff09": ")",
        "\uff0c": ",",
    }
)


def candidates(answer: str) -> tuple[str, ...]:
    """Up to eight distinct texts that may be the query, best first; none when nothing resembles SQL.

    An answer that already is SQL comes first and unchanged (up to a trailing semicolon and white space).
    Repaired spellings (entities, typographic quotes, zero-width characters) come last.
    """
    text = answer[:ANSWER_LIMIT_CHARS].strip()
    found = dict.fromkeys(_plain(text))
    mended = html.unescape(text).translate(_TYPOGRAPHY)
    if mended != text:
        found.update(dict.fromkeys(_plain(mended)))
    return tuple(found)[:LIMIT]


def _plain(text: str) -> Iterator[str]:
    if _BEGINS.match(text):
        yield from _trimmed(text)
    said = _without_thinking(text)
    for found in _in_order(said):
        yield from _trimmed(found)
    if said != text:
        for found in _fences(text):
            yield from _trimmed(found)


def _in_order(text: str) -> Iterator[str]:
    if _BEGINS.match(text):
        yield text
    yield from _json_values(text)
    yield from _fences(text)
    yield from (text[start:end] for _, start, end, _ in reversed(list(pairs(text, _ANSWERS))))
    yield from (match[1] for match in _INLINE_CODE.finditer(text))
    yield from _starts(text)


def _without_thinking(text: str) -> str:
    """What the model said once it had thought; a block that is never closed is left in place."""
    return after_last_closing(text, _THINKING).strip() or text


def _fences(text: str) -> Iterator[str]:
    """Contents of code fences, last first; one that holds JSON gives the SQL inside."""
    blocks = [match[3] for match in _FENCE.finditer(text)] + [
        match[1] for match in _FENCE_IN_LINE.finditer(text)
    ]
    for block in reversed(blocks):
        if _BEGINS.match(block):
            yield block
        yield from _json_values(block)
    for block in reversed(blocks):
        if not _BEGINS.match(block):
            yield from _starts(block)


def _json_values(text: str) -> Iterator[str]:
    """SQL in a JSON document, or in a `"sql": "…"` field of one that stands in prose or is cut off."""
    stripped = text.strip()
    if stripped[:1] in {"{", "[", '"'}:
        with suppress(ValueError, RecursionError):
            yield from _sql_strings(json.loads(stripped, strict=False))
    for match in reversed(list(_JSON_FIELD.finditer(text))):
        try:
            yield from _sql_strings(json.loads(match[1], strict=False))
        except ValueError:
            continue


def _sql_strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if _BEGINS.match(value):
            yield value
        elif value.lstrip()[:1] == "{":
            yield from _json_values(value)
        elif "```" in value:
            yield from _fences(value)
    elif isinstance(value, dict):
        known = [key for key in _SQL_KEYS if key in value]
        for key in (*known, *(key for key in value if key not in known)):
            yield from _sql_strings(value[key])
    elif isinstance(value, list):
        for item in reversed(value):
            yield from _sql_strings(item)


def _starts(text: str) -> Iterator[str]:
    """The text from each SELECT or WITH on: those that open a line first, then those inside one."""
    starts = [match.start() for match in _START.finditer(text)][:40]
    opening = [start for start in starts if not text[:start].rpartition("\n")[2].strip(" \t>*-:`(")]
    for start in (*opening, *(start for start in starts if start not in opening)):
        yield text[start:]


def _trimmed(text: str) -> Iterable[str]:
    """The text itself, up to its first semicolon, and up to where prose seems to begin."""
    whole = without_end(text)
    first = first_statement(text)
    return [each for each in (whole, first, before_prose(first), before_prose(whole)) if _BEGINS.match(each)]
