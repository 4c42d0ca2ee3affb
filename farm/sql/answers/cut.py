"""Cuts a text where a statement ends, minding strings and comments; knows no dialect."""

import re

# An unclosed string or comment reaches to the end, so that each character is read once. No group is
# possessive: up to Python 3.11.2 such groups give the wrong match.
_PIECE = re.compile(
    r"""
    '[^']*+(?:''[^']*+)*(?:'|\Z) | "[^"]*+(?:"|\Z) | `[^`]*+(?:`|\Z)    # strings and quoted names
    | --[^\n]*+ | /\*[^*]*+(?:\*(?!/)[^*]*+)*(?:\*/|\Z)             # comments
    | \$(\w*)\$.*?(?:\$\1\$|\Z)                                   # dollar-quoted strings
    | (?P<end>;) | (?P<open>[(\[{]) | (?P<close>[)\]}])
    """,
    re.VERBOSE | re.DOTALL,
)
# What a chat template puts between turns, and no engine takes outside a string.
_TURN = r"<\|\w[\w./-]{0,39}\|>|<\uff5c[^\uff5c<>\n]{1,40}\uff5c>|</?s>|<(?:start|end)_of_turn>|\[/?INST\]"
# A line that opens with something else than SQL: marks of Markdown, a table, a label, a tag, a sentence.
_MARK = (
    r"```|~~~|[\"\']{3}|#+\s|\*\*|---+\s*$|===+\s*$|\|(?!\|)|\+[-=]{3,}|</?[A-Za-z]\w*[ >]|"
    r"\[/?(?:SQL|ANSWER|QUERY)\]"
)
_LABEL = r"(?:[-*]\s|\d+[.)]\s)?[^\W\d_][\w ]{1,30}:(?![:=])(?:\s|$)"
_SENTENCE = (
    r"[^\W\d_a-z][^\W\d_A-Z]+(?:['\u2019][a-z]+)?,?"
    r"(?!\s+(?:AS|ON|JOIN|INNER|LEFT|RIGHT|FULL|CROSS|NATURAL|AND|OR|IS|IN|LIKE|BETWEEN|ASC|DESC|NOT|BY|WHERE)\b)"
    r"(?!\s+(?:as|join|inner|left|right|cross|natural|asc|desc|like|between)\b)"
    r"(?!\s+\w+\s+(?i:AS|ON|JOIN|INNER|LEFT|RIGHT|FULL|CROSS|NATURAL|USING|IS\s+NOT|IS\s+NULL|LIKE|BETWEEN|WHERE)\b)"
    r"(?:(?:[ ][\w'\u2019`\"*-]+[,:]?){3}|(?:[ ][\w'\u2019`\"*-]+[,:]?){1,2}[ ]?[.!:?][ ]*$)"
)
_CLAUSES = (
    "SELECT|FROM|WHERE|GROUP|ORDER|HAVING|LIMIT|OFFSET|UNION|EXCEPT|INTERSECT|JOIN|LEFT|RIGHT|INNER|CROSS|FULL|"
    "NATURAL|ON|AND|OR|WITH|WINDOW|CASE|WHEN|THEN|ELSE|END|FETCH|NOT|IN|LIKE|BETWEEN|AS|USING|VALUES|BY|OVER"
)
_PROSE_LINE = re.compile(
    rf"^[ \t]*+(?:{_MARK}|(?!(?i:{_CLAUSES})\b)(?:{_LABEL}|{_SENTENCE})"
    rf"|[^\x00-\x7f\n]{{2}}[^\n]*[\u3002\uff1a]$)|{_TURN}",
    re.MULTILINE,
)
_PARAGRAPH = re.compile(r"\n[ \t]*+\n\s*+")
_SQL_WORD = re.compile(
    rf"\s*(?:(?:{_CLAUSES})\b|[),(]|--|/\*|[-+*/%=<>|]+\s*(?:$|[\n\d(]|SELECT\b|[\w.]+\()"
    r"|[\w\".]+\s*[,(]|[\w\"]+\s+AS\b)",
    re.IGNORECASE,
)


def without_end(text: str) -> str:
    """The text without surrounding white space, and without semicolons and comments at its end."""
    end: int | None = None
    read = 0
    for match in _PIECE.finditer(text):
        if end is not None and not (_is_blank(text[read : match.start()]) and _says_nothing(match)):
            end = None
        if match["end"] and end is None:
            end = match.start()
        read = match.end()
    return text[: end if _is_blank(text[read:]) else None].strip()


def _says_nothing(piece: re.Match[str]) -> bool:
    """Whether it is a semicolon, or a comment that is closed."""
    found = piece[0]
    return bool(piece["end"]) or found.startswith("--") or (found[:2] == "/*" and found[2:].endswith("*/"))


def _is_blank(text: str) -> bool:
    return not text or text.isspace()


def first_statement(text: str) -> str:
    """Up to the first semicolon outside strings and comments."""
    for match in _PIECE.finditer(text):
        if match["end"]:
            return text[: match.start()].strip()
    return text.strip()


def before_closing(text: str) -> str:
    """Up to the first bracket that closes what was not opened in the text."""
    depth = 0
    for match in _PIECE.finditer(text):
        depth += bool(match["open"]) - bool(match["close"])
        if depth < 0:
            return text[: match.start()].strip()
    return text.strip()


def before_prose(text: str) -> str:
    """Up to the first fence, heading, label, sentence, table or turn, or a paragraph that is no SQL."""
    line = _PROSE_LINE.search(text)
    ends = [line.start()] if line else []
    for match in _PARAGRAPH.finditer(text):
        if not _SQL_WORD.match(text, match.end()):
            ends.append(match.start())
            break
    return text[: min(ends, default=len(text))].strip()
