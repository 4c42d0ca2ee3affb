"""Grouped commits: what the tasks in flight of one process write within a few milliseconds shares a commit.

1. Coroutines put operations on a list and wait.
2. One thread takes the whole list, applies it in one transaction, and commits.
3. Every coroutine gets its own result after the commit, so what returned is durable.

While the thread commits, the next group gathers by itself: under load groups grow, when idle they hold one.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import uniform
from typing import Any

from sqlalchemy import Connection

from farm.errors import Unavailable
from farm.store import tasks
from farm.store.engine import Store
from farm.store.tasks import Claimed, Outcome

LINGER_SECONDS = 0.003
RETRY_FIRST_SECONDS = 0.1
RETRY_MOST_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Operation:
    kind: str
    value: Any
    done: "asyncio.Future[Any]"


class Writer:
    """The hot path's view of the store: asynchronous, grouped, for one worker process.

    While the database is away, operations wait here and are applied when it returns; nothing is dropped.
    """

    def __init__(self, store: Store, *, worker: str, lease_seconds: float, max_attempts: int) -> None:
        self._store = store
        self._loop = asyncio.get_running_loop()
        self._pending: list[_Operation] = []
        self._wake = threading.Condition()
        self._closing = False
        self._kinds: dict[str, Callable[[Connection, Sequence[Any]], Sequence[Any]]] = {
            "claim": lambda c, ids: _claim(c, ids, worker, lease_seconds, max_attempts),
            "begin": lambda c, claimed: [tasks.begin(c, one.id, one.token) for one in claimed],
            "answer": _answer,
            "finish": _finish,
            "renew": lambda c, groups: [
                tasks.renew(c, ids, worker=worker, lease_seconds=lease_seconds) for ids in groups
            ],
            "release": lambda c, groups: [tasks.release(c, ids, worker=worker) for ids in groups],
            "do": lambda c, functions: [function(c) for function in functions],
        }
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def claim(self, task_id: int) -> Claimed | None:
        """Lease the task; None: the hint was stale."""
        claimed: Claimed | None = await self._submit("claim", task_id)
        return claimed

    async def begin(self, task: Claimed) -> bool:
        """Count a task's last attempt; False: the lease was lost."""
        begun: bool = await self._submit("begin", task)
        return begun

    async def save_answer(self, row: dict[str, Any]) -> None:
        """Persist one raw answer; returns once it is durable."""
        await self._submit("answer", row)

    async def save_failed_call(self, row: dict[str, Any]) -> None:
        """Count a call that gave no answer; returns once it is durable."""
        await self._submit("do", lambda connection: tasks.save_failed_calls(connection, [row]))

    async def finish(self, outcome: Outcome) -> bool:
        """Settle a task; False: the lease was lost and somebody else decides."""
        settled: bool = await self._submit("finish", outcome)
        return settled

    async def renew(self, task_ids: Iterable[int]) -> set[int]:
        """Prolong the leases of all tasks in flight; returns the ids lost."""
        lost: set[int] = await self._submit("renew", list(task_ids))
        return lost

    async def release(self, task_ids: Iterable[int]) -> int:
        """Give tasks back unfinished; returns how many."""
        released: int = await self._submit("release", list(task_ids))
        return released

    async def do(self, function: Callable[[Connection], Any]) -> Any:
        """Run another small write in the same grouped commits."""
        return await self._submit("do", function)

    def _submit(self, kind: str, value: Any) -> "asyncio.Future[Any]":
        operation = _Operation(kind, value, self._loop.create_future())
        with self._wake:
            if self._closing:
                raise Unavailable("the store is closing")
            self._pending.append(operation)
            self._wake.notify()
        return operation.done

    async def close(self, timeout_seconds: float = 5.0) -> None:
        """Write what is pending, then end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join, timeout_seconds)

    def _run(self) -> None:
        while group := self._next_group():
            self._settle(group, self._apply_patiently(group))

    def _next_group(self) -> list[_Operation]:
        with self._wake:
            while not self._pending and not self._closing:
                self._wake.wait()
        time.sleep(0 if self._closing else LINGER_SECONDS)
        with self._wake:
            group, self._pending = self._pending, []
        return group

    def _apply_patiently(self, group: Sequence[_Operation]) -> list[Any]:
        """Apply until the database takes it: each operation may be repeated without harm."""
        delay_seconds, warned = RETRY_FIRST_SECONDS, False
        while True:
            try:
                return self._apply(group)
            except Unavailable as error:
                if self._closing:
                    return [error] * len(group)
                if not warned:
                    log.warning("waiting for the store: %s", error)
                    warned = True
                time.sleep(delay_seconds * uniform(0.75, 1.25))
                delay_seconds = min(2 * delay_seconds, RETRY_MOST_SECONDS)
            except Exception as error:
                if len(group) == 1:
                    return [error]
                return [result for one in group for result in self._apply_patiently([one])]

    def _apply(self, group: Sequence[_Operation]) -> list[Any]:
        results: list[Any] = [None] * len(group)
        with self._store.write() as connection:
            for kind, apply in self._kinds.items():
                places = [place for place, operation in enumerate(group) if operation.kind == kind]
                if places:
                    values = [group[place].value for place in places]
                    for place, result in zip(places, apply(connection, values), strict=True):
                        results[place] = result
        return results

    def _settle(self, group: Sequence[_Operation], results: Sequence[Any]) -> None:
        def resolve() -> None:
            for operation, result in zip(group, results, strict=True):
                if operation.done.done():
                    continue
                if isinstance(result, Exception):
                    operation.done.set_exception(result)
                else:
                    operation.done.set_result(result)

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(resolve)


def _claim(
    connection: Connection, task_ids: Sequence[int], worker: str, lease_seconds: float, max_attempts: int
) -> list[Claimed | None]:
    claimed = tasks.claim(
        connection, task_ids, worker=worker, lease_seconds=lease_seconds, max_attempts=max_attempts
    )
    return [claimed.pop(task_id, None) for task_id in task_ids]


def _answer(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[None]:
    tasks.save_answers(connection, rows)
    return [None] * len(rows)


def _finish(connection: Connection, outcomes: Sequence[Outcome]) -> list[bool]:
    settled = tasks.finish(connection, outcomes)
    return [outcome.task_id in settled for outcome in outcomes]
