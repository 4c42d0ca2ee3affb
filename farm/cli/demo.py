"""`farm demo`: the whole farm on a shop's database, with nothing to set up first."""

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from farm.api import Farm
from farm.batch import Batch
from farm.cli.progress import shown
from farm.cli.running import running
from farm.cli.shared import Exit, Group, add_command, console, counted, loaded, note, program, say
from farm.demo import shop
from farm.demo.grading import Graded, Score, grade, score, shop_path
from farm.demo.questions import Question, questions
from farm.private import make_folder
from jobs.task import Task

if TYPE_CHECKING:
    from farm.watchdog.runner import Runner

TARGET = "shop"
SIDE_BY_SIDE_CHARS = 120


def register(root: typer.Typer) -> None:
    """Add this command to `farm`."""
    add_command(root, Group.START, demo)


def demo(
    stay: Annotated[
        bool | None,
        typer.Option("--stay/--no-stay", help="Keep workers and pages up; default: on a terminal."),
    ] = None,
) -> None:
    """Answer 40 report questions on a shop's database, from nothing to graded results.

    Starts an embedded Valkey, makes the shop (SQLite, about 10 tables), serves a local model unless
    OPENAI_API_KEY or OPENAI_BASE_URL is set, and works the questions with two workers. Started again, it goes
    on where it was, and pays for nothing twice. On a terminal it then stays up, to look at the pages and to
    ask more, until Ctrl-C.
    """
    settings = loaded()
    if settings.log_file is None:
        make_folder(settings.home)
        settings = loaded(log_file=settings.home.absolute() / "farm.log")
    started = time.monotonic()
    with Farm.connect(settings) as farm:
        asked = questions()
        batch = _enqueue(farm, asked)
        stays = console.is_terminal if stay is None else stay
        if _done(batch) and not stays:
            _show(farm, batch, asked, started)
            return
        with running(farm) as runner:
            address = runner.serve_pages() if settings.web else None
            if address is not None:
                note(f"watch it in a browser: {address}")
            if not _work(runner, batch):
                note("stopped; start the demo again and it goes on from here")
                raise typer.Exit(Exit.INTERRUPTED)
            _show(farm, batch, asked, started)
            if stays:
                note(f"\nThe farm is up, at {address or 'no page'}; ask it more there. Ctrl-C stops it.")
                runner.work()


def _show(farm: Farm, batch: Batch, asked: tuple[Question, ...], started: float) -> None:
    results = batch.results(wait=False)
    graded = grade(zip(asked, results, strict=True), farm.target(TARGET))
    console.print(table(graded, width=console.width))
    _print_score(score(graded), seconds=time.monotonic() - started)
    _print_next_steps(graded)


def _enqueue(farm: Farm, asked: tuple[Question, ...]) -> Batch:
    path = shop_path(farm.settings.home)
    if not path.exists():
        note(f"making the shop: {path}")
        shop.build(path)
    farm.add_target(TARGET, dialect="sqlite", url=f"sqlite:///{path}", notes=shop.notes())
    batch = farm.enqueue((Task(question=question.text, target=TARGET) for question in asked), name="demo")
    note(f"{counted(batch.added or 0, 'question')} enqueued, {batch.known} known from before")
    return batch


def _done(batch: Batch) -> bool:
    progress = batch.progress()
    if progress.done == progress.total:
        note("every question was answered before; nothing is asked or paid for again")
        return True
    return False


def _work(runner: "Runner", batch: Batch) -> bool:
    """Work until the batch is done; False: somebody stopped it."""
    progress = batch.progress()
    if progress.done == progress.total:
        return True
    with shown(progress.total) as show:

        def look() -> None:
            nonlocal progress
            progress = batch.progress()
            show(progress)

        return runner.work(until=lambda: progress.done == progress.total, on_look=look, drain=False)


def table(graded: list[Graded], *, width: int) -> Table:
    """Question, state, SQL and rows; on a narrow terminal the SQL stands below its question."""
    wide = width >= SIDE_BY_SIDE_CHARS
    shown = Table(box=box.HORIZONTALS, show_lines=True, width=width)
    shown.add_column("", justify="right", no_wrap=True)
    shown.add_column("question" if wide else "question and SQL", ratio=2, overflow="fold")
    if wide:
        shown.add_column("SQL", ratio=3, overflow="fold")
    shown.add_column("state", no_wrap=True, min_width=len("accepted"))
    shown.add_column("rows", justify="right", no_wrap=True)
    for number, row in enumerate(graded, start=1):
        question, sql = f"[bold]{escape(row.question.text)}[/]", escape(row.result.sql or row.trouble or "")
        told = [question, sql] if wide else [f"{question}\n{sql}"]
        shown.add_row(str(number), *told, _state(row), "" if row.rows is None else f"{row.rows:,}")
    return shown


def _state(row: Graded) -> str:
    if row.correct:
        return "[green]accepted\ncorrect[/]"
    if row.correct is None:
        return f"[red]{row.result.state}[/]"
    return f"[yellow]accepted\n{'fails' if row.trouble else 'differs'}[/]"


def _print_score(figures: Score, *, seconds: float) -> None:
    accepted, correct = (f"{count} of {figures.total}" for count in (figures.accepted, figures.correct))
    say(f"acceptance rate     [bold]{figures.acceptance_rate:.1%}[/] ({accepted})")
    say(f"execution accuracy  [bold]{figures.execution_accuracy:.1%}[/] ({correct} give the gold's rows)")
    say(f"{figures.tokens:,} tokens, {seconds:,.0f} s")


def _print_next_steps(graded: list[Graded]) -> None:
    farm = program()
    example = next((row.result.query_id for row in graded if row.correct), 1)
    note(
        f"\nLook closer:\n"
        f"  {farm} queries revenue           search what was accepted\n"
        f"  {farm} show {example:<20} one query, and where it came from\n"
        f"  {farm} run {example:<21} its rows\n"
        f"  {farm} tasks --state rejected    what was not good enough, and why\n"
        f"  {farm} export -o queries.csv     all of them in a file\n"
        f"  {farm} up                        the pages in a browser, to chart and to ask more\n"
        f"  {farm} target show shop          the schema and notes that the model saw"
    )
