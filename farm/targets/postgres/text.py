"""Reads SQL text as Postgres' own scanner does, as far as needed to see its statements and what it names.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html, with standard_conforming_strings on. To that
scanner (src/backend/parser/scan.l) every character beyond ASCII is a letter, even an exotic space, and a
carriage return ends a comment; whoever reads it otherwise can be shown a string where Postgres sees a call.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

TOKEN = re.compile(
    r"""
      (?P<blank>    [ \t\n\r\f\v]+ | --[^\n\r]* )
    | (?P<comment>  /\* )
    | (?P<escape>   [eE] ' (?: [^'\\] | \\. | '' )* ' )
    | (?P<string>   (?: [bBxXnN] | [uU]& )? ' (?: [^'] | '' )* ' )
    | (?P<dollar>   \$ (?: [A-Za-z_\x80-\U0010ffff] [A-Za-z0-9_\x80-\U0010ffff]* )? \$ )
    | (?P<coded>    [uU]& " (?: [^"] | "" )* " )
    | (?P<quoted>   " (?: [^"] | "" )* " )
    | (?P<word>     [A-Za-z_\x80-\U0010ffff] [A-Za-z0-9_$\x80-\U0010ffff]* )
    | (?P<operator> (?: (?! -- | /\* ) [-+*/<>=~!@\#%^&|`?] )+ )
    | (?P<other>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
COMMENT_EDGE = re.compile(r"/\*|\*/")
NAME_BYTES = 63
"""Postgres cuts longer names (NAMEDATALEN)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mentions:
    """What a text names, spelled as Postgres stores it.

    `called` stand before an opening parenthesis, `selected` after a dot, `cast_to` after `::`; `names` are
    all words and quoted names, `operators` the runs of operator characters.
    """

    called: frozenset[str]
    selected: frozenset[str]
    cast_to: frozenset[str]
    names: frozenset[str]
    operators: frozenset[str]


def tokens(sql: str) -> Iterator[tuple[str, str]]:
    """(kind, text) of each token; comments come as blank, strings in dollars as string."""
    at = 0
    while match := TOKEN.match(sql, at):
        kind, end = str(match.lastgroup), match.end()
        if kind == "comment":
            kind, end = "blank", _comment_end(sql, at)
        elif kind == "dollar":
            closing = sql.find(match[0], end)
            kind, end = "string", len(sql) if closing < 0 else closing + len(match[0])
        yield kind, sql[at:end]
        at = end


def statements(sql: str) -> list[str]:
    """The statements of a script, without the semicolons between them and without empty ones."""
    found, statement, empty = [], "", True
    for kind, text in tokens(sql):
        if kind == "other" and text == ";":
            found += [] if empty else [statement.strip()]
            statement, empty = "", True
        else:
            statement += text
            empty = empty and kind == "blank"
    return found if empty else [*found, statement.strip()]


@lru_cache(maxsize=4)
def mentions(sql: str) -> Mentions | None:
    """What `sql` names; None where that cannot be told.

    That is where a name is written in escapes (`U&"…"`), and where a string with escapes goes on in another
    one, whose end then depends on the first.
    """
    called, selected, cast_to, names, operators = set(), set(), set(), set(), set()
    before: tuple[str, str] = ("", "")
    in_type = False
    for kind, text in tokens(sql):
        if kind == "blank":
            continue
        if kind == "coded" or (before[0] == "escape" and text.startswith("'")):
            return None
        if kind in ("word", "quoted"):
            name = _stored(kind, text)
            names.add(name)
            selected |= {name} if before[1] == "." else set()
            cast_to |= {name} if in_type and before[1] in (":", ".") else set()
        elif kind == "operator":
            operators.add(text)
        elif text == "(" and before[0] in ("word", "quoted"):
            called.add(_stored(*before))
        in_type = (before[1], text) == (":", ":") or (in_type and (text == "." or before[1] in (":", ".")))
        before = (kind, text)
    return Mentions(
        called=frozenset(called),
        selected=frozenset(selected),
        cast_to=frozenset(cast_to),
        names=frozenset(names),
        operators=frozenset(operators),
    )


def _stored(kind: str, text: str) -> str:
    name = text.lower() if kind == "word" else text[1:-1].replace('""', '"')
    return name.encode("utf-8", "replace")[:NAME_BYTES].decode("utf-8", "ignore")


def _comment_end(sql: str, at: int) -> int:
    depth = 0
    for edge in COMMENT_EDGE.finditer(sql, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)
