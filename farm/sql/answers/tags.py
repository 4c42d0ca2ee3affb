"""Finds <tag>…</tag> pairs in one pass, however many there are and however badly they are closed."""

import re
from collections.abc import Iterator

# Also with attributes (<code class="sql">), a value (<parameter=sql>) and in brackets ([SQL]).
_TAG = re.compile(
    r"<(/?)([a-z_]{2,20})(?:[ =][^<>\n]{0,80})?>|\[(/?)([A-Z_]{2,20})\]|\u25c1(/?)(\w{2,20})\u25b7",
    re.IGNORECASE,
)
# Where some models begin to say what they have thought out.
_SPOKEN = re.compile(
    r"<\|channel\|>final(?:<\|[^<>]{1,20}\|>[^<>]{0,20})?<\|message\|>"
    r"|<\|(?:end_of_thought|end_thinking|begin_of_solution)\|>",
)


def pairs(text: str, names: frozenset[str]) -> Iterator[tuple[int, int, int, int]]:
    """(start, start of content, end of content, end) of each innermost pair of one of `names`, in order."""
    opened: dict[str, tuple[int, int]] = {}
    for tag in _TAG.finditer(text):
        closes, name = _read(tag)
        if name not in names:
            continue
        if not closes:
            opened[name] = (tag.start(), tag.end())
        elif name in opened:
            start, content = opened.pop(name)
            yield start, content, tag.start(), tag.end()


def after_last_closing(text: str, names: frozenset[str]) -> str:
    """What follows the last closing tag of one of `names`; the whole text where there is none."""
    ends = [tag.end() for tag in _TAG.finditer(text) if _read(tag)[0] and _read(tag)[1] in names]
    ends += [mark.end() for mark in _SPOKEN.finditer(text)]
    return text[max(ends) :] if ends else text


def _read(tag: re.Match[str]) -> tuple[bool, str]:
    """Whether it closes, and its name in small letters."""
    return bool(tag[1] or tag[3] or tag[5]), (tag[2] or tag[4] or tag[6]).lower()
