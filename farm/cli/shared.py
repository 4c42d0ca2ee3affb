"""What all commands share: exit codes, printing, and opening the farm."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console

from farm import logs
from farm.api import Farm
from farm.settings import Settings


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


Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)


@contextmanager
def opened() -> Iterator[Farm]:
    """The farm that the settings describe, closed at the end."""
    with Farm.connect(loaded()) as farm:
        yield farm


def loaded(**arguments: Any) -> Settings:
    """The settings, with logging set up by them."""
    settings = Settings.load(**arguments)
    logs.configure(level=settings.log_level, format=settings.log_format, path=settings.log_file)
    return settings


def print_json(value: Any) -> None:
    """One line of JSON on standard output."""
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False) + "\n")


def plain(value: Any) -> Any:
    """`value` in what JSON knows; times in ISO 8601, bytes in hexadecimal."""
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
            return float(value)
        case bool() | int() | float() | str() | None:
            return value
        case _ if is_dataclass(value) and not isinstance(value, type):
            return plain(asdict(value))
        case _:
            return str(value)


def fail(message: str) -> None:
    """Say what is wrong, on standard error."""
    errors.print(f"[bold red]farm:[/] {_escaped(message)}", soft_wrap=True)


def note(message: str) -> None:
    """Say something beside the result, on standard error."""
    errors.print(_escaped(message), soft_wrap=True)


def usd(cost: float | None) -> str:
    """A cost for people; nothing where no price is set."""
    return "" if cost is None else f"${cost:,.4f}"


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
