"""`farm report`: a batch as one file to send to somebody."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track

from farm.api import Farm
from farm.cli.shared import Group, add_command, counted, errors, note, opened, output
from farm.errors import BadInput, NotFound
from farm.store import batches

if TYPE_CHECKING:
    from farm.web.standalone import Document

STANDARD_OUTPUT = Path("-")


def register(root: typer.Typer) -> None:
    """Add this command to `farm`."""
    add_command(root, Group.LOOK, report)


def report(
    html: Annotated[Path, typer.Option("--html", help="The file to write; - for standard output.")],
    batch: Annotated[str | None, typer.Option(help="Its number or its name; the newest if none.")] = None,
    most: Annotated[
        int, typer.Option(help="Leave out questions beyond so many.", min=1, max=100_000)
    ] = 1_000,
    rows: Annotated[bool, typer.Option("--rows/--no-rows", help="With rows and charts, or without.")] = True,
    run: Annotated[bool, typer.Option("--run", help="Run the accepted queries anew for their rows.")] = False,
) -> None:
    """Write a batch as one HTML file: questions, SQL, verdicts, cost, and charts of what was run.

    The file needs no server and no network, and may be sent to anybody who may see the rows in it; --no-rows
    leaves them out. With --run the accepted queries are run, read-only, each within FARM_ROW_LIMIT and
    FARM_RUN_TIMEOUT_SECONDS; else it has the rows of earlier runs.
    """
    from farm.reporting import fresh
    from farm.reporting.entry import Wanted
    from farm.web.standalone import Document

    if run and not rows:
        raise BadInput("--run is for rows, which --no-rows leaves out; give one of them")
    path = None if html == STANDARD_OUTPUT else html
    with opened() as farm, fresh.runs(farm) if run else nullcontext() as runs:
        wanted = Wanted(most=most, rows=rows)
        with Document(farm, batch_id(farm, batch), wanted, runs) as document, output(path) as stream:
            expected = min(most, document.summary.total)
            shown = track(document.collect(), "writing", total=expected, console=errors, transient=True)
            for _ in shown if errors.is_terminal else document.collect():
                pass
            stream.writelines(document.pieces())
        _tell(document, path)


def batch_id(farm: Farm, named: str | None) -> int:
    """The batch of that number or name, the newest of several; raises NotFound."""
    with farm.store.read() as connection:
        if named is None:
            found = next(iter(batches.find(connection, limit=1)), None)
        else:
            is_number = named.isascii() and named.isdigit() and len(named) < 19
            found = batches.get(connection, int(named)) if is_number else None
            found = found or batches.named(connection, named)
    if found is None:
        what = "no batch yet; `farm enqueue` makes one" if named is None else f"no batch {named!r:.120}"
        raise NotFound(f"there is {what}")
    return found.id


def _tell(document: "Document", path: Path | None) -> None:
    summary = document.summary
    where = "" if path is None else f" to {path} ({path.stat().st_size / 1e6:,.1f} MB)"
    note(
        f"batch {document.batch.id}: {counted(len(summary.lines), 'question')} and "
        f"{counted(summary.charts, 'chart')} written{where}"
    )
    if summary.left_out:
        why = "the file would grow too large" if summary.cut_by_size else "--most takes more"
        note(f"{counted(summary.left_out, 'question')} left out: {why}")
    if summary.failed_runs:
        note(f"{counted(summary.failed_runs, 'run')} failed; the file says why, below each question")
    if summary.charts_missing:
        from farm.charts.image import MISSING

        note(f"without charts: {MISSING}")
