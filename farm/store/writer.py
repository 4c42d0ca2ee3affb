"""Grouped commits: what the tasks in flight of one process write within a few milliseconds shares a commit.

1. Coroutines put operations on a list and wait.
2. One thread takes the whole list, applies it in one transaction, and commits.
3. Every coroutine gets its own result after the commit, so what returned is durable.

While the thread commits, the next group gathers by itself: under load groups grow, when idle they hold one.
"""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, IntegrityError

from farm.errors import Unavailable, Unstorable
from farm.outage import Outage
from farm.store import tasks
from farm.store.engine import Store
from farm.store.spool import Spool
from farm.store.tasks import Claimed, Outcome, StoredAnswer

LINGER_SECONDS = 0.003
RETRY_FIRST_SECONDS = 0.1
RETRY_MOST_SECONDS = 5.0
RETRIES_PER_LEASE = 3
SURE_SHARE = 1 / 3
"""How much of a lease must be left for its holder to be sure of it by its own clock."""
CLOSE_SECONDS = 2.0
STALL_SECONDS = 10.0
LOOK_SECONDS = 1.0
PERMANENT = (DataError, IntegrityError, UnicodeError, OverflowError)
"""What the store says to a row that it will never take."""

log = logging.getLogger(__name__)


def awake() -> float:
    """Monotonic seconds that also count while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


@dataclass(frozen=True, slots=True)
class _Operation:
    kind: str
    value: Any
    done: "asyncio.Future[Any]"


class Writer:
    """The hot path's view of the store: asynchronous, grouped, for one worker process.

    While the database is away, operations wait here and are applied when it returns; nothing is dropped. They
    are few: each task in flight waits for its own, and none asks the model again before its answer is stored.
    """

    def __init__(
        self,
        store: Store,
        *,
        worker: str,
        lease_seconds: float,
        max_attempts: int,
        spool: Spool | None = None,
    ) -> None:
        self._store = store
        self._worker = worker
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._pending: list[_Operation] = []
        self._wake = threading.Condition()
        self._closing = False
        self._give_up_at = float("inf")
        self._applying_since: float | None = None
        self._not_begun: set[int] = set()  # claimed for their last attempt, which does not count yet
        self._unsaved: dict[int, dict[str, Any]] = {}
        self._lease_seconds = lease_seconds
        self._held_until: dict[int, float] = {}
        most_seconds = min(RETRY_MOST_SECONDS, lease_seconds / RETRIES_PER_LEASE)
        self._outage = Outage(log, "the store", first_seconds=RETRY_FIRST_SECONDS, most_seconds=most_seconds)
        self._kinds: dict[str, Callable[[Connection, Sequence[Any]], Sequence[Any]]] = {
            "claim": lambda c, ids: self._claim(c, ids, lease_seconds, max_attempts),
            "begin": self._begin,
            "rest": self._rest,
            "answer": tasks.save_answers,
            "finish": _finish,
            "renew": lambda c, groups: [
                tasks.renew(c, ids, worker=worker, lease_seconds=lease_seconds) for ids in groups
            ],
            "release": lambda c, groups: [
                tasks.release(c, ids, worker=worker, uncounted=self._not_begun) for ids in groups
            ],
            "do": lambda c, functions: [function(c) for function in functions],
        }
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run,), name="store-writer", daemon=True
        )
        self._thread.start()
        self._watcher = self._loop.create_task(self._watch())

    async def claim(self, task_id: int) -> Claimed | None:
        """Lease the task; None: the hint was stale."""
        at = awake()
        claimed: Claimed | None = await self._submit("claim", task_id)
        if claimed is not None:
            self._held_until[task_id] = at + self._lease_seconds
        return claimed

    async def begin(self, task: Claimed) -> bool:
        """Count a task's last attempt; False: the lease was lost."""
        begun: bool = await self._submit("begin", task)
        return begun

    async def rest(self, task: Claimed) -> bool:
        """Count a begun last attempt back, until it is begun again; False: the lease was lost."""
        resting: bool = await self._submit("rest", task)
        return resting

    async def holds(self, task: Claimed) -> bool:
        """Whether the task is still this worker's; asks the store only where too little of the lease is left.

        That is so when the process was frozen, or the store away: somebody else may have taken the task.
        """
        sure_until = self._held_until.get(task.id, 0.0) - self._lease_seconds * SURE_SHARE
        if awake() < sure_until or task.id not in await self.renew([task.id]):
            return True
        self._held_until.pop(task.id, None)
        return False

    async def save_answer(self, row: dict[str, Any]) -> StoredAnswer:
        """Persist one raw answer; returns what is durable of this call, which is an earlier one if there was.

        Raises Unstorable if it never will be.
        """
        self._unsaved[id(row)] = row
        kept: StoredAnswer = await self._submit("answer", row)
        return kept

    async def recover(self) -> int:
        """Store the paid answers that earlier workers left in the spool; returns how many.

        Several workers may do so together: the answer that is stored first stays.
        """
        count = 0
        if self._spool is None:
            return count
        for path, rows in self._spool.left():
            refused = 0
            for row in rows:
                try:
                    await self.save_answer(row)
                except Unstorable as error:
                    refused += 1
                    log.error("a paid answer to task %s cannot be stored: %s", row.get("task_id"), error)
            self._spool.drop(path) if not refused else self._spool.lay_by(path)
            count += len(rows) - refused
        if count:
            log.info("stored %d paid answers that earlier workers could not store", count)
        return count

    async def save_failed_call(self, row: dict[str, Any]) -> None:
        """Count a call that gave no answer; returns once it is durable."""
        await self._submit("do", lambda connection: tasks.save_failed_calls(connection, [row]))

    async def finish(self, outcome: Outcome) -> bool:
        """Settle a task; False: the lease was lost and somebody else decides. Raises Unstorable."""
        self._held_until.pop(outcome.task_id, None)
        settled: bool = await self._submit("finish", outcome)
        return settled

    async def renew(self, task_ids: Iterable[int]) -> set[int]:
        """Prolong the leases of all tasks in flight; returns the ids lost."""
        ids, at = list(task_ids), awake()
        lost: set[int] = await self._submit("renew", ids)
        for task_id in self._held_until.keys() & ids:
            self._held_until[task_id] = float("-inf") if task_id in lost else at + self._lease_seconds
        return lost

    async def release(self, task_ids: Iterable[int]) -> int:
        """Give tasks back unfinished; returns how many."""
        ids = list(task_ids)
        for task_id in ids:
            self._held_until.pop(task_id, None)
        released: int = await self._submit("release", ids)
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

    async def close(self, timeout_seconds: float = CLOSE_SECONDS) -> None:
        """Write what is pending while the store takes it in time; other paid answers are spooled."""
        with self._wake:
            self._closing = True
            self._give_up_at = time.monotonic() + timeout_seconds
            self._wake.notify_all()
        await asyncio.to_thread(self._thread.join, timeout_seconds + LOOK_SECONDS / 4)
        self._watcher.cancel()
        self._keep_unsaved()

    def _keep_unsaved(self) -> None:
        if not (rows := list(self._unsaved.values())):
            return
        try:
            if self._spool is None:
                raise OSError("there is no place to keep them")
            path = self._spool.keep(self._worker, rows)
        except OSError as error:
            log.error("%d paid answers are lost: the store is away, and %s", len(rows), error)
        else:
            log.warning("%d paid answers wait in %s, as the store is away", len(rows), path)

    async def _watch(self) -> None:
        """Say so where the store neither takes a group nor refuses it."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            since = self._applying_since
            if since is not None and time.monotonic() - since > STALL_SECONDS:
                self._outage.note(f"it has not answered for {STALL_SECONDS:.0f} s")

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
        """Apply until the database takes it: each operation may be repeated without harm.

        A database that goes away at the commit may have taken it all the same.
        """
        again = False
        while True:
            self._applying_since = time.monotonic()
            try:
                results = self._apply(group, again=again)
            except Unavailable as error:
                if not self._waited(error):
                    return [error] * len(group)
                again = True
            except Exception as error:
                if len(group) == 1:
                    return [_explained(error)]
                return [result for one in group for result in self._apply_patiently([one])]
            else:
                self._outage.over()
                return results
            finally:
                self._applying_since = None

    def _waited(self, error: Unavailable) -> bool:
        """Pause before the next try; False: there is no time for one. Closing calls for one at once."""
        with self._wake:
            was_closing = self._closing
            left_seconds = max(0.0, self._give_up_at - time.monotonic())
            pause_seconds = min(self._outage.note(error), left_seconds)
            self._wake.wait_for(lambda: self._closing and not was_closing, pause_seconds)
            return time.monotonic() < self._give_up_at

    def _apply(self, group: Sequence[_Operation], *, again: bool = False) -> list[Any]:
        results: list[Any] = [None] * len(group)
        with self._store.write() as connection:
            if again:  # what was leased without our hearing of it would look taken by somebody else
                ids = [operation.value for operation in group if operation.kind == "claim"]
                tasks.release(connection, ids, worker=self._worker, uncounted=self._not_begun)
            for kind, apply in self._kinds.items():
                places = [place for place, operation in enumerate(group) if operation.kind == kind]
                if places:
                    values = [group[place].value for place in places]
                    for place, result in zip(places, apply(connection, values), strict=True):
                        results[place] = result
        return results

    def _claim(
        self, connection: Connection, task_ids: Sequence[int], lease_seconds: float, max_attempts: int
    ) -> list[Claimed | None]:
        claimed = tasks.claim(
            connection, task_ids, worker=self._worker, lease_seconds=lease_seconds, max_attempts=max_attempts
        )
        self._not_begun -= claimed.keys()
        self._not_begun |= {task_id for task_id, task in claimed.items() if task.last}
        return [claimed.pop(task_id, None) for task_id in task_ids]

    def _begin(self, connection: Connection, claimed: Sequence[Claimed]) -> list[bool]:
        self._not_begun -= {task.id for task in claimed}
        return [tasks.begin(connection, task) for task in claimed]

    def _rest(self, connection: Connection, claimed: Sequence[Claimed]) -> list[bool]:
        self._not_begun |= {task.id for task in claimed}
        return [tasks.rest(connection, task) for task in claimed]

    def _settle(self, group: Sequence[_Operation], results: Sequence[Any]) -> None:
        for operation, result in zip(group, results, strict=True):
            if not isinstance(result, Exception) or isinstance(result, Unstorable):
                self._unsaved.pop(id(operation.value), None)

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


def _finish(connection: Connection, outcomes: Sequence[Outcome]) -> list[bool]:
    settled = tasks.finish(connection, outcomes)
    return [outcome.task_id in settled for outcome in outcomes]


def _explained(error: Exception) -> Exception:
    """What one operation's caller is told; a row that the store will never take is its task's end."""
    if not isinstance(error, PERMANENT):
        return error
    said = (str(getattr(error, "orig", error)).strip() or type(error).__name__).splitlines()[0]
    refusal = Unstorable(f"the store refuses what came of the task: {said:.200}")
    refusal.__cause__ = error
    return refusal
