"""What fits a screen is shown; what does not is said to be missing."""

import pytest
from rich.console import Console

from farm.cli.sheet import Column
from farm.cli.top.layout import drawn, fitted
from farm.cli.top.sections import Section, sparkline

TABLE = Section(
    columns=(Column("name", whole=True), Column("why"), Column("count", right=True, whole=True)),
    rows=[(f"worker-{number}", "because of [bold]this[/] " * 3, str(number)) for number in range(8)],
    rank=1,
)
LINES = Section(rows=[("first",), ("second",), ("third",)], rank=0)


def text(*sections: Section, width: int, height: int) -> list[str]:
    """The lines of a screen of that size."""
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(drawn(sections, width=width, height=height), end="")
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("height", [1, 2, 5, 9, 12, 30])
def test_nothing_is_wider_or_higher_than_the_screen(width: int, height: int) -> None:
    lines = text(TABLE, LINES, width=width, height=height)
    assert 1 <= len(lines) <= height
    assert max(map(len, lines)) <= width


def test_all_is_shown_where_there_is_room() -> None:
    assert fitted([TABLE, LINES], 12) == [TABLE, LINES]
    lines = text(TABLE, LINES, width=80, height=13)
    assert (lines[9], lines[10:]) == ("", ["first", "second", "third"])


def test_rows_without_room_are_counted() -> None:
    assert text(TABLE, LINES, width=80, height=8)[-4] == "and 5 more"
    assert text(TABLE, width=80, height=2)[1].startswith("worker-0 (and 7 more)")


def test_what_ranks_lower_goes_first() -> None:
    assert fitted([TABLE, LINES], 2)[0].rows == [("first",), ("and 2 more",)]


def test_narrow_screens_keep_the_first_columns() -> None:
    assert text(TABLE, width=24, height=9)[:2] == ["name      count", "worker-0      0"]
    assert text(TABLE, width=8, height=9)[0] == "name"


def test_markup_stays_text() -> None:
    assert "because of [bold]this[/]" in text(TABLE, width=80, height=9)[1]


def test_a_sparkline_is_as_high_as_its_highest_value() -> None:
    assert sparkline([0, 1, 50, 100]) == "▁▂▅█"
    assert sparkline([0, 0]) == ""
