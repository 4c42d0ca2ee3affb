"""`farm demo`: the whole farm on a shop's database, with nothing to set up first."""

import sys
import time

import typer
from rich.markup import escape
from rich.table import Table

from farm.api import Farm
from farm.batch import Batch
from farm.cli.local_model import weights_for
from farm.cli.progress import shown
from farm.cli.shared import Exit, Group, console, loaded, note
from farm.demo import shop
from farm.demo.grading import Graded, Score, grade, score, shop_path
from farm.demo.questions import Question, questions
from farm.watchdog.runner import Runner
from jobs.task import Task

TARGET = "shop"


def register(root: typer.Typer) -> None:
    """Add this command to `farm`."""
    root.command(rich_help_panel=Group.START)(demo)


def demo() -> None:
    """Answer 40 report questions on a shop's database, from nothing to graded results.

    Starts an embedded Valkey, makes the shop (SQLite, about 10 tables), serves a local model unless
    OPENAI_API_KEY or OPENAI_BASE_URL is set, and works the questions with two workers. Started again, it goes
    on where it was, and pays for nothing twice.
    """
    settings = loaded()
    if settings.log_file is None:
        settings.home.mkdir(parents=True, exist_ok=True)
        settings = loaded(log_file=settings.home.absolute() / "farm.log")
    started = time.monotonic()
    with Farm.connect(settings) as farm:
        asked = questions()
        batch = _enqueue(farm, asked)
        if not _work(farm, batch):
            note("stopped; start the demo again and it goes on from here")
            raise typer.Exit(Exit.INTERRUPTED)
        results = batch.results(wait=False)
        graded = grade(zip(asked, results, strict=True), farm.target(TARGET))
    console.print(_table(graded))
    _print_score(score(graded), seconds=time.monotonic() - started)
    _print_next_steps(graded)


def _enqueue(farm: Farm, asked: tuple[Question, ...]) -> Batch:
    path = shop_path(farm.settings.home)
    if not path.exists():
        note(f"making the shop: {path}")
        shop.build(path)
    farm.add_target(TARGET, dialect="sqlite", url=f"sqlite:///{path}", notes=shop.notes())
    batch = farm.enqueue((Task(question=question.text, target=TARGET) for question in asked), name="demo")
    note(f"{batch.added} questions enqueued, {batch.known} known from before")
    return batch


def _work(farm: Farm, batch: Batch) -> bool:
    """Work until the batch is done; False: somebody stopped it."""
    progress = batch.progress()
    if progress.done == progress.total:
        note("every question was answered before; nothing is asked or paid for again")
        return True
    weights = weights_for(farm.settings)

    with Runner(farm.settings, farm.store, weights=weights) as runner, shown(progress.total) as show:

        def look() -> None:
            nonlocal progress
            progress = batch.progress()
            show(progress)

        return runner.work(until=lambda: progress.done == progress.total, on_look=look, drain=False)


def _table(graded: list[Graded]) -> Table:
    table = Table("", "question", "state", "SQL", "rows", show_lines=True)
    for number, row in enumerate(graded, start=1):
        table.add_row(
            str(number),
            escape(row.question.text),
            _state(row),
            escape(row.result.sql or row.trouble or ""),
            "" if row.rows is None else f"{row.rows:,}",
        )
    return table


def _state(row: Graded) -> str:
    if row.correct:
        return "[green]accepted, correct[/]"
    if row.correct is None:
        return f"[red]{row.result.state}[/]"
    return f"[yellow]accepted, {'fails' if row.trouble else 'differs from gold'}[/]"


def _print_score(figures: Score, *, seconds: float) -> None:
    console.print(
        f"acceptance rate [bold]{figures.acceptance_rate:.1%}[/] ({figures.accepted} of {figures.total})   "
        f"execution accuracy [bold]{figures.execution_accuracy:.1%}[/] ({figures.correct} of {figures.total})   "
        f"{figures.tokens:,} tokens   {seconds:,.0f} s"
    )


def _print_next_steps(graded: list[Graded]) -> None:
    farm = sys.argv[0]
    example = next((row.result.query_id for row in graded if row.correct), 1)
    console.print(
        f"\nLook closer:\n"
        f"  {farm} queries revenue      search what was accepted\n"
        f"  {farm} show {example:<13}    one query, and where it came from\n"
        f"  {farm} run {example:<14}    its rows\n"
        f"  {farm} export -o queries.csv\n"
        f"  {farm} target show shop      the schema and notes that the model saw",
        highlight=False,
        soft_wrap=True,
    )
