"""Initializers that let their worker process die, by SIGKILL, at chosen moments of chosen tasks, once each.

A plan is a file in the farm's home that maps moments to the tasks they are for: `{"claimed": [2], …}`. Beside
it every death leaves a mark, so that the next worker gets past it.
"""

import asyncio
import json
import os
import signal
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import event

from farm.models.client import Model
from farm.store.writer import Writer
from farm.worker import context
from farm.worker.warm import Warm
from farm.worker.worker import FarmWorker

STEPS = ("popped", "claimed", "called", "paid", "persisted", "checked", "finished", "acknowledged")
KINDS = ("claim", "answer", "finish")
TIMES = ("within", "before commit", "after commit")
GATHER_SECONDS = 5.0


def plan(home: Path, deaths: Mapping[str, Sequence[int]]) -> None:
    """Write down which tasks are to be the end of a worker, and when."""
    (home / "deaths.json").write_text(json.dumps(deaths))
    (home / "marks").mkdir()


def died(home: Path) -> set[str]:
    """The moments at which a worker has died."""
    return {mark.name for mark in (home / "marks").iterdir()}


class Deaths:
    """The plan, as its victims read it."""

    def __init__(self, home: Path) -> None:
        self._marks = home / "marks"
        self._deaths: dict[str, list[int]] = json.loads((home / "deaths.json").read_text())

    def due(self, moment: str, tasks: Iterable[int]) -> bool:
        """Whether this is the moment, and not all of its tasks have to be here yet."""
        planned = set(self._deaths.get(moment, ()))
        return bool(planned & set(tasks)) and not (self._marks / moment).exists()

    def full(self, moment: str, tasks: Iterable[int]) -> bool:
        """The same, with all of its tasks here."""
        tasks = set(tasks)
        return self.due(moment, tasks) and set(self._deaths[moment]) <= tasks

    def die(self, moment: str, tasks: Iterable[int]) -> None:
        """Die at once, if it is the moment."""
        if self.full(moment, tasks):
            (self._marks / moment).touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)


def this_worker() -> Warm:
    """The warm parts of the worker process that calls its initializer."""
    warm = context.current().ask.__self__  # type: ignore[attr-defined]  # a bound method of it
    assert isinstance(warm, Warm)
    return warm


# One task at a time, at each step of its way

Method = Callable[..., Awaitable[Any]]


def before(owner: type, name: str, hook: Callable[..., None]) -> None:
    original: Method = getattr(owner, name)

    @wraps(original)
    async def hooked(*given: Any) -> Any:
        hook(*given)
        return await original(*given)

    setattr(owner, name, hooked)


def after(owner: type, name: str, hook: Callable[..., None]) -> None:
    """`hook` gets the result first."""
    original: Method = getattr(owner, name)

    @wraps(original)
    async def hooked(*given: Any) -> Any:
        result = await original(*given)
        hook(result, *given)
        return result

    setattr(owner, name, hooked)


def die_at_a_step() -> None:
    """An initializer: die where the plan says so by STEPS, with one task in flight."""
    warm = this_worker()
    deaths = Deaths(warm._config.settings.home)

    def at(step: str, *tasks: int) -> None:
        deaths.die(step, tasks)

    before(FarmWorker, "_start", lambda _, entries: at("popped", *map(task_of, entries)))
    after(Writer, "claim", lambda claimed, _, task: claimed and at("claimed", task))
    die_in_the_call(deaths, str(warm._config.base_url))
    before(Writer, "save_answer", lambda _, row: at("paid", row["task_id"]))
    after(Writer, "save_answer", lambda kept, _, row: at("persisted", row["task_id"]))
    before(Writer, "finish", lambda _, outcome: at("checked", outcome.task_id))
    after(Writer, "finish", lambda settled, _, outcome: settled and at("finished", outcome.task_id))
    die_acknowledged(deaths)


def task_of(entry: bytes) -> int:
    return int(entry.decode().removeprefix("task-"))


