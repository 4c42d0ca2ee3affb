"""The farm's worker: a well-behaved RQ worker that keeps many tasks in flight on one event loop.

1. Pop as many hints as there are free slots, never more.
2. Start a coroutine for each; the store decides which of them is real work.
3. Acknowledge finished jobs together, in one pipeline.
4. Renew all leases together, and show signs of life to RQ, the store and the watchdog.

Hints are popped with LPOP, not moved to RQ's intermediate queue: a hint that dies with its worker is issued
again by the reconciler within a second, while RQ would mark the job as failed.
"""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from random import uniform
from typing import Any

import structlog
from redis.asyncio import Redis
from redis.exceptions import ReadOnlyError, RedisError
from rq import worker_registration
from rq.executions import Execution
from rq.utils import utcformat
from rq.worker.base import BaseWorker, WorkerStatus

from farm.cancelling import cancel
from farm.errors import FarmError, StopRoute, StoreTrouble
from farm.outage import Outage
from farm.queue.aside import MAX_ID_BYTES
from farm.queue.connection import BLOCK_SECONDS
from farm.queue.job import FAILURE_TTL_SECONDS, PREFIX, FarmJob, FarmQueue
from farm.queue.reading import read
from farm.worker import commands
from farm.worker.books import Books
from farm.worker.pulse import WorkerState
from farm.worker.suspension import Suspension

MAX_POP = 64
ACKNOWLEDGE_SECONDS = 0.01
RETRY_MOST_SECONDS = 5.0
GIVE_BACK_SECONDS = 1.5
LEAVE_SECONDS = 3.0
HUNG_SECONDS = 1.0
EXECUTION_TTL_SECONDS = 60
DEATH_NOTICE_SECONDS = 60

log = structlog.stdlib.get_logger(__name__)

GiveBack = Callable[[Sequence[int]], Awaitable[object]]


