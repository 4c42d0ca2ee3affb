"""Reading tasks from a file: JSONL or CSV, row by row, with the line of everything that is wrong."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from farm.errors import BadInput
from jobs.task import COLUMNS, InvalidTask, Task

Format = Literal["jsonl", "csv"]
SUFFIXES: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv"}
FIELD_LIMIT_CHARS = 1_000_000
SPREAD_OUT = "this is no JSON line, its value goes on below; write one object per line, as `jq -c` does"
NO_OBJECT = 'this is no JSON object; write {"question": …, "target": …}'


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is no task, by its line in the file, and why."""

    line: int
    reason: str


def format_of(path: Path) -> Format:
    """The format that a file's name tells; raises BadInput."""
    try:
        return SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise BadInput(f"{path} is neither .jsonl nor .csv; say which with --format") from None


def read(
    stream: IO[str],
    format: Format,
    *,
    default_target: str | None,
    default_dialect: str | None = None,
    check: Callable[[Task], None],
) -> Iterator[Task | BadRow]:
    """Every row as a task, or as what is wrong with it. `check` raises what else forbids a task.

    Raises BadInput where the file as a whole cannot be read: no header, unknown columns, no text.
    """
    rows = _jsonl(_lines(stream), _name(stream)) if format == "jsonl" else _csv(_lines(stream), _name(stream))
    defaults = {"target": default_target, "dialect": default_dialect}
    line = 0
    try:
        for line, row in rows:
            yield _task(line, row, defaults, check)
    except UnicodeDecodeError as error:
        where = f"after line {line}" if line else "near its start"
        raise BadInput(
            f"{_name(stream)} is no UTF-8 text ({error.reason} {where}); save it as UTF-8"
        ) from None


def of_values(
    values: Iterable[Any],
    *,
    default_target: str | None,
    default_dialect: str | None = None,
    check: Callable[[Task], None],
) -> Iterator[Task | BadRow]:
    """Values that were read already, as `read` takes rows of a file; `line` counts them from 1."""
    defaults = {"target": default_target, "dialect": default_dialect}
    for line, value in enumerate(values, start=1):
        yield _task(line, value if isinstance(value, dict) else NO_OBJECT, defaults, check)


def _task(
    line: int,
    row: Mapping[str, Any] | str,
    defaults: Mapping[str, str | None],
    check: Callable[[Task], None],
) -> Task | BadRow:
    if isinstance(row, str):
        return BadRow(line, row)
    try:
        missing = {name: value for name, value in defaults.items() if row.get(name) in (None, "")}
        task = Task.from_mapping({**row, **missing})
        check(task)
    except (InvalidTask, BadInput) as error:
        return BadRow(line, str(error))
    return task


def _lines(stream: IO[str]) -> Iterator[str]:
    """The lines of a stream, without the mark that some programs put before the first."""
    for place, text in enumerate(stream):
        yield text if place else text.removeprefix("\ufeff")


def _jsonl(lines: Iterator[str], file: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    nothing_yet = True
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        if nothing_yet and text.strip() in ("[", "{"):
            raise BadInput(f"{file}, line {line}: {SPREAD_OUT}")
        nothing_yet = False
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            yield line, f"this is no JSON ({error}); write one object per line"
            continue
        yield line, row if isinstance(row, dict) else NO_OBJECT


def _csv(lines: Iterator[str], file: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Rows with the line each begins on (quoted text may hold line breaks)."""
    csv.field_size_limit(FIELD_LIMIT_CHARS)
    reader = csv.reader(lines, strict=True)
    line = 1
    try:
        header = [name.strip().lower() for name in next(filter(any, reader), [])]
        _require_columns(header, file)
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, _row(header, cells)
            line = reader.line_num + 1
    except csv.Error as error:
        begun = f"; its row begins in line {line}: is a quote left open?" if line < reader.line_num else ""
        raise BadInput(f"{file}, line {reader.line_num}: this is no CSV ({error}){begun}") from None


def _row(header: list[str], cells: list[str]) -> Mapping[str, Any] | str:
    if len(cells) > len(header):
        return f"{len(cells)} cells for {len(header)} columns; put text that holds commas in double quotes"
    return dict(zip(header, cells, strict=False))


def _require_columns(header: Sequence[str], file: str) -> None:
    if "question" not in header:
        found = f"its first line is {', '.join(header)!r:.200}" if header else "it is empty"
        raise BadInput(f"{file} has no column `question` ({found}); {_mend(header)}")
    if twice := [name for name in COLUMNS if header.count(name) > 1]:
        raise BadInput(f"{file} has the column {twice[0]!r} twice; leave one of them out")
    if "" in header:
        place = header.index("") + 1
        raise BadInput(f"{file} has no name above its column {place}; write one, or leave the column out")
    if unknown := [name for name in header if name not in COLUMNS]:
        raise BadInput(f"{file} has an unknown column {unknown[0]!r}; known columns are {', '.join(COLUMNS)}")


def _mend(header: Sequence[str]) -> str:
    """What a first line without a `question` most likely needs."""
    if any("\0" in name for name in header):
        return "is it UTF-16? Save it as UTF-8"
    if len(header) == 1 and re.match(r"question\s*[;\t|]|.*[;\t|]\s*question", header[0]):
        return "separate its columns with commas"
    return f"known columns are {', '.join(COLUMNS)}"


def _name(stream: IO[str]) -> str:
    return str(getattr(stream, "name", "the input"))
