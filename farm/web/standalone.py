"""A batch as one HTML file that needs nothing else: no server, no network, no script."""

import hashlib
import io
import tempfile
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from markupsafe import Markup

from farm.api import Farm
from farm.errors import NotFound, UnknownTarget
from farm.private import whole_file
from farm.reporting import fresh
from farm.reporting.entry import Entry, Wanted, entries
from farm.reporting.picture import Draughtsman
from farm.reporting.result import ShownResult
from farm.sql.format import pretty
from farm.store import batch_pace, batches
from farm.store.batches import BatchLine
from farm.store.engine import now
from farm.store.states import TaskState
from farm.web.results import Sorting, table
from farm.web.templating import TEMPLATES, plain_environment

MOST_BYTES = 20_000_000
"""Of questions and charts; mail takes hardly more."""
IN_MEMORY_BYTES = 4_000_000
PIECE_CHARS = 1 << 16
MOST_WITHOUT_CONTENTS = 10
ROWS_SHOWN = 20
COLUMNS_SHOWN = 30
LONGEST_LINE_CHARS = 90
FOLDER = "standalone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A question in the table of contents."""

    number: int
    question: str
    state: TaskState


@dataclass(kw_only=True, slots=True)
class Summary:
    """What went into a document. `cut_by_size`: there was no room for more."""

    total: int
    lines: list[Line] = field(default_factory=list)
    models: Counter[str] = field(default_factory=Counter)
    targets: dict[str, str] = field(default_factory=dict)
    finished_at: datetime | None = None
    charts: int = 0
    failed_runs: int = 0
    charts_missing: bool = False
    cut_by_size: bool = False

    @property
    def left_out(self) -> int:
        """How many questions of the batch are not in it."""
        return max(0, self.total - len(self.lines))


class Document:
    """First `collect`, which takes its time, then `pieces`; what it needs meanwhile is given back by `close`.

    However large the batch, a bounded part of it is held in memory.
    """

    def __init__(
        self, farm: Farm, batch_id: int, wanted: Wanted | None = None, run: fresh.Run | None = None
    ) -> None:
        """Raises NotFound for a batch that there is not, or that is empty."""
        self._farm, self._wanted, self._run = farm, wanted or Wanted(), run
        with farm.store.read() as connection:
            batch = batches.get(connection, batch_id)
            total = batches.standing(connection, batch_id).total
        if batch is None or not total:
            raise NotFound(f"there is no batch {batch_id}, or it is empty")
        self.batch: BatchLine = batch
        self.summary = Summary(total=total)
        self._templates = plain_environment()
        self._draughtsman = Draughtsman()
        self._body = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by `close`
            max_size=IN_MEMORY_BYTES, mode="w+", encoding="utf-8"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what was kept aside."""
        self._body.close()

    def collect(self) -> Iterator[int]:
        """Read and draw one question after the other; gives the number of each."""
        template = self._templates.get_template(f"{FOLDER}/entry.html")
        size_bytes = 0
        for entry in entries(self._farm.store, self.batch.id, self._wanted, self._run):
            self._note_target(entry)
            html = template.render(self._told(entry))
            size_bytes += len(html.encode())
            if size_bytes > MOST_BYTES and self.summary.lines:
                self.summary.cut_by_size = True
                break
            self._body.write(html)
            self._note(entry)
            yield entry.number
        self.summary.charts = self._draughtsman.drawn
        self.summary.charts_missing = self._draughtsman.is_missing

    def pieces(self) -> Iterator[str]:
        """The text of the file."""
        yield self._templates.get_template(f"{FOLDER}/head.html").render(self._figures())
        self._body.seek(0, io.SEEK_SET)
        while piece := self._body.read(PIECE_CHARS):
            yield piece
        yield self._templates.get_template(f"{FOLDER}/foot.html").render(summary=self.summary)

    def _note(self, entry: Entry) -> None:
        task, summary = entry.task, self.summary
        summary.lines.append(Line(number=entry.number, question=task.question[:200], state=task.state))
        if entry.report is not None:
            summary.models[entry.report.model] += 1
        summary.failed_runs += entry.trouble is not None
        if task.finished_at is not None:
            summary.finished_at = max(task.finished_at, summary.finished_at or task.finished_at)

    def _note_target(self, entry: Entry) -> None:
        name = entry.task.target
        if name not in self.summary.targets:
            try:
                self.summary.targets[name] = self._farm.target(name).dialect
            except UnknownTarget:
                self.summary.targets[name] = ""

    def _told(self, entry: Entry) -> dict[str, Any]:
        report, result = entry.report, entry.result
        dialect = self.summary.targets[entry.task.target]
        return {
            "entry": entry,
            "task": entry.task,
            "report": report,
            "dialect": dialect,
            "sql": None if report is None else readable(report.sql, report.dialect),
            "result": result,
            "table": None if result is None else shown_table(result),
            "rows_shown": ROWS_SHOWN,
            "columns_shown": COLUMNS_SHOWN,
            "picture": None if result is None else self._draughtsman.draw(result),
        }

    def _figures(self) -> dict[str, Any]:
        with self._farm.store.read() as connection:
            standing = batches.standing(connection, self.batch.id, batches.CONFIRM)
            spend = batch_pace.spend(connection, self.batch.id, standing)
            reasons = batches.reasons(connection, self.batch.id) if standing.refused else []
        style = Markup((TEMPLATES / FOLDER / "style.css").read_text("utf-8"))  # noqa: S704 # nosec B704
        digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
        return {
            "batch": self.batch,
            "summary": self.summary,
            "standing": standing,
            "spend": spend,
            "reasons": reasons,
            "made_at": now(),
            "has_contents": len(self.summary.lines) > MOST_WITHOUT_CONTENTS,
            "States": TaskState,
            "style": style,
            "policy": f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'",
        }


def readable(sql: str, dialect: str) -> str:
    """A query as it is run, unless it is one long line: that is laid out, which may spell words otherwise."""
    is_laid_out = "\n" in sql.strip() or len(sql) <= LONGEST_LINE_CHARS
    return sql if is_laid_out else pretty(sql, dialect)


def shown_table(result: ShownResult) -> Any:
    """The first rows and columns of a result, as pages show them."""
    rows = [row[:COLUMNS_SHOWN] for row in result.rows[:ROWS_SHOWN]]
    return table(result.columns[:COLUMNS_SHOWN], rows, Sorting())


def write_report(
    farm: Farm, batch_id: int, path: str | Path, *, wanted: Wanted | None = None, run: bool = False
) -> Summary:
    """Write a batch as one HTML file, its owner's alone; it is there once it is complete.

    With `run` the accepted queries are run anew, read-only and within the limits of the settings. Raises
    NotFound or OSError.
    """
    with (
        fresh.runs(farm) if run else nullcontext() as runs,
        Document(farm, batch_id, wanted, runs) as document,
    ):
        for _ in document.collect():
            pass
        with whole_file(Path(path)) as stream:
            stream.writelines(document.pieces())
        return document.summary
