"""`farm up`, `farm workers`: bringing a farm to work, in the foreground until it is told to stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from farm.api import Farm
from farm.cli.local_model import weights_for
from farm.cli.progress import shown
from farm.cli.shared import Exit, Group, add_command, loaded, note, say
from farm.store import status
from farm.store.results import Progress

if TYPE_CHECKING:
    from farm.watchdog.runner import Runner


def register(root: typer.Typer) -> None:
    """Add these commands to `farm`."""
    for command in (up, workers):
        add_command(root, Group.START, command)


def up() -> None:
    """Bring up everything: the queue's server if none is set, workers, watchdog, reconciler, pages.

    Runs until Ctrl-C or SIGTERM, then lets tasks in flight end; a second Ctrl-C stops at once. Needs a model:
    OPENAI_API_KEY or OPENAI_BASE_URL, else a local one is fetched and served.
    """
    _work(burst=False, pages=True)


def workers(
    burst: Annotated[bool, typer.Option("--burst", help="Stop when no task is waiting or in work.")] = False,
) -> None:
    """Run the workers with their watchdog; with --burst until nothing is waiting.

    Several may run, on one machine or many, over the same store and Redis.
    """
    _work(burst=burst)


@contextmanager
def running(farm: Farm) -> Iterator["Runner"]:
    """Everything that a farm needs, from when its servers answer; Ctrl-C before that is no failure."""
    from farm.watchdog.runner import Runner
    from farm.watchdog.watchdog import FarmEnded

    runner = Runner(farm.settings, farm.store, weights=weights_for(farm.settings), reload=loaded)
    try:
        with runner:
            yield runner
    except FarmEnded as error:
        if not runner.stopping:
            raise
        note(str(error))
        raise typer.Exit(Exit.INTERRUPTED) from None


def _work(*, burst: bool, pages: bool = False) -> None:
    settings = loaded()
    with Farm.connect(settings) as farm, running(farm) as runner:
        pools = ", ".join(
            f"{name}: {pool.workers} x {pool.model}" for name, pool in settings.all_pools().items()
        )
        note(f"working ({pools}); Ctrl-C lets tasks in flight end and stops")
        if pages and settings.web:
            note(f"the pages are at {runner.serve_pages()}")
        if not burst:
            runner.work()
            return
        with shown(_progress(farm).total) as show:
            finished = runner.work(until=runner.settled, on_look=lambda: show(_progress(farm)))
        if not finished:
            note("stopped before the end; what was in work goes on next time")
            raise typer.Exit(Exit.INTERRUPTED)
    say("nothing is waiting")


def _progress(farm: Farm) -> Progress:
    """All tasks of the farm, seen as one batch."""
    with farm.store.read() as connection:
        counts = status.tasks_by_state(connection)
        spent = status.spent(connection)
    return Progress(
        total=sum(counts.values()),
        prompt_tokens=spent.prompt_tokens,
        completion_tokens=spent.completion_tokens,
        cost_usd=spent.cost_usd,
        **counts,
    )
