"""Keeps text from outside (questions, schemas, notes) apart from what the farm itself says to a model.

Sections stand between tags. Text inside cannot end its section, nor open another, nor start another speaker's
turn: what chat templates use for that is given a space, as servers turn it into special tokens wherever it
stands. Characters that people do not see and models read are taken out. This makes injection harder; nothing
in a prompt can rule it out, so checks and targets take every answer for hostile.
"""

import re

TAGS = ("schema", "notes", "hints", "example", "accepted", "question")

_NAMES = "|".join("[\u200c\u200d]*".join(tag) for tag in TAGS)
_TAG = re.compile(
    rf"[<\uff1c\ufe64](?=\s{{0,8}}/?\s{{0,8}}(?:{_NAMES})\b)(?:([^<>\uff1c\uff1e]{{0,80}})>)?", re.IGNORECASE
)
_TURN = re.compile(
    r"(?<=<)(?=\|\w[\w./:-]{0,39}\|>|\uff5c[^\uff5c<>\n]{1,40}\uff5c>|/?s>|</?SYS>>"
    r"|/?(?:start|end)_of_turn>|(?:bos|eos|pad|unk)>)"
    r"|(?<=\[)(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])",
    re.IGNORECASE,
)
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


def fenced(tag: str, text: str) -> str:
    """The text as the section `tag`."""
    return f"<{tag}>\n{_TAG.sub(_bracketed, harmless(text.strip()))}\n</{tag}>"


def harmless(text: str) -> str:
    """The text without marks of other speakers' turns and without characters that nobody sees."""
    return _TURN.sub(" ", _UNSEEN.sub("", text))


def _bracketed(match: re.Match[str]) -> str:
    return "[" if match[1] is None else f"[{match[1]}]"
