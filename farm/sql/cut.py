"""Cuts a text where a statement ends, minding strings and comments; knows no dialect."""

import re

# An unclosed string or comment reaches to the end, so that each character is read once. No group is
# possessive: up to Python 3.11.2 such groups give the wrong match.
_PIECE = re.compile(
    r"""
    '[^']*+(?:''[^']*+)*(?:'|\Z) | "[^"]*+(?:"|\Z) | `[^`]*+(?:`|\Z)    # strings and quoted names
    | --[^\n]*+ | /\*[^*]*+(?:\*(?!/)[^*]*+)*(?:\*/|\Z)             # comments
    | \$(\w*)\$.*?(?:\$\1\$|\Z)                                   # dollar-quoted strings
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_NOTHING = re.compile(r"(?:[\s;]|--[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*\*/)*\Z")
_OPENINGS = (
    "This|These|Note|Notes|Explanation|Here|The|In|It|Let|I|You|Please|Output|Result|Results|Answer|Question|Where|"
    "Hope|If|We|Sure|Alternatively|Or|For|Also|First|However|Reasoning|Final|Step"
)
_PROSE_LINE = re.compile(
    rf"^[ \t]*+(?:```|~~~|[\"\']{{3}}|#+\s|\*\*|---+\s*$|(?:{_OPENINGS})\b(?!\s*\()[^\n=<>]*[a-z:.][^\n]*$)",
    re.MULTILINE,
)
_PARAGRAPH = re.compile(r"\n[ \t]*+\n\s*+")
_CONTINUATIONS = (
    "SELECT|FROM|WHERE|GROUP|ORDER|HAVING|LIMIT|OFFSET|UNION|EXCEPT|INTERSECT|JOIN|LEFT|RIGHT|INNER|CROSS|FULL|"
    "NATURAL|ON|AND|OR|WITH|WINDOW|CASE|WHEN|END|FETCH"
)
_SQL_WORD = re.compile(
    rf"\s*(?:{_CONTINUATIONS}|[),(]|--|/\*|[\w\".]+\s*[,(]|[\w\"]+\s+AS\b)",
    re.IGNORECASE,
)


def without_end(text: str) -> str:
    """The text without surrounding white space, and without semicolons and comments at its end."""
    for match in _PIECE.finditer(text):
        if match["end"] and _NOTHING.match(text, match.end()):
            return text[: match.start()].strip()
    return text.strip()


def first_statement(text: str) -> str:
    """Up to the first semicolon outside strings and comments."""
    for match in _PIECE.finditer(text):
        if match["end"]:
            return text[: match.start()].strip()
    return text.strip()


def before_prose(text: str) -> str:
    """Up to the first fence, heading, sentence or paragraph that does not go on with SQL."""
    ends = [match.start() for match in _PROSE_LINE.finditer(text)]
    for match in _PARAGRAPH.finditer(text):
        if not _SQL_WORD.match(text, match.end()):
            ends.append(match.start())
            break
    return text[: min(ends, default=len(text))].strip()
