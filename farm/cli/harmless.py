"""Text of strangers on a terminal: questions, names and reasons may hold what a terminal obeys."""

import re

COMMANDS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, with which escape sequences begin; marks that turn the direction of writing."""

LAID_OUT = re.compile(COMMANDS.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def harmless(text: str) -> str:
    """`text` as one line that moves no cursor, colours nothing and is written as it is read."""
    return COMMANDS.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))


def harmless_lines(text: str) -> str:
    """The same with its lines and tabs as they are."""
    return LAID_OUT.sub("\N{REPLACEMENT CHARACTER}", text)
