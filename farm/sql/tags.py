"""Finds <tag>…</tag> pairs in one pass, however many there are and however badly they are closed."""

import re
from collections.abc import Iterator

_TAG = re.compile(r"<(/?)([a-z_]{2,20})>", re.IGNORECASE)


def pairs(text: str, names: frozenset[str]) -> Iterator[tuple[int, int, int, int]]:
    """(start, start of content, end of content, end) of each innermost pair of one of `names`, in order."""
    opened: dict[str, tuple[int, int]] = {}
    for tag in _TAG.finditer(text):
        name = tag[2].lower()
        if name not in names:
            continue
        if not tag[1]:
            opened[name] = (tag.start(), tag.end())
        elif name in opened:
            start, content = opened.pop(name)
            yield start, content, tag.start(), tag.end()


def after_last_closing(text: str, names: frozenset[str]) -> str:
    """What follows the last closing tag of one of `names`; the whole text where there is none."""
    ends = [tag.end() for tag in _TAG.finditer(text) if tag[1] and tag[2].lower() in names]
    return text[ends[-1] :] if ends else text
