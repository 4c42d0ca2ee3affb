"""Finds where statements stand in prose and SQL, so that no piece of one is taken for a whole one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from farm.sql.answers.cut import before_prose, first_statement

MOST_STARTS = 40
# More than any check lets pass, so that what is cut here is refused as too long.
MOST_CHARS = 30_000

_COMMENT = r"(?:--[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*\*/)"
# Between WITH and a name. Bounded, as otherwise each WITH in a text may look through all that follows.
_SHORT_COMMENT = r"(?:--[^\n]{0,1000}+(?:\n|\Z)|/\*[^*]*+(?:\*(?!/)[^*]*+){0,100}\*/)"
_READ = (
    rf"SELECT\b|WITH\s(?:\s|{_SHORT_COMMENT})*(?:RECURSIVE\s+)?(?:\w+|\"[^\"]*\"|`[^`]*`|\[[^\[\]]*\])\s*"
    r"(?:\([^()]*\)\s*)?AS\s*(?:(?:NOT\s+)?MATERIALIZED\s*)?\("
)
BEGINS = re.compile(rf"[\s(]*+(?:{_COMMENT}[\s(]*+)*(?:{_READ}|VALUES\s*+\()", re.IGNORECASE | re.DOTALL)
_WRITE = (
    r"INSERT\s+(?:OR\s+\w+\s+)?INTO\b|REPLACE\s+INTO\b|MERGE\s+INTO\b|DELETE\s+FROM\b|UPDATE\s+[\w.\"`]+\s+SET\b|"
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:(?:TEMP|TEMPORARY|UNLOGGED|VIRTUAL|MATERIALIZED|RECURSIVE|UNIQUE)\s+)*"
    r"(?:TABLE|VIEW|INDEX|FUNCTION|PROCEDURE|TRIGGER|DATABASE|USER)\s|COPY\s*\(|"
    r"(?:DROP|ALTER|TRUNCATE)\s+(?:TABLE|VIEW|DATABASE)\s|EXPLAIN\s+(?:ANALYZE\s+|QUERY\s+PLAN\s+)?(?=SELECT|WITH)"
)
_START = re.compile(rf"\b(?:(?P<read>{_READ})|(?P<write>{_WRITE}))", re.IGNORECASE)
WRITES = re.compile(rf"\s*(?:{_WRITE})", re.IGNORECASE)
_LINE_LEAD = re.compile(r"[ \t>*\-:`(\d.]*")
_BEFORE_INNER = re.compile(
    r"(?:[(,=<>+\-*/|%]|\b(?:UNION|ALL|DISTINCT|EXCEPT|INTERSECT|MINUS|IN|EXISTS|ANY|SOME|AS|AND|OR|NOT|WHERE|ON|"
    r"THEN|ELSE|WHEN|BETWEEN|LIKE|SELECT|FROM|JOIN|BY|HAVING|INTO|SET))\s*\Z",
    re.IGNORECASE,
)
# What comes behind these is never a query of its own, also where the beginning cannot be read.
_ALWAYS_INNER = re.compile(
    r"(?:\b(?:UNION|EXCEPT|INTERSECT)(?:\s+(?:ALL|DISTINCT))?\s*\(?"
    r"|(?:\b(?:IN|EXISTS|FROM|JOIN|ANY|WHERE|AND|OR|NOT|AS)|[=<>])\s*\()\s*\Z",
    re.IGNORECASE,
)
_COMMENTS_LAST = re.compile(r"(?:\s|--[^\n]*\n|/\*[^*]*\*/)+\Z")
LEAD_CHARS = 160


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement in a text: where it starts and where the next one or prose begins, what stands before.

    `opens_line`: nothing but marks stands before it in its line; the others may be words of a sentence.
    """

    start: int
    end: int
    lead: str
    opens_line: bool
    writes: bool


def statements(text: str) -> list[Statement]:
    """The statements of `text` in order, without their subqueries and the arms of their set operations."""
    found: list[Statement] = []
    for match in _starts(text):
        start = match.start()
        if found and start < found[-1].end:
            if found[-1].writes or _inside(text, found[-1], start):
                continue
            found[-1] = replace(found[-1], end=start)
        elif _ALWAYS_INNER.search(text[max(0, start - 30) : start]):
            continue
        opens = not _LINE_LEAD.sub("", _line_before(text, start), count=1)
        end = start + len(before_prose(first_statement(text[start : start + MOST_CHARS])))
        after = found[-1].end if found else 0
        lead = text[max(after, start - LEAD_CHARS) : start]
        found.append(Statement(start, end, lead, opens, match["write"] is not None))
    return found


def _starts(text: str) -> Iterator[re.Match[str]]:
    for number, match in enumerate(_START.finditer(text)):
        if number >= MOST_STARTS:
            return
        yield match


def _inside(text: str, last: Statement, start: int) -> bool:
    """Whether what begins at `start` belongs to the statement before it."""
    before = _COMMENTS_LAST.sub("", text[max(last.start, start - 400) : start])
    if before.endswith(")"):
        return text[last.start : last.start + 4].upper() == "WITH"
    return bool(_BEFORE_INNER.search(before[-30:]))


def _line_before(text: str, start: int) -> str:
    return text[max(text.rfind("\n", 0, start) + 1, start - LEAD_CHARS) : start]
