"""`farm pause`, `resume`, `migrate`, `doctor`: keeping a farm well."""

from typing import Annotated

import typer

from farm.api import open_store
from farm.cli.shared import Exit, Group, Json, console, loaded, opened, print_json
from farm.health import doctor as checks
from farm.store import migrate as migrations

Queue = Annotated[str, typer.Argument(help="The queue's name.")]


def register(root: typer.Typer) -> None:
    """Add these commands to `farm`."""
    for command in (doctor, migrate, pause, resume):
        root.command(rich_help_panel=Group.OPERATE)(command)


def pause(queue: Queue = "default") -> None:
    """Issue no more work for a queue; tasks in flight come to their end."""
    with opened() as farm:
        farm.pause(queue)
    console.print(f"queue {queue} is paused; `farm resume {queue}` goes on")


def resume(queue: Queue = "default") -> None:
    """Issue work for a queue again."""
    with opened() as farm:
        farm.resume(queue)
    console.print(f"queue {queue} runs")


def migrate() -> None:
    """Bring the store to this version of the farm; safe to run again."""
    with open_store(loaded()) as store:
        before, after = migrations.migrate(store)
        where = store.where
    if before == after:
        console.print(f"{where} is at revision {after} already", soft_wrap=True)
    else:
        console.print(f"{where}: revision {before or 'none'} to {after}", soft_wrap=True)


def doctor(json: Json = False) -> None:
    """Show every setting with its source, and test Redis, the store, the model and the targets."""
    settings = loaded()
    shown = checks.settings_with_sources(settings)
    results = checks.run(settings)
    if json:
        print_json({"settings": shown, "checks": results})
    else:
        checks.show(console, shown, results)
    if not all(result.ok for result in results):
        raise typer.Exit(Exit.PARTLY)