def die_in_the_call(deaths: Deaths, base_url: str) -> None:
    """Die as soon as the endpoint has the request; its answer must take longer than that."""
    ask = Model.ask

    def asked() -> int:
        with urllib.request.urlopen(base_url.removesuffix("/v1") + "/calls", timeout=10) as said:
            return sum(json.load(said)["calls"].values())

    async def hooked(self: Model, *given: Any) -> Any:
        task = [int(structlog.contextvars.get_contextvars()["task"])]
        if not deaths.due("called", task):
            return await ask(self, *given)
        before = await asyncio.to_thread(asked)
        call = asyncio.create_task(ask(self, *given))
        while await asyncio.to_thread(asked) == before:
            assert not call.done()
        deaths.die("called", task)
        return await call

    Model.ask = hooked  # type: ignore[method-assign]


def die_acknowledged(deaths: Deaths) -> None:
    """Die after the acknowledgement; the hints that come between it and the outcome are lost."""
    acknowledge, start = FarmWorker._acknowledge, FarmWorker._start
    finished: list[int] = []
    after(Writer, "finish", lambda settled, _, outcome: finished.append(outcome.task_id))

    async def begins(self: FarmWorker, entries: Sequence[bytes]) -> None:
        if not deaths.due("acknowledged", finished):
            await start(self, entries)

    async def hooked(self: FarmWorker) -> bool:
        tasks = [job.task_id for job, _ in self._finished]
        well = await acknowledge(self)
        deaths.die("acknowledged", tasks if well else ())
        return well

    FarmWorker._start = begins  # type: ignore[method-assign]
    FarmWorker._acknowledge = hooked  # type: ignore[method-assign]


# Several tasks in flight, in the middle of a commit that they share


def die_in_a_commit() -> None:
    """An initializer: die where the plan says so by KINDS and TIMES, while the tasks named share a commit."""
    writer = this_worker()._writer
    deaths = Deaths(this_worker()._config.settings.home)
    gather_in(writer, deaths)
    for kind in KINDS:
        writer._kinds[kind] = half_of(kind, writer._kinds[kind], deaths)
    apply, group = writer._apply, list[Any]()

    def applied(operations: Any, **options: Any) -> Any:
        group[:] = operations
        results = apply(operations, **options)
        for kind in KINDS:
            deaths.die(f"{kind} after commit", of_kind(kind, operations))
        group.clear()
        return results

    @event.listens_for(writer._store.engine, "commit")
    def commits(_: Any) -> None:
        for kind in KINDS:
            deaths.die(f"{kind} before commit", of_kind(kind, group))

    writer._apply = applied  # type: ignore[method-assign]


def gather_in(writer: Writer, deaths: Deaths) -> None:
    """Let a group wait until all the tasks are in it that are to die together."""
    next_group = writer._next_group

    def gathered() -> Any:
        group = next_group()
        give_up_at = time.monotonic() + GATHER_SECONDS
        while time.monotonic() < give_up_at and lacks_one(group):
            time.sleep(0.002)
            with writer._wake:
                group, writer._pending = group + writer._pending, []
        return group

    def lacks_one(group: Any) -> bool:
        return any(
            deaths.due(f"{kind} {at}", of_kind(kind, group))
            and not deaths.full(f"{kind} {at}", of_kind(kind, group))
            for kind in KINDS
            for at in TIMES
        )

    writer._next_group = gathered  # type: ignore[method-assign]


def half_of(kind: str, apply: Callable[..., Any], deaths: Deaths) -> Callable[..., Any]:
    """Apply the operations of this kind; where it is the moment, die when half of them are."""

    def halved(connection: Any, values: Any) -> Any:
        tasks = [task_in(kind, value) for value in values]
        if deaths.full(f"{kind} within", tasks):
            apply(connection, values[: len(values) // 2])
            deaths.die(f"{kind} within", tasks)
        return apply(connection, values)

    return halved


def of_kind(kind: str, operations: Any) -> list[int]:
    return [task_in(kind, operation.value) for operation in operations if operation.kind == kind]


def task_in(kind: str, value: Any) -> int:
    """The task that an operation is for."""
    return int(
        {"claim": lambda: value, "answer": lambda: value["task_id"], "finish": lambda: value.task_id}[kind]()
    )
