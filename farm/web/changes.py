"""What one text has that another has not, line by line."""

import difflib
from collections import Counter
from dataclasses import dataclass

LINES_LIMIT = 2_000
PAIRS_LIMIT = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of either text; `sign` is `+` where only the new one has it, `-` where only the old one has."""

    sign: str
    text: str


def changes(old: str, new: str) -> list[Line]:
    """All lines of both texts, in order; of very many lines, or lines alike, all count as changed."""
    before, after = old.splitlines(), new.splitlines()
    if len(before) + len(after) > LINES_LIMIT or _pairs(before, after) > PAIRS_LIMIT:
        return _replaced(before, after)
    found = []
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    for kind, a1, a2, b1, b2 in matcher.get_opcodes():
        if kind == "equal":
            found += [Line(sign=" ", text=text) for text in before[a1:a2]]
        else:
            found += _replaced(before[a1:a2], after[b1:b2])
    return found


def _pairs(before: list[str], after: list[str]) -> int:
    """How many pairs of the same line there are, which is what comparing takes its time for."""
    there = Counter(after)
    return sum(there[text] for text in before)


def _replaced(before: list[str], after: list[str]) -> list[Line]:
    taken = [Line(sign="-", text=text) for text in before]
    return taken + [Line(sign="+", text=text) for text in after]
