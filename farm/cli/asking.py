"""`farm enqueue`, `farm requeue`, `farm cancel`: giving the farm work, and taking it back."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from farm import intake
from farm.api import Farm, task_check
from farm.batch import Batch
from farm.cli.progress import follow
from farm.cli.shared import (
    MOST_ID,
    Exit,
    Group,
    Json,
    add_command,
    counted,
    fail,
    note,
    opened,
    print_json,
    record,
    say,
)
from farm.errors import BadInput
from farm.intake import BadRow, Format
from farm.store import targets
from farm.store.states import TaskState
from farm.targets.describing import require_dialect
from jobs.task import Task

SHOWN = 20


class BadRows(BadInput):
    """Some rows of the input are no tasks, so nothing was enqueued."""


def register(root: typer.Typer) -> None:
    """Add these commands to `farm`."""
    for command in (enqueue, requeue, cancel):
        add_command(root, Group.ASK, command)


def enqueue(
    file: Annotated[str, typer.Argument(help="A .jsonl or .csv file, or - for standard input.")],
    format: Annotated[str | None, typer.Option(help="jsonl or csv, where the name does not tell.")] = None,
    target: Annotated[str | None, typer.Option(help="The target of rows that name none.")] = None,
    dialect: Annotated[
        str | None, typer.Option(help="In what other dialect the queries are wanted, of rows that name none.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="A name for the batch.")] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Enqueue the good rows beside bad ones.")
    ] = False,
    webhook: Annotated[
        list[str] | None,
        typer.Option(help="An address that is told when the batch has ended; may be given again."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the batch until it is done.")] = False,
    json: Json = False,
) -> None:
    """Enqueue the questions of a file as one batch, all of them or none.

    Columns: question, target, and optionally key, model, priority, tags, dialect. A question that was
    enqueued before (the same key, or the same question for the same target, model and dialect) is not asked
    or paid for again.
    """
    bad: list[BadRow] = []
    with opened() as farm, ExitStack() as stack:
        rows = _rows(farm, _stream(file, stack), _format(file, format), target, dialect)
        try:
            batch = farm.enqueue(_good(rows, bad, keep_going), name=name, webhook=webhook or ())
        except BadInput as error:
            _report(bad)
            if json:
                print_json(_result(None, bad))
            raise _refusal(error, bad, keep_going) from None
        _report(bad)
        if batch.announced is False:
            note("Redis does not take them now: the tasks wait in the store, and are worked once it is back")
        if wait:
            note(f"batch {batch.id}: {counted(batch.added or 0, 'task')} enqueued")
            follow(batch)
        if json:
            print_json(_result(batch, bad))
        else:
            say(_summary(batch, waited=wait))
    if bad:
        raise typer.Exit(Exit.PARTLY)


def requeue(
    task: Annotated[
        list[int] | None, typer.Argument(help="Ids of tasks; none: all that match.", max=MOST_ID)
    ] = None,
    state: Annotated[str | None, typer.Option(help="rejected or dead; both if not given.")] = None,
    batch: Annotated[int | None, typer.Option(help="Only tasks of this batch.", max=MOST_ID)] = None,
    target: Annotated[str | None, typer.Option(help="Only tasks for this target.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only tasks that ended for this reason.")] = None,
    model: Annotated[str | None, typer.Option(help="Ask this model instead; a pool must ask it.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Needed when nothing narrows the choice.")
    ] = False,
) -> None:
    """Let rejected and dead tasks be worked again, optionally by another model."""
    if not (task or everything) and (batch, target, reason) == (None, None, None):
        raise BadInput("this would requeue every rejected and dead task; name some, narrow it, or add --all")
    if state not in (None, TaskState.REJECTED, TaskState.DEAD):
        raise BadInput(f"only rejected and dead tasks can be requeued, not {state}")
    states = (TaskState(state),) if state else (TaskState.REJECTED, TaskState.DEAD)
    with opened() as farm:
        count = farm.requeue(
            task_ids=task or None,
            batch_id=batch,
            target=target,
            states=states,
            model=model,
            reason_code=reason,
        )
        said = {
            "ids": task,
            "state": state,
            "batch": batch,
            "target": target,
            "reason": reason,
            "model": model,
        }
        record(farm, "requeue", **said, tasks=count)
    say(f"{counted(count, 'task')} requeued")


def cancel(
    batch: Annotated[int | None, typer.Argument(help="The batch's number.", max=MOST_ID)] = None,
    task: Annotated[
        list[int] | None, typer.Option(help="Only this task; may be given again.", max=MOST_ID)
    ] = None,
) -> None:
    """Let the waiting tasks of a batch, or some of them, end; those in work come to their end."""
    if batch is None and not task:
        raise BadInput("name the batch that is to be cancelled, or tasks: farm cancel --task 7")
    with opened() as farm:
        if batch is not None:
            farm.batch(batch)
        count = farm.cancel(batch_id=batch, task_ids=task or None)
        record(farm, "cancel", batch=batch, ids=task, tasks=count)
    say(f"{counted(count, 'task')} cancelled")


def _stream(file: str, stack: ExitStack) -> IO[str]:
    if file == "-":
        return sys.stdin
    try:
        return stack.enter_context(Path(file).open(encoding="utf-8-sig", newline=""))
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror})") from None


def _format(file: str, given: str | None) -> Format:
    if given in ("jsonl", "csv"):
        return "jsonl" if given == "jsonl" else "csv"
    if given is not None:
        raise BadInput(f"there is no format {given!r}; use jsonl or csv")
    return "jsonl" if file == "-" else intake.format_of(Path(file))


def _rows(
    farm: Farm, stream: IO[str], format: Format, target: str | None, dialect: str | None
) -> Iterator[Task | BadRow]:
    """Every row, held against the targets and pools there are; an unknown default stops it at once."""
    known = targets.names(farm.store)
    if target is not None and target not in known:
        raise targets.unknown(target, known)
    if dialect is not None:
        require_dialect(dialect)

    return intake.read(
        stream, format, default_target=target, default_dialect=dialect, check=task_check(farm, known)
    )


def _good(rows: Iterator[Task | BadRow], bad: list[BadRow], keep_going: bool) -> Iterator[Task]:
    """The rows that are tasks; the others go to `bad`. Without `keep_going`, one of them stops it all."""
    for row in rows:
        if isinstance(row, BadRow):
            bad.append(row)
        elif keep_going or not bad:
            yield row
    if bad and not keep_going:
        raise BadRows


def _refusal(error: BadInput, bad: list[BadRow], keep_going: bool) -> BadInput:
    """Why nothing was enqueued, in one sentence."""
    count = "1 row is bad" if len(bad) == 1 else f"{len(bad):,} rows are bad"
    if isinstance(error, BadRows):
        return BadInput(f"nothing was enqueued: {count}; mend them, or use --keep-going")
    if bad and keep_going:
        return BadInput(f"nothing was enqueued: {count}, and none is good")
    return error


def _report(bad: list[BadRow]) -> None:
    for row in bad[:SHOWN]:
        fail(f"line {row.line}: {row.reason}")
    if len(bad) > SHOWN:
        note(f"… and {counted(len(bad) - SHOWN, 'bad row')} more")


def _result(batch: Batch | None, bad: list[BadRow]) -> dict[str, Any]:
    rows = [{"line": row.line, "reason": row.reason} for row in bad]
    if batch is None:
        return {"batch": None, "added": 0, "known": 0, "bad": rows}
    return {"batch": batch.id, "added": batch.added, "known": batch.known, "bad": rows}


def _summary(batch: Batch, *, waited: bool) -> str:
    known = f", {batch.known:,} known already" if batch.known else ""
    summary = f"batch {batch.id}: {counted(batch.added or 0, 'task')} enqueued{known}"
    if waited:
        now = batch.progress()
        alike = batch.duplicates()
        same = f" ({alike:,} the same as an earlier one)" if alike else ""
        summary += f"; {now.accepted:,} accepted{same}, {now.rejected + now.dead:,} refused"
    return summary
