"""`farm top`: drawn again and again on a terminal, printed once elsewhere."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from farm.cli import sheet
from farm.cli.harmless import harmless
from farm.cli.shared import Group as HelpGroup
from farm.cli.shared import add_command, console, loaded, opened
from farm.cli.top.figures import Figures, read
from farm.cli.top.keys import END, keys
from farm.cli.top.layout import WARNING, drawn, line
from farm.cli.top.sections import Section, sections
from farm.cli.top.watching import Seen, Watching

TICK_SECONDS = 0.1
MOST_TROUBLE_LINES = 5
STOP_KEYS = frozenset({"q", "Q", END})


def register(root: typer.Typer) -> None:
    """Add this command to `farm`."""
    add_command(root, HelpGroup.LOOK, top)


def top(
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1, max=3600)] = 2.0,
    hours: Annotated[int, typer.Option(help="Count acceptance over so many hours.", min=1, max=168)] = 24,
    once: Annotated[
        bool, typer.Option("--once", help="Print it once; so it is done elsewhere anyway.")
    ] = False,
) -> None:
    """Watch queues, workers, throughput, acceptance and cost until q or Ctrl-C."""
    if once or not console.is_terminal or console.is_dumb_terminal:
        with opened() as farm:
            _print(read(farm, hours=hours), hours=hours)
        return
    settings = loaded()
    with Watching(settings, hours=hours, every_seconds=every) as watching, _signals() as told:
        while True:
            _watch(watching, told, hours=hours, every_seconds=every)
            if not told.to_rest:
                return
            told.to_rest = False
            os.kill(os.getpid(), signal.SIGSTOP)  # with the shell's own screen; `fg` comes back here


@dataclass(kw_only=True, slots=True)
class _Told:
    """What signals have asked for."""

    to_end: bool = False
    to_rest: bool = False


@contextmanager
def _signals() -> Iterator[_Told]:
    """Notes Ctrl-C, SIGTERM and Ctrl-Z, so that the screen is left as it was found."""
    told = _Told()

    def end(*_: Any) -> None:
        told.to_end = True

    def rest(*_: Any) -> None:
        told.to_rest = True

    wanted = {signal.SIGINT: end, signal.SIGTERM: end}
    if sys.platform != "win32":
        wanted[signal.SIGTSTP] = rest
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(watching: Watching, told: _Told, *, hours: int, every_seconds: float) -> None:
    """Draw what is new, on a screen of its own, until somebody has had enough."""
    shown: tuple[Any, ...] = ()
    with keys() as key, Live(console=console, screen=True, auto_refresh=False) as live:
        while not told.to_end and not told.to_rest:
            seen, size = watching.latest(), console.size
            if shown != (seen, size):
                live.update(_screen(seen, size.width, size.height, hours, every_seconds), refresh=True)
                shown = (seen, size)
            if STOP_KEYS & set(key(TICK_SECONDS)):
                return


def _screen(seen: Seen, width: int, height: int, hours: int, every_seconds: float) -> RenderableType:
    """Everything that the terminal shows."""
    head: list[RenderableType] = [_head(seen, width, every_seconds)]
    if seen.trouble is not None:
        told = Text(harmless(f"{seen.trouble}; trying again"), style=WARNING)
        head += told.wrap(console, width)[:MOST_TROUBLE_LINES]
    if seen.figures is None:
        return Group(*head)
    rest = drawn(sections(seen.figures, hours=hours), width=width, height=height - len(head))
    return Group(*head, rest)


def _head(seen: Seen, width: int, every_seconds: float) -> Text:
    if seen.figures is None:
        return line("farm  opening the store …  q ends")
    at = f"{seen.figures.at.astimezone():%H:%M:%S}, every {every_seconds:g} s, q ends"
    left = line(f"farm  {seen.figures.store}", "bold")
    left.truncate(max(4, width - len(at) - 2), overflow="ellipsis", pad=True)
    return Text.assemble(left, "  ", at, no_wrap=True, overflow="ellipsis")


def _print(figures: Figures, *, hours: int) -> None:
    """All of it, one thing below the other; elsewhere than on a terminal cells are separated by tabs."""
    for place, section in enumerate(sections(figures, hours=hours)):
        if place:
            console.print()
        _print_section(section)


def _print_section(section: Section) -> None:
    rows = [[harmless(cell) for cell in row] for row in section.rows]
    if section.columns:
        sheet.show(console, section.columns, rows)
        return
    for row in section.rows:
        console.print(Text(harmless(row[0])), soft_wrap=True)
