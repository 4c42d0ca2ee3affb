"""Tables fit the terminal; elsewhere they are tabs and lines."""

import io

from rich.console import Console

from farm.cli import sheet
from farm.cli.sheet import Column

COLUMNS = (Column("id", right=True, whole=True), Column("question"), Column("state", whole=True))
LONG = "Which of all the customers that ever bought anything bought the most, and [what] was it? " * 3


def printed(columns: tuple[Column, ...], *rows: list[str], terminal: bool, width: int = 80) -> list[str]:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=width, color_system=None)
    sheet.show(console, columns, rows)
    return text.getvalue().splitlines()


def test_off_a_terminal_each_row_is_one_whole_line() -> None:
    lines = printed(COLUMNS, ["1", "two\nlines\tand a tab", "accepted"], ["2", LONG, "dead"], terminal=False)
    assert lines == ["id\tquestion\tstate", "1\ttwo lines and a tab\taccepted", f"2\t{LONG.strip()}\tdead"]


def test_on_a_terminal_no_line_is_wider_and_nothing_is_lost() -> None:
    lines = printed(COLUMNS, ["1", LONG, "accepted"], terminal=True)
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines).split()).count("[what]") == 3
    assert any("accepted" in line for line in lines)


def test_a_word_longer_than_the_terminal_is_folded_not_cut() -> None:
    lines = printed(COLUMNS, ["1", "x" * 300, "dead"], terminal=True, width=40)
    assert "".join(lines).count("x") == 300


def test_too_many_columns_become_a_block_for_each_row() -> None:
    columns = tuple(Column(f"column_{number}") for number in range(12))
    lines = printed(columns, [f"value {number}" for number in range(12)], terminal=True)
    assert lines[3].split() == ["column_3", "value", "3"]
    assert max(map(len, lines)) <= 80
