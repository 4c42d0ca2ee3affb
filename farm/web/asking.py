"""What the form that asks questions says, and enqueueing it."""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import IO

from farm import intake
from farm.api import Farm, task_check
from farm.errors import BadInput
from farm.intake import BadRow
from farm.store import targets
from farm.store.requests import Keyed
from jobs.task import InvalidTask, Task

SHOWN_ROWS = 50
NAME_LIMIT_CHARS = 200
PIECE_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What came of a form. `bad` are the first rows that were left out, `bad_count` counts all of them.

    `choice` is what the next question is likely to share, for the address of the next form.
    """

    batch_id: int
    added: int
    known: int
    announced: bool | None
    bad: tuple[BadRow, ...] = ()
    bad_count: int = 0
    choice: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The fields as typed; `several`: each line is a question of its own."""

    question: str = ""
    several: bool = False
    target: str = ""
    model: str = ""
    dialect: str = ""
    tags: str = ""
    priority: str = ""
    name: str = ""
    keep_going: bool = False

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> "Form":
        """The fields of a POST, or of a query string that brings a choice along."""
        texts = {
            name: value.strip() if name != "question" else value
            for name in ("question", "target", "model", "dialect", "tags", "priority", "name")
            if isinstance(value := fields.get(name, ""), str)
        }
        return cls(**texts, several="several" in fields, keep_going="keep_going" in fields)

    def choice(self) -> dict[str, str]:
        """The fields that the next question is likely to share."""
        chosen = {"target": self.target, "model": self.model, "dialect": self.dialect, "tags": self.tags}
        return {name: value for name, value in chosen.items() if value}


class BadRows(BadInput):
    """Rows of a file are no tasks, so that nothing was enqueued. `bad` are the first of them."""

    def __init__(self, message: str, bad: tuple[BadRow, ...], bad_count: int) -> None:
        super().__init__(message)
        self.bad = bad
        self.bad_count = bad_count


@dataclass
class _Rejects:
    """Rows that are no tasks: the first of them, and how many there are."""

    first: list[BadRow] = field(default_factory=list)
    count: int = 0

    def add(self, row: BadRow) -> None:
        self.count += 1
        if len(self.first) < SHOWN_ROWS:
            self.first.append(row)


class Upload(io.TextIOWrapper):
    """An uploaded file as text, under the name it came with."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        super().__init__(file, encoding="utf-8", newline="")
        self._shown = name

    @property
    def name(self) -> str:
        """As error messages call it."""
        return self._shown


def identity(form_key: str, form: Form, file: IO[bytes] | None) -> str:
    """What tells a form that is sent again from another one: a digest of its key and of all it says.

    The key alone would not do: whoever goes back and changes the question sends it again. "" without a key.
    """
    if not form_key:
        return ""
    digest = hashlib.sha256("\x1f".join([form_key, *map(str, astuple(form))]).encode("utf-8", "replace"))
    if file is not None:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
        file.seek(0)
    return digest.hexdigest()


def ask(farm: Farm, form: Form, *, key: str = "") -> Asked:
    """Enqueue the questions of the text field; `key` is the form's identity. Raises BadInput."""
    lines = form.question.splitlines() if form.several else [form.question]
    questions = [line.strip() for line in lines if line.strip()]
    if not questions:
        raise BadInput("there is no question; write what the report shall show, or choose a file")
    tasks = [_task(question, form) for question in questions]
    return _enqueued(farm, form, iter(tasks), _Rejects(), key)


def ask_file(farm: Farm, form: Form, file: IO[bytes], name: str, *, key: str = "") -> Asked:
    """Enqueue the rows of a file; raises BadInput, and BadRows naming each by its line."""
    if form.question.strip():
        raise BadInput("there is a question and a file; ask one after the other")
    shown = Path(name.replace("\\", "/")).name[:100] or "the file"
    try:
        format = intake.format_of(Path(shown))
    except BadInput:
        raise BadInput(f"{shown} is neither .csv nor .jsonl; save it as one of these") from None
    known = targets.names(farm.store)
    defaults = _defaults(form)

    rows = intake.read(
        Upload(file, shown),
        format,
        default_target=form.target or None,
        default_dialect=form.dialect or None,
        check=task_check(farm, known),
    )
    bad = _Rejects()
    tasks = (_completed(task, defaults) for task in _good(rows, bad, keep_going=form.keep_going))
    return _enqueued(farm, form, tasks, bad, key)


def _enqueued(farm: Farm, form: Form, tasks: Iterator[Task], bad: _Rejects, key: str) -> Asked:
    if len(form.name) > NAME_LIMIT_CHARS:
        raise BadInput(f"the name of the batch has more than {NAME_LIMIT_CHARS} characters; shorten it")
    if "\0" in form.name:
        raise BadInput("the name of the batch contains a NUL character, which no database stores; remove it")
    try:
        request = Keyed(key=f"form {key}", digest=key) if key else None
        batch = farm.enqueue(tasks, name=form.name or None, request=request)
    except BadInput as error:
        if bad.count:
            raise BadRows(_refusal(bad.count, form.keep_going), tuple(bad.first), bad.count) from None
        raise BadInput(f"nothing was enqueued: {error}") from None
    return Asked(
        batch_id=batch.id,
        added=batch.added or 0,
        known=batch.known or 0,
        announced=batch.announced,
        bad=tuple(bad.first),
        bad_count=bad.count,
        choice=form.choice(),
    )


def _refusal(count: int, keep_going: bool) -> str:
    rows = "1 row is bad" if count == 1 else f"{count:,} rows are bad"
    if keep_going:
        return f"nothing was enqueued: {rows}, and none is good"
    return f"nothing was enqueued: {rows}; mend the file, or keep the good rows, and choose it again"


def _good(rows: Iterator[Task | BadRow], bad: _Rejects, *, keep_going: bool) -> Iterator[Task]:
    """The rows that are tasks. Without `keep_going`, one that is none stops it all, once all were read."""
    for row in rows:
        if isinstance(row, BadRow):
            bad.add(row)
        elif keep_going or not bad.count:
            yield row
    if bad.count and not keep_going:
        raise BadInput("some rows are bad")


def _task(question: str, form: Form) -> Task:
    values: dict[str, object] = {"question": question, "target": form.target, "model": form.model}
    values |= {"dialect": form.dialect, "tags": form.tags, "priority": form.priority}
    try:
        return Task.from_mapping(values)
    except InvalidTask as error:
        raise BadInput(str(error)) from None


def _defaults(form: Form) -> Task:
    """The fields of the form, as a task whose question is not asked; raises BadInput for a bad one."""
    return _task("the rows' own", replace(form, target=form.target or "the rows' own"))


def _completed(task: Task, defaults: Task) -> Task:
    """A row's task, with the form's fields where the row says nothing."""
    return replace(
        task,
        model=task.model or defaults.model,
        priority=task.priority or defaults.priority,
        tags=task.tags or defaults.tags,
    )
