"""SQL in JSON, tool calls and string literals of programs."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from farm.sql.answers.statements import BEGINS

_FIELD = re.compile(
    r'"(?:final_sql|sql|query|sql_query|statement|code)"\s*:\s*("(?:[^"\\]|\\.)*")', re.IGNORECASE | re.DOTALL
)
_KEYS = (
    "final_sql",
    "sql",
    "sql_query",
    "query",
    "statement",
    "code",
    "answer",
    "arguments",
    "output",
    "input",
)
# Up to the same quote; a backslash takes the next character along.
_LITERAL = re.compile(
    r"""(?<![\w\\])("{3}|'{3}|"|')(?=\s*(?:SELECT|WITH)\b)((?:[^\\"']|\\.|(?!\1)["'])*)\1""",
    re.IGNORECASE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": ""}


def json_values(text: str, fences: Callable[[str], Iterator[str]]) -> Iterator[str]:
    """SQL in a JSON document, or in a `"sql": "…"` field of one that stands in prose or is cut off.

    A value may hold fences of its own, which `fences` reads.
    """
    stripped = text.strip()
    if stripped[:1] in {"{", "[", '"'}:
        with suppress(ValueError, RecursionError):
            yield from _strings(json.loads(stripped, strict=False), fences)
    for match in reversed(list(_FIELD.finditer(text))):
        try:
            yield from _strings(json.loads(match[1], strict=False), fences)
        except ValueError:
            continue


def literals(text: str) -> Iterator[str]:
    """SQL in string literals, as in `run("SELECT …")`, last first and without their escapes."""
    for match in reversed(list(_LITERAL.finditer(text))):
        yield _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), match[2])


def _strings(value: Any, fences: Callable[[str], Iterator[str]]) -> Iterator[str]:
    if isinstance(value, str):
        if BEGINS.match(value):
            yield value
        elif value.lstrip()[:1] == "{":
            yield from json_values(value, fences)
        elif "```" in value:
            yield from fences(value)
    elif isinstance(value, dict):
        known = [key for key in _KEYS if key in value]
        for key in (*known, *(key for key in value if key not in known)):
            yield from _strings(value[key], fences)
    elif isinstance(value, list):
        for item in reversed(value):
            yield from _strings(item, fences)
