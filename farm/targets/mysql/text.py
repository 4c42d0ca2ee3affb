"""Reads SQL text as MySQL's and MariaDB's own scanner does, as far as needed to see what it names.

https://dev.mysql.com/doc/refman/8.4/en/language-structure.html. To that scanner every character beyond ASCII
is a letter, `--` begins a comment only before white space, a name may begin with a digit, and what stands in
`/*! … */` runs. Two modes of the server change what is a string; from MySQL 9 on a dollar may begin one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from farm.sql.words import words

_BACKSLASHED = r"' (?: [^'\\] | \\. | '' )* '", r'" (?: [^"\\] | \\. | "" )* "'
_PLAIN = r"' (?: [^'] | '' )* '", r'" (?: [^"] | "" )* "'
_LEXEMES = r"""
      (?P<blank>  [ \t\n\r\f\v]+ | \#[^\n]* | --(?=[ \t\n\r\f\v]|\Z)[^\n]* )
    | (?P<live>   /\* (?: M?! | \+ ) )
    | (?P<remark> /\* .*? (?: \*/ | \Z ) )
    | (?P<quoted> ` (?: [^`] | `` )* ` )
    | (?P<string> SINGLE )
    | (?P<double> DOUBLE )
    | (?P<dollar> \$[0-9A-Za-z_$\x80-\U0010ffff]* )
    | (?P<word>   [0-9A-Za-z_$\x80-\U0010ffff]+ )
    | (?P<other>  . )
"""
JOINS = words("JOIN STRAIGHT_JOIN")
TABLES_END = words("WHERE GROUP HAVING ORDER LIMIT WINDOW UNION EXCEPT INTERSECT")

Token = tuple[str, str]
"""Kind and text; of a name the kind is `word` or `quoted` and the text is the name itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Modes:
    """What of the server's sql_mode changes what is a string and what is a name."""

    double_quotes_names: bool = False
    plain_backslashes: bool = False

    @classmethod
    def of(cls, sql_mode: str) -> "Modes":
        names = set(sql_mode.upper().split(","))
        return cls(
            double_quotes_names="ANSI_QUOTES" in names, plain_backslashes="NO_BACKSLASH_ESCAPES" in names
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Mentions:
    """What a text names. `called` stand before an opening parenthesis, spelled in lower case, with their
    schema if there is one; `called_quoted` are those in quotes. `keywords` are the bare words in upper case,
    in order and with `;` between statements, `relations` what stands where a table can: schema, name.
    `marks` are characters outside of strings and names, also a `$` that begins a word; `live`: there are
    comments that the server does not skip.
    """

    called: frozenset[str]
    called_quoted: frozenset[str]
    keywords: tuple[str, ...]
    relations: frozenset[tuple[str | None, str]]
    marks: frozenset[str]
    live: bool


@dataclass(kw_only=True)
class _Frame:
    """Where in a SELECT the reading stands, within one pair of parentheses."""

    in_select: bool = False
    in_from: bool = False
    wants_table: bool = False


def tokens(sql: str, modes: Modes) -> Iterator[Token]:
    """The tokens but for blanks and ordinary comments."""
    for match in _pattern(modes).finditer(sql):
        kind, text = str(match.lastgroup), match[0]
        if kind in ("blank", "remark"):
            continue
        if kind == "double":
            kind = "quoted" if modes.double_quotes_names else "string"
        if kind == "quoted":
            text = text[1:-1].replace(text[0] * 2, text[0])
        yield kind, text


@lru_cache(maxsize=8)
def mentions(sql: str, modes: Modes) -> Mentions:
    """What `sql` names."""
    found = list(tokens(sql, modes))
    calls = list(_calls(found))
    return Mentions(
        called=frozenset(name for kind, name in calls if kind == "word"),
        called_quoted=frozenset(name for kind, name in calls if kind == "quoted"),
        keywords=tuple(_keywords(found)),
        relations=frozenset(_relations(found)),
        marks=frozenset(text[0] for kind, text in found if kind in ("other", "dollar")),
        live=any(kind == "live" for kind, _ in found),
    )


@lru_cache(maxsize=8)
def _pattern(modes: Modes) -> re.Pattern[str]:
    single, double = _PLAIN if modes.plain_backslashes else _BACKSLASHED
    if modes.double_quotes_names:
        double = _PLAIN[1]
    return re.compile(_LEXEMES.replace("SINGLE", single).replace("DOUBLE", double), re.VERBOSE | re.DOTALL)


def _is_name(token: Token) -> bool:
    return token[0] in ("word", "quoted")


def _at(found: list[Token], index: int) -> Token:
    return found[index] if 0 <= index < len(found) else ("", "")


def _is_keyword(found: list[Token], index: int, *, where_a_table_stands: bool) -> bool:
    """Whether a bare word is no part of a name with dots."""
    named = where_a_table_stands and _at(found, index + 1) == ("other", ".")
    return found[index][0] == "word" and _at(found, index - 1) != ("other", ".") and not named


def _keywords(found: list[Token]) -> Iterator[str]:
    """Bare words but for those behind a dot, which are names; INSERT and REPLACE may be functions."""
    for index, (kind, text) in enumerate(found):
        if text == ";" and kind == "other":
            yield text
        elif kind == "word" and _at(found, index - 1)[1] != ".":
            yield f"{text.upper()}()" if _at(found, index + 1)[1] == "(" else text.upper()


def _calls(found: list[Token]) -> Iterator[Token]:
    """Names before a parenthesis, but for a table with its columns: `t (a, b) AS (…)`, `) AS t (a)`."""
    closing = _counterparts(found)
    for index, (kind, text) in enumerate(found):
        if not _is_name((kind, text)) or _at(found, index + 1) != ("other", "("):
            continue
        before, behind = _at(found, index - 1), closing.get(index + 1, len(found))
        if before == ("other", ".") and _is_name(_at(found, index - 2)):
            yield "quoted", f"{_at(found, index - 2)[1]}.{text}".lower()
            continue
        of_table = _at(found, behind + 1)[1].upper() == "AS" and _at(found, behind + 2) == ("other", "(")
        aliased = before == ("other", ")") or (before[0] == "word" and before[1].upper() == "AS")
        if not (of_table or aliased or (kind, text.upper()) == ("word", "AS")):
            yield kind, text.lower()


def _counterparts(found: list[Token]) -> dict[int, int]:
    """The index of the closing parenthesis for each opening one."""
    pairs, opened = {}, []
    for index, token in enumerate(found):
        if token == ("other", "("):
            opened.append(index)
        elif token == ("other", ")") and opened:
            pairs[opened.pop()] = index
    return pairs


def _relations(found: list[Token]) -> Iterator[tuple[str | None, str]]:
    """(schema, name) of all that stands behind FROM, JOIN or a comma between tables."""
    frames = [_Frame(in_select=True)]
    index = 0
    while index < len(found):
        kind, text = found[index]
        frame = frames[-1]
        if kind == "other":
            _step(frames, text)
        elif _is_keyword(found, index, where_a_table_stands=frame.wants_table) and _turn(frame, text.upper()):
            pass
        elif frame.wants_table and _is_name((kind, text)):
            path = [text]
            while _at(found, index + 1) == ("other", ".") and _is_name(_at(found, index + 2)):
                index += 2
                path.append(found[index][1])
            frame.wants_table = False
            if _at(found, index + 1) != ("other", "("):
                yield (path[-2] if len(path) > 1 else None), path[-1]
        index += 1


def _step(frames: list[_Frame], mark: str) -> None:
    frame = frames[-1]
    if mark == "(":
        frames.append(_Frame(in_from=frame.wants_table, wants_table=frame.wants_table))
        frame.wants_table = False
    elif mark == ")" and len(frames) > 1:
        frames.pop()
    elif mark == "," and frame.in_from:
        frame.wants_table = True


def _turn(frame: _Frame, word: str) -> bool:
    """Whether a word says where in a SELECT the reading goes on."""
    if word == "SELECT":
        frame.in_select, frame.in_from, frame.wants_table = True, False, False
    elif word == "FROM":
        frame.in_from = frame.wants_table = frame.in_select
    elif word == "TABLE" or (word in JOINS and frame.in_from):
        frame.in_from = frame.wants_table = True
    elif word in TABLES_END:
        frame.in_from = frame.wants_table = False
    else:
        return word == "LATERAL"
    return True
