"""What all commands share: exit codes, registering, printing, and opening the farm.

Results go to standard output; progress, hints and errors go to standard error.
"""

import getpass
import inspect
import json
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from farm import logs
from farm.api import Farm
from farm.cli.harmless import harmless_lines
from farm.errors import BadInput
from farm.private import whole_file
from farm.settings import Settings
from farm.store import actions


class Exit(IntEnum):
    """What a command's exit code says."""

    DONE = 0
    PARTLY = 1
    MISUSE = 2
    TROUBLE = 3
    INTERRUPTED = 130


class Group(StrEnum):
    """The parts of `farm --help`."""

    START = "Start"
    ASK = "Ask"
    LOOK = "Look"
    OPERATE = "Operate"


MOST_ID = 10**18 - 1
"""No store gives a higher number, and SQLite takes none beyond 64 bits."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


def add_command(
    app: typer.Typer, group: str | None, command: Callable[..., None], name: str | None = None
) -> None:
    """Add `command` to `app`; its docstring becomes the help, each paragraph as wide as the terminal."""
    app.command(name, rich_help_panel=group, help=unwrapped(inspect.getdoc(command) or ""))(command)


def unwrapped(text: str) -> str:
    """`text` with the lines of each paragraph joined; indented paragraphs stay as they are."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(part if part.startswith(" ") else " ".join(part.split()) for part in paragraphs)


@contextmanager
def opened() -> Iterator[Farm]:
    """The farm that the settings describe, closed at the end."""
    with Farm.connect(loaded()) as farm:
        yield farm


def loaded(**arguments: Any) -> Settings:
    """The settings, with logging set up by them."""
    settings = Settings.load(**arguments)
    logs.configure(
        level=settings.log_level,
        format=settings.log_format,
        path=settings.log_file,
        secrets=settings.secrets(),
    )
    return settings


def say(text: str) -> None:
    """A line of the result on standard output, with rich's markup; a terminal wraps it, nothing else does."""
    console.print(harmless_lines(text), soft_wrap=True)


def print_json(value: Any) -> None:
    """One line of JSON on standard output."""
    sys.stdout.write(json_line(value))


def json_line(value: Any) -> str:
    """`value` as a line of JSON, in characters that standard output can write."""
    is_unicode = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    return json.dumps(plain(value), ensure_ascii=not is_unicode) + "\n"


def plain(value: Any) -> Any:
    """`value` in what JSON knows; times in ISO 8601, bytes in hexadecimal, `nan` and `inf` as text."""
    match value:
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case Decimal():
            return plain(float(value))
        case float() if not math.isfinite(value):
            return str(value)
        case bool() | int() | float() | str() | None:
            return value
        case _ if is_dataclass(value) and not isinstance(value, type):
            return plain(asdict(value))
        case _:
            return str(value)


def fail(message: str) -> None:
    """Say what is wrong, on standard error."""
    errors.print(f"[bold red]farm:[/] {escape(harmless_lines(message))}", soft_wrap=True)


def note(message: str) -> None:
    """Say something beside the result, on standard error."""
    errors.print(escape(harmless_lines(message)), soft_wrap=True)


def text_of(file: str | Path) -> str:
    """What a text file holds, or standard input for `-`; raises BadInput."""
    try:
        text = sys.stdin.read() if str(file) == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text; save it as UTF-8"
        raise BadInput(f"{file} cannot be read ({why})") from None
    return text.removeprefix("\ufeff")  # the mark that some programs put before a text


@contextmanager
def output(path: Path | None) -> Iterator[IO[str]]:
    """Where a command writes: standard output for None, else a file that appears once it is complete."""
    if path is None:
        yield sys.stdout
        return
    try:
        with _terminated_as_interrupted(), whole_file(path) as stream:
            yield stream
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error.strerror})") from None


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does, so that what was begun is cleared away."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def usd(cost: float | None) -> str:
    """A cost for people; nothing where no price is set."""
    return "" if cost is None else f"${cost:,.4f}"


def counted(count: int, noun: str) -> str:
    """Such as `1 query`, `2 queries`, `1,200 tasks`."""
    several = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else several}"


def program() -> str:
    """How the farm was called, to print commands that can be copied."""
    called = Path(sys.argv[0])
    if called.name != "farm":
        return "farm"
    on_path = any(Path(folder) == called.parent for folder in os.get_exec_path())
    return "farm" if on_path else sys.argv[0]


def nobody_works(scales: Sequence[int | None]) -> str:
    """What to say where no worker is alive, by the number that each queue was scaled to."""
    if scales and not any(scale != 0 for scale in scales):
        return "no worker is alive: all queues are scaled to 0; `farm scale QUEUE=` goes back to the settings"
    return "no worker is alive; `farm up` starts some"


def record(farm: Farm, action: str, **detail: Any) -> None:
    """Note in the action log what whoever sits at this terminal did; what is None is left out."""
    said = {name: value for name, value in detail.items() if value not in (None, [])}
    with farm.store.write() as connection:
        actions.record(connection, actor=f"{_user()} (command line)", action=action, detail=said)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # nobody's: a container may run a number without a name
        return "somebody"
