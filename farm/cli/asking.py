"""`farm enqueue`, `farm requeue`: giving the farm work."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated

import typer

from farm import intake
from farm.api import Farm
from farm.cli.progress import follow
from farm.cli.shared import Exit, Group, Json, console, fail, note, opened, print_json
from farm.errors import BadInput
from farm.intake import BadRow, Format
from farm.store import targets
from farm.store.states import TaskState
from jobs.task import Task

SHOWN = 20


def register(root: typer.Typer) -> None:
    """Add these commands to `farm`."""
    root.command(rich_help_panel=Group.ASK)(enqueue)
    root.command(rich_help_panel=Group.ASK)(requeue)
    root.command(rich_help_panel=Group.ASK)(cancel)


def enqueue(
    file: Annotated[str, typer.Argument(help="A .jsonl or .csv file, or - for standard input.")],
    format: Annotated[str | None, typer.Option(help="jsonl or csv, where the name does not tell.")] = None,
    target: Annotated[str | None, typer.Option(help="The target of rows that name none.")] = None,
    name: Annotated[str | None, typer.Option(help="A name for the batch.")] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Enqueue the good rows beside bad ones.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the batch until it is done.")] = False,
    json: Json = False,
) -> None:
    """Enqueue the questions of a file as one batch.

    Columns: question, target, and optionally key, model, priority, tags. A question that was enqueued before
    (the same key, or the same question for the same target and model) is not asked or paid for again.
    """
    with opened() as farm, _opened(file) as stream:
        bad: list[BadRow] = []
        tasks = _good(farm, stream, _format(file, format), target, bad, keep_going)
        try:
            batch = farm.enqueue(tasks, name=name)
        except BadInput as error:
            if not bad:
                raise
            _report(bad)
            raise BadInput(f"nothing was enqueued: {_count(bad)}; mend them, or use --keep-going") from error
        if json:
            rows = [{"line": row.line, "reason": row.reason} for row in bad]
            print_json({"batch": batch.id, "added": batch.added, "known": batch.known, "bad": rows})
        else:
            known = f", {batch.known} known already" if batch.known else ""
            console.print(f"batch {batch.id}: {batch.added} enqueued{known}")
        _report(bad)
        if wait:
            follow(batch)
    if bad:
        raise typer.Exit(Exit.PARTLY)


def requeue(
    task: Annotated[list[int] | None, typer.Argument(help="Ids of tasks; none: all that match.")] = None,
    batch: Annotated[int | None, typer.Option(help="Only tasks of this batch.")] = None,
    target: Annotated[str | None, typer.Option(help="Only tasks for this target.")] = None,
    state: Annotated[str | None, typer.Option(help="rejected or dead; both if not given.")] = None,
    model: Annotated[str | None, typer.Option(help="Ask this model instead; a pool must ask it.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Needed when nothing narrows the choice.")
    ] = False,
) -> None:
    """Let rejected and dead tasks be worked again, optionally by another model."""
    if not (task or batch or target or everything):
        raise BadInput("this would requeue every rejected and dead task; name some, narrow it, or add --all")
    if state not in (None, TaskState.REJECTED, TaskState.DEAD):
        raise BadInput(f"only rejected and dead tasks can be requeued, not {state}")
    states = (TaskState(state),) if state else (TaskState.REJECTED, TaskState.DEAD)
    with opened() as farm:
        count = farm.requeue(task_ids=task or None, batch_id=batch, target=target, states=states, model=model)
    console.print(f"{count} requeued")


def cancel(batch: Annotated[int, typer.Argument(help="The batch's number.")]) -> None:
    """Let the waiting tasks of a batch end; those in work come to their end."""
    with opened() as farm:
        chosen = farm.batch(batch)
        chosen.progress()
        console.print(f"{chosen.cancel()} cancelled")


@contextmanager
def _opened(file: str) -> Iterator[IO[str]]:
    if file == "-":
        yield sys.stdin
        return
    try:
        with Path(file).open(encoding="utf-8-sig", newline="") as stream:
            yield stream
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror})") from None


def _format(file: str, given: str | None) -> Format:
    if given in ("jsonl", "csv"):
        return "jsonl" if given == "jsonl" else "csv"
    if given is not None:
        raise BadInput(f"there is no format {given!r}; use jsonl or csv")
    return "jsonl" if file == "-" else intake.format_of(Path(file))


def _good(
    farm: Farm, stream: IO[str], format: Format, target: str | None, bad: list[BadRow], keep_going: bool
) -> Iterator[Task]:
    """The rows that are tasks; the others go to `bad`. Without `keep_going`, one of them stops it all."""
    known = targets.names(farm.store)

    def check(task: Task) -> None:
        if task.target not in known:
            raise BadInput(str(targets.unknown(task.target, known)))
        farm.queue_for(task.model)

    for row in intake.read(stream, format, default_target=target, check=check):
        if isinstance(row, BadRow):
            bad.append(row)
        elif keep_going or not bad:
            yield row
    if bad and not keep_going:
        raise BadInput("bad rows")


def _report(bad: list[BadRow]) -> None:
    for row in bad[:SHOWN]:
        fail(f"line {row.line}: {row.reason}")
    if len(bad) > SHOWN:
        note(f"… and {len(bad) - SHOWN:,} more bad rows")


def _count(bad: list[BadRow]) -> str:
    return "1 row is bad" if len(bad) == 1 else f"{len(bad):,} rows are bad"
