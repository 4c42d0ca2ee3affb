"""`farm doctor`, `migrate`, `pause`, `resume`, `scale`: keeping a farm well."""

import os
from typing import Annotated

import typer
from rich.markup import escape

from farm.api import open_store
from farm.cli import sheet
from farm.cli.shared import (
    Exit,
    Group,
    Json,
    add_command,
    console,
    counted,
    loaded,
    note,
    opened,
    print_json,
    record,
    say,
)
from farm.cli.sheet import Column
from farm.errors import BadInput

Queue = Annotated[str, typer.Argument(help="The queue's name.")]
SETTING_COLUMNS = (Column("setting", whole=True), Column("value"), Column("source"))


def register(root: typer.Typer) -> None:
    """Add these commands to `farm`."""
    for command in (doctor, migrate, pause, resume, scale):
        add_command(root, Group.OPERATE, command)


def doctor(json: Json = False) -> None:
    """Show every setting with its source, and test Redis, the store, the model and the targets.

    Secrets are masked. The model is asked for one word, which costs a few tokens.
    """
    from farm.health import doctor as checks
    from farm.health.sources import misspelt, settings_with_sources

    settings = loaded()
    shown = settings_with_sources(settings)
    for name, meant in misspelt(os.environ).items():
        note(f"{name} is no setting; did you mean {meant}?")
    if not json:
        sheet.show(console, SETTING_COLUMNS, [[row["name"], row["value"], row["source"]] for row in shown])
        note("testing …")
    results = checks.run(settings)
    if json:
        print_json({"settings": shown, "checks": results})
    else:
        for result in results:
            mark = "[green]ok  [/]" if result.ok else "[bold red]FAIL[/]"
            say(f"{mark} {result.name}: {escape(result.message)}")
    if not all(result.ok for result in results):
        raise typer.Exit(Exit.PARTLY)


def migrate() -> None:
    """Bring the store to this version of the farm; safe to run again."""
    with open_store(loaded()) as store:
        from farm.store.migrate import migrate as upgrade

        before, after = upgrade(store)
        where = store.where
    if before == after:
        say(f"{escape(where)} is at revision {after} already")
    else:
        say(f"{escape(where)}: revision {before or 'none'} to {after}")


def pause(queue: Queue = "default") -> None:
    """Issue no more work for a queue; tasks in flight come to their end."""
    with opened() as farm:
        farm.pause(queue)
        record(farm, "pause", queue=queue)
    say(f"queue {queue} is paused; `farm resume {queue}` goes on")


def resume(queue: Queue = "default") -> None:
    """Issue work for a queue again."""
    with opened() as farm:
        farm.resume(queue)
        record(farm, "resume", queue=queue)
    say(f"queue {queue} runs")


def scale(
    numbers: Annotated[
        list[str], typer.Argument(help="Queues with their numbers of workers, such as default=8.")
    ],
) -> None:
    """Run more workers or fewer, at once: `farm scale default=8 big=2`.

    Counts in every farm that is running or started later, until `default=` (no number) goes back to the
    settings. A worker that is one too many finishes its tasks first; 0 lets a queue wait.
    """
    wanted = [_number_of_workers(number) for number in numbers]
    with opened() as farm:
        farm.scale(dict(wanted))
        record(farm, "scale", **dict(wanted))
    for queue, workers in wanted:
        count = "workers as its settings say" if workers is None else counted(workers, "worker")
        say(f"queue {queue}: {count}")


def _number_of_workers(text: str) -> tuple[str, int | None]:
    queue, equals, number = text.partition("=")
    if queue and equals and not number:
        return queue, None
    if not queue or not number.isdecimal():
        raise BadInput(f"{text!r} names no queue with a number; write default=8")
    return queue, int(number)
