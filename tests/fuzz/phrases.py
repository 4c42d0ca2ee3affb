"""What fuzzing writes: words of SQL, names of a schema, wrappings of answers, in any order and number."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

DIALECTS = ("sqlite", "postgres", "mysql", "duckdb")
_DATA = Path(__file__).parents[1] / "data" / "fuzz"


def _lines(name: str) -> tuple[str, ...]:
    """One piece a line, escaped as in Python's strings."""
    lines = (_DATA / name).read_text("ascii").splitlines()
    return tuple(line.encode().decode("unicode_escape") for line in lines)


DDL = (_DATA / "schema.sql").read_text()
SEEDS = (_DATA / "queries.sql").read_text().splitlines()
NAMES = _lines("names.txt")
EXPRESSIONS = (*NAMES, *_lines("expressions.txt"))
PIECES = (*_lines("keywords.txt"), *NAMES, *_lines("signs.txt"), *_lines("wrappings.txt"))
MOST_CHANGES = 6
MOST_REPEATS = 12_000


class Decisions:
    """Choices read from bytes, so that who changes the bytes changes the text; all zero past their end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def any_left(self) -> bool:
        return self._at < len(self._data)

    def number(self, most: int) -> int:
        """From 0 to `most`."""
        taken = self._data[self._at : self._at + (1 if most < 256 else 2)]
        self._at += len(taken)
        return int.from_bytes(taken, "big") % (most + 1)

    def choice(self, options: Sequence[str]) -> str:
        return options[self.number(len(options) - 1)]

    def character(self) -> str:
        return chr(self.number(0xFFFF))


def phrase(decisions: Decisions) -> str:
    """A query with some of its words changed, or mere words; attacks repeat one stretch many times."""
    pieces = list(_words(decisions) if decisions.number(3) == 1 else _changed(decisions))
    if pieces and decisions.number(63) == 1:
        start = decisions.number(len(pieces) - 1)
        stretch = pieces[start : start + 1 + decisions.number(7)]
        pieces[start:start] = stretch * (1 + decisions.number(MOST_REPEATS))
    return " ".join(pieces)


def _words(decisions: Decisions) -> Iterator[str]:
    while decisions.any_left:
        yield _piece(decisions)


def _changed(decisions: Decisions) -> list[str]:
    """One of the seeds: mostly other names at their places, else words put in, left out or moved."""
    words = _seed(decisions)
    for _ in range(decisions.number(MOST_CHANGES)):
        place = decisions.number(len(words))
        length = decisions.number(3)
        change = decisions.number(15)
        if change == 0:
            words[place : place + length] = []
        elif change == 1:
            words[place:place] = words[decisions.number(len(words)) :][: 4 * length]
        elif change == 2:
            words[place : place + min(length, 1)] = [_piece(decisions)]
        elif change == 3:
            words[place:place] = ["FROM", "(", *_seed(decisions), ")", "AS", "t"]
        else:
            _rename(words, place, decisions)
    return words


def _rename(words: list[str], place: int, decisions: Decisions) -> None:
    """Put an expression in the place of the next name or number from there on."""
    for at in range(place, len(words)):
        if words[at].isalnum() and not words[at].isupper():
            words[at] = decisions.choice(EXPRESSIONS)
            return


def _seed(decisions: Decisions) -> list[str]:
    return _WORD.findall(decisions.choice(SEEDS))


def _piece(decisions: Decisions) -> str:
    return decisions.choice(PIECES) if decisions.number(31) else decisions.character()


_WORD = re.compile(r"\w+|'[^']*'|[<>=!|:]+|\S")
