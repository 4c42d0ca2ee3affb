"""Which lines of the sections fit a screen, and how they are drawn; pure."""

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from farm.cli.harmless import harmless
from farm.cli.sheet import Column
from farm.cli.top.sections import Row, Section

WARNING = "bold yellow"
HEADING = "dim"
NARROWEST_CHARS = 14
"""A column that is not whole is left out rather than made narrower."""
GUTTER_CHARS = 2


def fitted(sections: Sequence[Section], height: int) -> list[Section]:
    """The sections that fit so many lines, cut where they must be; one that is cut says how many are missing.

    First each in turn gets the least that makes sense, by rank; then what is left goes by rank as well.
    """
    ranked = sorted(range(len(sections)), key=lambda place: sections[place].rank)
    room, lines = height, dict.fromkeys(range(len(sections)), 0)
    for place in ranked:
        least = _heading(sections[place]) + min(sections[place].least, len(sections[place].rows))
        if least <= room:
            lines[place], room = least, room - least
    for place in ranked:
        if lines[place]:
            more = min(room, _heading(sections[place]) + len(sections[place].rows) - lines[place])
            lines[place], room = lines[place] + more, room - more
    return [_cut(sections[place], count) for place, count in lines.items() if count]


def _heading(section: Section) -> int:
    return 1 if section.columns else 0


def _cut(section: Section, lines: int) -> Section:
    room = lines - _heading(section)
    if len(section.rows) <= room:
        return section
    kept = list(section.rows[: max(1, room - 1)])
    missing = f"and {len(section.rows) - len(kept):,} more"
    if room > 1:
        kept.append((missing, *("",) * (len(kept[0]) - 1)))
    else:
        kept[0] = (f"{kept[0][0]} ({missing})", *kept[0][1:])
    return replace(section, rows=kept)


def drawn(sections: Sequence[Section], *, width: int, height: int) -> RenderableType:
    """The sections on so many lines, with empty ones between them as far as there is room."""
    shown = fitted(sections, height)
    spare = height - sum(_heading(section) + len(section.rows) for section in shown)
    parts: list[RenderableType] = []
    for place, section in enumerate(shown):
        if place and spare > 0:
            parts.append(Text())
            spare -= 1
        parts.append(_table(section, width) if section.columns else _lines(section))
    return Group(*parts)


def line(text: str, style: str = "") -> Text:
    """One line of text, cut where the screen ends; nothing in it is markup or moves the cursor."""
    return Text(harmless(text), style=style, no_wrap=True, overflow="ellipsis")


def _lines(section: Section) -> Group:
    return Group(
        *(
            line(row[0], WARNING if place in section.warnings else "")
            for place, row in enumerate(section.rows)
        )
    )


def _table(section: Section, width: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, GUTTER_CHARS, 0, 0), header_style=HEADING)
    places = _places(section.columns, section.rows, width)
    for place in places:
        column = section.columns[place]
        heading = line(column.name)
        table.add_column(heading, justify="right" if column.right else "left", no_wrap=column.whole)
    for number, row in enumerate(section.rows):
        style = WARNING if number in section.warnings else ""
        table.add_row(*(line(row[place]) for place in places), style=style)
    return table


def _places(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[int]:
    """The columns that fit: the last ones are left out first, and of all those that may be cut."""
    needed = [
        max(line(text).cell_len for text in (column.name, *(row[place] for row in rows))) + GUTTER_CHARS
        for place, column in enumerate(columns)
    ]
    least = [
        need if column.whole and place else min(need, NARROWEST_CHARS)
        for place, (need, column) in enumerate(zip(needed, columns, strict=True))
    ]
    places = list(range(len(columns)))
    for is_whole in (False, True):
        for place in reversed(range(1, len(columns))):
            if columns[place].whole is is_whole and sum(least[kept] for kept in places) > width:
                places.remove(place)
    return places