class FarmWorker(BaseWorker):
    """Serves one queue. RQ rebuilds workers by name from Redis, so what is ours is set after construction."""

    job_class = FarmJob
    queue_class = FarmQueue  # type: ignore[assignment]  # RQ fills it from job_class, too
    log_result_lifespan = False

    redis: Redis
    release: GiveBack
    stop: GiveBack
    concurrency: int = 1
    grace_seconds: float = 20.0
    retire_seconds: float = 150.0

    def prepare(
        self,
        *,
        connection: Redis,
        release: GiveBack,
        stop: GiveBack,
        concurrency: int,
        grace_seconds: float,
        retire_seconds: float,
    ) -> None:
        """Hand over what the event loop needs.

        `release` gives unfinished tasks back to the store, to be worked again; `stop` ends them there. Tasks
        in flight may take `grace_seconds` to end when the worker is told to stop, and `retire_seconds` when
        it is to be replaced, which is no hurry.
        """
        self.redis = connection
        self.release = release
        self.stop = stop
        self.concurrency = concurrency
        self.grace_seconds = grace_seconds
        self.retire_seconds = retire_seconds
        self.in_flight: dict[int, asyncio.Task[None]] = {}
        self.tasks_done = 0
        self.worker_state = WorkerState.STARTING
        self.fatal: FarmError | None = None
        self._finished: list[tuple[FarmJob, Execution]] = []
        self._running: dict[str, tuple[FarmJob, Execution]] = {}
        self._stopped: set[int] = set()
        self._freed = asyncio.Event()
        self._drain = asyncio.Event()
        self._halt = asyncio.Event()
        self._retiring = False
        self._leave_seconds = LEAVE_SECONDS
        self._redis_outage = Outage(logging.getLogger(__name__), "Redis")
        self.suspension = Suspension(connection)
        self.books = Books(self.name, self.queues[0].name, connection, self.connection)

    async def run(self) -> None:
        """Work until drained or halted; nothing stays leased.

        Raises StopRoute or StoreTrouble when no further task could be worked.
        """
        loop = asyncio.get_running_loop()
        self._listen_to_signals(loop)
        await asyncio.to_thread(self._introduce)
        await self.suspension.look()
        obeying = commands.listen_forever(self.redis, self.pubsub_channel_name, self.handle_payload)
        helpers = [loop.create_task(self._acknowledge_forever()), loop.create_task(obeying)]
        try:
            self.worker_state = WorkerState.READY
            await self._take_work()
            self.worker_state = WorkerState.DRAINING
            await self._finish_in_flight()
        finally:
            await cancel(helpers)
            await self._stop_in_flight()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._take_leave(), self._leave_seconds)
        if self.fatal is not None:
            raise self.fatal

    def drain(self) -> None:
        """Take no further task; finish those in flight within the grace period."""
        self._drain.set()
        self._freed.set()

    def retire(self) -> None:
        """Take no further task; let those in flight come to their end, as their calls are paid."""
        self._retiring = not self._drain.is_set()
        self.drain()

    def halt(self) -> None:
        """Stop at once; tasks in flight go back to the store."""
        self._halt.set()
        self.drain()

    async def beat(self) -> None:
        """Show life to RQ, and see whether it suspends work; registers again after Redis lost everything."""
        await self.suspension.look()
        rests = WorkerStatus.SUSPENDED if self.suspension.holds else WorkerStatus.IDLE
        async with self.books.pipeline() as pipeline:
            self.heartbeat(pipeline=pipeline)
            if not self.in_flight:
                self.set_state(rests, pipeline=pipeline)
            pipeline.hset(self.key, mapping=self.serialize() | {"state": self.get_state()})
            worker_registration.register(self, pipeline)
            # RQ would fail the jobs of a worker that died; their tasks have long been worked by another
            pipeline.zremrangebyscore(f"rq:wip:{self.queues[0].name}", "-inf", time.time())
            for job, execution in list(self._running.values()):
                execution.heartbeat(job.started_job_registry, EXECUTION_TTL_SECONDS, pipeline=pipeline)
            await self.books.send(pipeline)

    # RQ's side of life

    def _set_ip_address(self, connection: Any) -> None:
        """RQ asks the server at the construction; one that is away just then is no reason to fail."""
        try:
            super()._set_ip_address(connection)
        except RedisError:
            self.ip_address = "unknown"

    def _introduce(self) -> None:
        """Sign on; where Redis cannot take it, the heartbeat does so later."""
        self.birth_date = self.last_heartbeat = datetime.now(UTC)
        try:
            self.register_birth()  # type: ignore[no-untyped-call]
            self.set_state(WorkerStatus.IDLE)
        except RedisError as error:
            log.info("could not sign on to Redis yet", error=str(error))

    async def _take_leave(self) -> None:
        """Acknowledge what is left, and sign off as RQ's own workers do, as far as Redis takes it."""
        if not await self._acknowledge():
            return
        async with self.books.pipeline() as pipeline:
            worker_registration.unregister(self, pipeline)
            pipeline.hset(self.key, "death", utcformat(datetime.now(UTC)))
            pipeline.expire(self.key, DEATH_NOTICE_SECONDS)
            pipeline.delete(self.executions_key)
            await self.books.send(pipeline)

    def handle_payload(self, message: dict[Any, Any]) -> None:
        """RQ's commands: `shutdown` drains, `stop-job` stops that job; anything else is ignored."""
        command, wanted = commands.read(message)
        if command == "shutdown":
            self.drain()
        elif command == "stop-job":
            self._stop_one(wanted)

    def _stop_one(self, wanted: object) -> None:
        for task_id, running in self.in_flight.items():
            if f"{PREFIX}{task_id}" == wanted:
                self._stopped.add(task_id)
                running.cancel()

    def _listen_to_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

        def on_signal() -> None:
            if self._retiring:  # now there is a hurry
                self._retiring = False
                loop.call_later(self.grace_seconds, self.halt)
            elif self._drain.is_set():
                self.halt()
            else:
                self.drain()

        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, on_signal)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal))

    # Taking work

    async def _take_work(self) -> None:
        """Work until drained, and no longer than a moment more where Redis hangs."""
        taking = self._loop.create_task(self._work_until_drained())
        drained = self._loop.create_task(self._drain.wait())
        await asyncio.wait({taking, drained}, return_when="FIRST_COMPLETED")
        drained.cancel()
        await asyncio.wait({taking}, timeout=BLOCK_SECONDS + HUNG_SECONDS)
        if taking.done():
            taking.result()
        else:
            self._leave_seconds = HUNG_SECONDS  # it will not hear us sign off either
            await cancel([taking])

    async def _work_until_drained(self) -> None:
        while not self._drain.is_set():
            free = self.concurrency - len(self.in_flight)
            if free <= 0:
                self._freed.clear()
                await self._freed.wait()
                continue
            if self.suspension.holds:
                await self.suspension.wait(self._drain)
                continue
            try:
                await self._start(await self._pop(min(free, MAX_POP)))
            except RedisError as error:
                await self._wait_for_redis(error)
            else:
                self._redis_outage.over()

    async def _pop(self, count: int) -> list[bytes]:
        key = self.queues[0].key
        popped: Any = await self.redis.lpop(key, count)
        if popped is None:
            blocked = await self.redis.blpop([key], BLOCK_SECONDS)
            popped = [blocked[1]] if blocked else []
        return list(popped)

    async def _start(self, entries: Sequence[bytes]) -> None:
        if not entries:
            return
        async with self.books.pipeline() as pipeline:
            for entry in entries:
                pipeline.hgetall(FarmJob.redis_job_namespace_prefix.encode() + entry[:MAX_ID_BYTES])
            hashes = await pipeline.execute(raise_on_error=False)
        jobs, refused = read(entries, hashes, self.connection)
        fresh = {job.task_id: job for job in jobs if job.task_id not in self.in_flight}
        executions = await self._announce(list(fresh.values()))
        for job, execution in zip(fresh.values(), executions, strict=True):
            self._launch(job, execution)
        await self.books.set_aside(refused)

    def _launch(self, job: FarmJob, execution: Execution) -> None:
        running = self._loop.create_task(self._perform(job), name=f"task {job.task_id}")
        self._running[job.id] = (job, execution)
        self.in_flight[job.task_id] = running
        running.add_done_callback(lambda _: self._ended(job, execution))

    def _ended(self, job: FarmJob, execution: Execution) -> None:
        """A callback, since a coroutine that is cancelled before its first step runs no `finally`."""
        self.in_flight.pop(job.task_id, None)
        self._stopped.discard(job.task_id)
        self._finished.append((job, execution))
        self.tasks_done += 1
        self._freed.set()

    async def _announce(self, jobs: Sequence[FarmJob]) -> list[Execution]:
        """Enter the jobs into RQ's books; they are worked whether or not it takes them."""
        if not jobs:
            return []
        async with self.books.pipeline() as pipeline:
            self.set_state(WorkerStatus.BUSY, pipeline=pipeline)
            executions = []
            for job in jobs:
                executions.append(Execution.create(job, EXECUTION_TTL_SECONDS, pipeline, self.name))
                job.prepare_for_execution(self.name, pipeline=pipeline)
                pipeline.expire(job.key, FAILURE_TTL_SECONDS)  # should we die before we acknowledge it
            await self.books.send(pipeline, [job.id for job in jobs])
        return executions

    async def _perform(self, job: FarmJob) -> None:
        task_id = job.task_id
        try:
            await job.func(task_id)
        except (StopRoute, StoreTrouble) as error:
            self.fatal = error
            self.halt()
            await self._give_back(task_id)
        except asyncio.CancelledError:
            await self._give_back(task_id)
        except Exception:
            log.exception("a task was left to another attempt", task=task_id)

    async def _give_back(self, task_id: int) -> None:
        """End the lease at once; where that fails it runs out by itself."""
        try:
            await (self.stop if task_id in self._stopped else self.release)([task_id])
        except FarmError as error:
            log.info("a lease is left to run out", task=task_id, reason=str(error))

    # Ending work

    async def _finish_in_flight(self) -> None:
        """Let tasks in flight end by themselves, until their time is over or a halt is asked for."""
        if not self.in_flight:
            return
        log.info("draining", in_flight=len(self.in_flight))
        halted = self._loop.create_task(self._halt.wait())
        everything = self._loop.create_task(self._until_idle())
        patience_seconds = self.retire_seconds if self._retiring else self.grace_seconds
        await asyncio.wait({halted, everything}, timeout=patience_seconds, return_when="FIRST_COMPLETED")
        halted.cancel()
        everything.cancel()

    async def _until_idle(self) -> None:
        while self.in_flight:
            await asyncio.wait(list(self.in_flight.values()))

    async def _stop_in_flight(self) -> None:
        """Give back what still runs; where the store does not take it in time, its leases run out."""
        running = list(self.in_flight.values())
        if not running:
            return
        for task in running:
            task.cancel()
        _, late = await asyncio.wait(running, timeout=GIVE_BACK_SECONDS)
        if late:
            log.warning("leases are left to run out, as the store does not answer", count=len(late))
            await cancel(list(late))

    async def _acknowledge_forever(self) -> None:
        while True:
            well = await self._acknowledge()
            await asyncio.sleep(ACKNOWLEDGE_SECONDS if well else RETRY_MOST_SECONDS * uniform(0.75, 1.25))

    async def _acknowledge(self) -> bool:
        """Remove finished jobs from RQ's books; the store has long decided how they ended."""
        finished, self._finished = self._finished, []
        if not finished:
            return True
        sent = False
        try:
            async with self.books.pipeline() as pipeline:
                for job, execution in finished:
                    execution.delete(job, pipeline)
                    pipeline.delete(job.key, f"rq:executions:{job.id}")
                pipeline.hincrby(self.key, "successful_job_count", len(finished))
                if not self.in_flight:
                    self.set_state(WorkerStatus.IDLE, pipeline=pipeline)
                sent = await self.books.send(pipeline)
        finally:
            if not sent:
                self._finished[:0] = finished
        if not sent:
            return False
        for job, execution in finished:
            if self._running.get(job.id) == (job, execution):
                del self._running[job.id]
        return True

    # Trouble with Redis

    async def _wait_for_redis(self, error: RedisError) -> None:
        """Try again after a pause; tasks in flight do not need Redis.

        Connections to what has become a replica live on, though the server's name may lead to another one.
        """
        if await self.books.mend([error]):
            return
        if isinstance(error, ReadOnlyError):
            await self.redis.connection_pool.disconnect(inuse_connections=False)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._drain.wait(), self._redis_outage.note(error))
