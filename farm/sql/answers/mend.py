"""Undoes what markup, chat interfaces and word processors do to SQL."""

import html
import re

_REPLACED: dict[str, str | None] = {
    **dict.fromkeys("\u2018\u2019\u201a\u2032", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f\u3000", " "),
    **dict.fromkeys("\u2013\u2212", "-"),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", None),
    **{chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},  # wide forms of ASCII
}
_TYPOGRAPHY = str.maketrans(_REPLACED)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_LONG_ENTITY = re.compile(r"&#(?=\d{9})")  # Python makes a number of no more than 4,300 digits
_ESCAPED_LINE = re.compile(r"\\r?\\n|\\n|\\t")
_ESCAPED_MARK = re.compile(r"\\([_*\[\]()#+\-.!<>=%|{}`~\"&])")
_QUOTE_MARK = re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE)
_IS_QUOTED = re.compile(r"[ \t]*>[^\n]*\n[ \t]*>")


def mended(text: str) -> tuple[str, ...]:
    """Other readings of `text`, the most careful first; none where there is nothing to undo.

    First without entities, typographic quotes, wide and invisible characters, and marks of quotation; then
    also without backslashes before marks of Markdown or for line ends.
    """
    careful = _BREAK.sub("\n", html.unescape(_LONG_ENTITY.sub("&amp;#", text))).translate(_TYPOGRAPHY)
    if _IS_QUOTED.match(careful):
        careful = _QUOTE_MARK.sub("", careful)
    bold = _ESCAPED_MARK.sub(r"\1", _ESCAPED_LINE.sub("\n", careful)) if "\\" in careful else careful
    return tuple(each for each in dict.fromkeys((careful, bold)) if each != text)
