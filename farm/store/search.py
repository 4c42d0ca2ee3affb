"""Searching the titles, questions and SQL of accepted queries by their words, on either database's index.

Every word must be there, in any order and in any case; the last one may be the beginning of a word. What
stands in quotation marks must be there as a phrase. Whatever else a text holds means nothing.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    any_,
    column,
    func,
    literal,
    literal_column,
    select,
    table,
    text,
)

from farm.storable import comparable
from farm.store.tables import QueryRow

LIMIT_CHARS = 1_000
TERMS_LIMIT = 16
WORD_LIMIT_CHARS = 100
"""Words this long and longer are looked up by their beginning: no index takes words of any length."""
PREFIX_CHARS = 2
"""A single letter is no beginning of a word: a tenth of all words begin with it."""

_CHUNK = re.compile(r'"([^"]*)("?)|([^\s"]+)')
_WORD = re.compile(r"[^\W_]+")
_SQLITE = table("queries_search", column("rowid"), column("queries_search"))
_POSTGRES = table("queries_search", column("query_id"), column("words"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """Words that must stand one after the other; `open`: the last may go on."""

    words: tuple[str, ...]
    open: bool = False


def terms(searched: str) -> tuple[Term, ...]:
    """What a text asks for, at most 16 terms of its first 1,000 characters; none where it holds no word."""
    found: list[Term] = []
    for chunk in _CHUNK.finditer(comparable(searched[:LIMIT_CHARS])):
        quoted, closed, bare = chunk.groups()
        words = _WORD.findall(bare if quoted is None else quoted)
        if words:
            found.append(_term(words, may_go_on=not closed and chunk.end() == len(chunk.string)))
    return tuple(dict.fromkeys(found[:TERMS_LIMIT]))


def wordless(searched: str) -> list[str]:
    """The parts of a text, as split at white space, that hold no word and so mean nothing to the index."""
    return [part for part in comparable(searched).split() if not _WORD.search(part)]


def _term(words: list[str], *, may_go_on: bool) -> Term:
    kept = []
    for word in words:
        kept.append(word[:WORD_LIMIT_CHARS])
        if len(word) > WORD_LIMIT_CHARS:
            return Term(words=tuple(kept), open=True)
    return Term(words=tuple(kept), open=may_go_on and len(kept[-1]) >= PREFIX_CHARS)


def matching(dialect: str, wanted: Collection[Term], *, within: Collection[int] | None = None) -> Select[Any]:
    """The ids of queries that hold all of `wanted`, in a column `id`, unordered; if given, of `within`.

    `dialect` is the store's, `sqlite` or `postgresql`.
    """
    if dialect == "sqlite":
        found = select(_SQLITE.c.rowid.label("id")).where(_SQLITE.c.queries_search.op("MATCH")(fts5(wanted)))
        # The plus keeps SQLite from a search of its own for each of the ids.
        key = literal_column("+queries_search.rowid", BigInteger)
        return found if within is None else found.where(among(dialect, key, within))
    found = select(_POSTGRES.c.query_id.label("id"))
    found = found.where(_POSTGRES.c.words.op("@@")(func.to_tsquery(text("'simple'"), tsquery(wanted))))
    return found if within is None else found.where(among(dialect, _POSTGRES.c.query_id, within))


def held(texts: Iterable[str | None], wanted: Collection[Term]) -> bool:
    """Whether texts hold all of `wanted` by the rules of SQLite's index, which knows no accents."""
    lines = [f" {' '.join(_WORD.findall(_folded(text)))} " for text in texts if text]
    return all(any(_sought(term) in line for line in lines) for term in wanted)


def _sought(term: Term) -> str:
    return _folded(f" {' '.join(term.words)}{'' if term.open else ' '}")


def _folded(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text)
    return "".join(char for char in parts if not unicodedata.combining(char)).lower()


def among(dialect: str, key: Any, ids: Collection[int]) -> ColumnElement[bool]:
    """Whether `key` is one of `ids`, which travel as one parameter, however many there are."""
    if dialect == "sqlite":
        each = func.json_each(json.dumps(list(ids))).table_valued("value")
        met: ColumnElement[bool] = key.in_(select(each.c.value))
    else:
        met = key == any_(literal(list(ids), ARRAY(BigInteger)))
    return met


def fts5(wanted: Collection[Term]) -> str:
    """As SQLite's FTS5 takes it: words stand in quotation marks, so that none is an operator."""
    return " AND ".join(f'"{" ".join(term.words)}"{"*" if term.open else ""}' for term in wanted)


def tsquery(wanted: Collection[Term]) -> str:
    """As Postgres' to_tsquery takes it; the words hold letters and digits alone."""
    return " & ".join(f"({_followed(term)})" for term in wanted)


def _followed(term: Term) -> str:
    *before, last = (f"'{word}'" for word in term.words)
    return " <-> ".join([*before, f"{last}:*" if term.open else last])


def holds(dialect: str, searched: str) -> list[ColumnElement[bool]]:
    """Conditions on `queries`: those with every word of `searched`, and with its signs as they stand."""
    conditions: list[ColumnElement[bool]] = [
        QueryRow.question.contains(part, autoescape=True)
        | func.coalesce(QueryRow.title, "").contains(part, autoescape=True)
        | QueryRow.sql.contains(part, autoescape=True)
        for part in wordless(searched)
    ]
    if wanted := terms(searched):
        conditions.append(QueryRow.id.in_(matching(dialect, wanted)))
    return conditions
