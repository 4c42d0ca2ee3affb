"""Reads SQL text as Postgres' own scanner does, as far as needed to see its statements and its calls.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html, with standard_conforming_strings on.
"""

import re
from collections.abc import Iterator

TOKEN = re.compile(
    r"""
      (?P<blank>   \s+ | --[^\n]* )
    | (?P<comment> /\* )
    | (?P<escape>  [eE] ' (?: [^'\\] | \\. | '' )* ' )
    | (?P<string>  (?: [bBxXnN] | [uU]& )? ' (?: [^'] | '' )* ' )
    | (?P<dollar>  \$ (?: [^\W\d] \w* )? \$ )
    | (?P<coded>   [uU]& " (?: [^"] | "" )* " )
    | (?P<quoted>  " (?: [^"] | "" )* " )
    | (?P<word>    [^\W\d] [\w$]* )
    | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL,
)
COMMENT_EDGE = re.compile(r"/\*|\*/")


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


def called_names(sql: str) -> frozenset[str] | None:
    """All names before an opening parenthesis, as Postgres stores them; None where they cannot be told.

    That is where a name is written in escapes (`U&"…"`), and where a string with escapes goes on in another
    one, whose end then depends on the first.
    """
    names = set()
    before: tuple[str, str] = ("", "")
    for kind, text in tokens(sql):
        if kind == "blank":
            continue
        if kind == "coded" or (before[0] == "escape" and text.startswith("'")):
            return None
        if text == "(" and before[0] == "word":
            names.add(before[1].lower())
        elif text == "(" and before[0] == "quoted":
            names.add(before[1][1:-1].replace('""', '"'))
        before = (kind, text)
    return frozenset(names)


def _comment_end(sql: str, at: int) -> int:
    depth = 0
    for edge in COMMENT_EDGE.finditer(sql, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)
