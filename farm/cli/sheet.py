"""Rows and columns for people on a terminal, and for `cut` and `awk` where the output goes elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from farm.cli.harmless import harmless, harmless_lines

LEAST_COLUMN_CHARS = 8
GUTTER_CHARS = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A heading. `right`: numbers; `whole`: never broken over lines (ids, states, times)."""

    name: str
    right: bool = False
    whole: bool = False


def show(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a table that fits the terminal; elsewhere one line per row, its cells separated by tabs, whole.

    Where the terminal is too narrow for so many columns, each row becomes a block of `name  value` lines.
    """
    if not console.is_terminal:
        lines = [[column.name for column in columns], *rows]
        console.file.writelines("\t".join(map(harmless, line)) + "\n" for line in lines)
    elif fits(len(columns), console.width):
        console.print(_table(columns, rows))
    else:
        for row in rows:
            console.print(_block(columns, row))


def fits(columns: int, width: int) -> bool:
    """Whether so many columns can stand side by side and be read."""
    return columns * (LEAST_COLUMN_CHARS + GUTTER_CHARS) <= width


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(
            _plain(column.name),
            justify="right" if column.right else "left",
            no_wrap=column.whole,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*map(_plain, row))
    return table


def _block(columns: Sequence[Column], row: Sequence[str]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for column, cell in zip(columns, row, strict=True):
        table.add_row(_plain(column.name), _plain(cell))
    table.add_row()
    return table


def _plain(cell: str) -> str:
    """A cell's text, in which nothing is markup and nothing moves the cursor."""
    return escape(harmless_lines(cell))
