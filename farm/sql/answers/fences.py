"""Code fences of Markdown, the likeliest answer first."""

import re
from dataclasses import dataclass

LEAD_CHARS = 160

_FENCE = re.compile(
    r"^[ \t>]*(`{3,12}|~{3,12})(?![`~])[ \t]*([\w+-]*)[^\n`]*\n(.*?)(?:^[ \t>]*\1|\1|(\Z))",
    re.DOTALL | re.MULTILINE,
)
_IN_LINE = re.compile(
    r"```[ \t]*(?:(?:sql|sqlite|postgres|postgresql|mysql|duckdb)[ \t]+)?([^\n`]+)```", re.IGNORECASE
)
_CHOSEN = re.compile(
    r"\b(?:final|correct(?:ed)?|right|fixed|revised|updated|improved|should be|instead use|use this)\b"
    r"|\banswer\s*:",
    re.IGNORECASE,
)
_PASSED_OVER = re.compile(
    r"\b(?:wrong|incorrect|not correct|won't work|would fail|don't|do not|never|avoid|original|previous|"
    r"before|earlier|first (?:try|attempt)|draft|alternative(?:ly)?|optional(?:ly)?|another way|variant|"
    r"if you (?:want|need|prefer|also)|for (?:example|instance|reference|testing)|test (?:data|it)|sample|"
    r"breakdown|explain|explanation|sub-?query|inner query|step \d|would (?:return|look like|print)|output|"
    r"index|to verify|to check)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Fence:
    """One fence: its content, the words right before it, its place; `closed`: not cut off."""

    text: str
    lead: str
    start: int
    closed: bool


def fences(text: str) -> list[Fence]:
    """All fences: those marked as final first, those marked as something else last; of equals the last."""
    found = []
    end = 0
    for match in _FENCE.finditer(text):
        lead = text[max(end, match.start() - LEAD_CHARS) : match.start()]
        found.append(Fence(match[3], lead, match.start(), match[4] is None))
        end = match.end()
    found += [Fence(match[1], "", match.start(), True) for match in _IN_LINE.finditer(text)]
    return sorted(found, key=lambda fence: (fence.closed, promise(fence.lead), fence.start), reverse=True)


def promise(lead: str) -> int:
    """1 where the words before a query present it as the answer, -1 where as something else, else 0."""
    said = last_words(lead)
    if _PASSED_OVER.search(said):
        return -1
    return 1 if _CHOSEN.search(said) else 0


def last_words(lead: str) -> str:
    """The last sentence or heading before a query."""
    lines = [line for line in lead.splitlines() if line.strip(" \t>*#-`:;")]
    return re.split(r"(?<=[.!?])\s", lines[-1].strip())[-1] if lines else ""
