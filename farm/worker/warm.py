"""Everything a worker builds once and keeps: store, queue, model, checker, and the pipeline over them."""

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self

from farm.checker.client import Checker
from farm.errors import Unavailable
from farm.models.answer import Answer, Message
from farm.models.client import Model
from farm.models.constraint import form_of
from farm.models.retry import patiently
from farm.pipeline.produce import Hold, Note, Pause, Pipeline
from farm.pipeline.spans import Spans
from farm.prompt.worked import Worked, most_alike
from farm.queue.connection import connect, connect_async, require
from farm.sql.verdict import Candidate
from farm.store import exemplars, revision, steering, targets, workers
from farm.store.engine import Connection, Store
from farm.store.spool import Spool
from farm.store.writer import Writer
from farm.targets import urls
from farm.targets.target import Target
from farm.tracing.switch import open_tracer
from farm.worker import context
from farm.worker.config import WorkerConfig
from farm.worker.phases import Phases
from farm.worker.trials import Trials
from farm.worker.worker import FarmWorker

BOOT_WRITE_SECONDS = 15.0
WORKED_SECONDS = 15.0
"""How long a worker does without reading again which queries are marked good."""


class Warm:
    """One worker process's warm parts. Entering builds them and raises a FarmError for what is missing."""

    worker: FarmWorker

    def __init__(self, config: WorkerConfig, name: str, checker: Checker) -> None:
        """`checker` may have been begun; whoever made it closes it, after this."""
        self._config = config
        self._name = name
        self._checker = checker
        self._targets: dict[str, tuple[datetime, Target]] = {}
        self._worked: dict[str, tuple[float, str, tuple[Worked, ...]]] = {}
        self.phases = Phases(time.monotonic)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._build()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _build(self) -> None:
        config, settings = self._config, self._config.settings
        tracer = open_tracer(os.environ, instance=self._name)
        self._stack.push_async_callback(tracer.close)
        self._store = Store.open(
            settings.store_url,
            synchronous=settings.sqlite_synchronous,
            busy_timeout_seconds=settings.busy_timeout_seconds,
        )
        self._stack.callback(self._store.close)
        revision.require_current(self._store)
        connection = connect(config.redis_url)
        self._stack.callback(connection.close)
        require(connection, config.redis_url)
        redis = connect_async(config.redis_url)
        self._stack.push_async_callback(redis.aclose)

        self._writer = Writer(
            self._store,
            worker=self._name,
            lease_seconds=settings.lease_seconds,
            max_attempts=settings.max_attempts,
            spool=Spool(settings.home / "unsaved"),
        )
        self._stack.push_async_callback(self._writer.close)
        await self._in_time(self._writer.recover())
        self._model = await self._stack.enter_async_context(
            Model(
                config.pool.model,
                base_url=config.base_url,
                api_key=config.api_key,
                settings=config.model_settings,
                max_connections=config.pool.concurrency,
                tracer=tracer,
            )
        )
        self._trials = Trials(
            row_limit=settings.evidence_row_limit, timeout_seconds=settings.evidence_timeout_seconds
        )
        self._stack.callback(self._trials.close)
        await self._checker.start()
        context.enter(
            Pipeline(
                ledger=self._writer,
                ask=self._ask,
                assess=self._assess,
                find_target=self._find_target,
                find_worked=self._find_worked,
                max_repairs=settings.max_repairs,
                require_dry_run=settings.require_dry_run,
                run=self._run,
                constrain=self._constrain if config.model_settings.grammar else None,
                grammar_when=config.model_settings.grammar_when,
                spans=Spans(tracer=tracer, queue=config.queue, worker=self._name),
            )
        )
        self.worker = FarmWorker([config.queue], name=self._name, connection=connection)
        self.worker.prepare(
            connection=redis,
            release=self._writer.release,
            stop=self._stop,
            concurrency=config.pool.concurrency,
            grace_seconds=settings.grace_seconds,
            retire_seconds=config.model_settings.deadline_seconds + settings.grace_seconds,
        )
        await self._in_time(self._writer.do(self._register))

    async def _in_time(self, write: Awaitable[object]) -> None:
        """A worker that starts waits for its store no longer than this, else it would be taken for hung."""
        try:
            await asyncio.wait_for(write, BOOT_WRITE_SECONDS)
        except TimeoutError:
            raise Unavailable(f"the store {self._store.where} takes no write; who has it locked?") from None

    async def _ask(
        self, messages: Sequence[Message], hold: Hold, note: Note, pause: Pause, grammar: str | None
    ) -> Answer:
        async def ask() -> Answer:
            await hold()
            with self.phases.phase("the model call", deadline_seconds=self._model.deadline_seconds):
                return await self._model.ask(messages, grammar)

        return await patiently(ask, note=note, answered=lambda: self._model.answered, sleep=pause)

    async def _assess(self, answer_text: str, target: Target) -> tuple[Candidate, ...]:
        async def assess() -> tuple[Candidate, ...]:
            with self.phases.phase("the check", deadline_seconds=self._checker.deadline_seconds()):
                return await self._checker.assess(answer_text, target)

        return await patiently(assess)

    async def _run(self, candidate: Candidate, target: Target) -> Candidate:
        with self.phases.phase("the query", deadline_seconds=self._trials.deadline_seconds()):
            return await self._trials.run(candidate, target)

    async def _constrain(self, question: str, sql: str, target: Target) -> str | None:
        takes = self._config.model_settings.grammar
        if takes is None:
            return None
        form = form_of(takes)

        async def make() -> str | None:
            with self.phases.phase("the grammar", deadline_seconds=self._checker.deadline_seconds()):
                return await self._checker.grammar(question, sql, target, form=form)

        return await patiently(make)

    async def _find_target(self, name: str, version: datetime) -> Target:
        """The target with its URL; read again when its schema, notes or URL have changed since."""
        known_version, known = self._targets.get(name, (None, None))
        if known is None or known_version != version:
            loaded = await self._writer.do(lambda connection: targets.read(connection, name))
            settings = self._config.settings
            known = replace(
                loaded, url=urls.find(settings, name), evidence=urls.wants_evidence(settings, name)
            )
            self._targets[name] = version, known
        return known

    async def _find_worked(self, question: str, target: Target) -> Worked | None:
        """Of the target's queries that are marked good, the one for the question most like this one."""
        now, fingerprint = asyncio.get_running_loop().time(), target.fingerprint
        read_at, of, known = self._worked.get(target.name, (-math.inf, fingerprint, ()))
        if of != fingerprint or now > read_at + WORKED_SECONDS:
            # Noted before it is read, so that of all tasks in flight one reads.
            self._worked[target.name] = now, fingerprint, known if of == fingerprint else ()
            rows = await self._writer.do(
                lambda connection: exemplars.good(connection, target.name, fingerprint)
            )
            known = tuple(Worked(question=asked, sql=sql) for asked, sql in rows)
            self._worked[target.name] = now, fingerprint, known
        return most_alike(question, known)

    async def _stop(self, task_ids: Sequence[int]) -> None:
        await self._writer.do(lambda connection: steering.stop(connection, task_ids, worker=self._name))

    async def renew(self) -> None:
        """Renew every lease in flight, and show life to the store."""
        in_flight = list(self.worker.in_flight)
        if in_flight:
            await self._writer.renew(in_flight)
        await self._writer.do(self._note_beat)

    async def beat(self) -> None:
        """Show life to RQ."""
        await self.worker.beat()

    def _register(self, connection: Connection) -> None:
        config = self._config
        workers.register(
            connection,
            name=self._name,
            slot=config.slot,
            host=config.host,
            pid=os.getpid(),
            queue=config.queue,
        )

    def _note_beat(self, connection: Connection) -> None:
        workers.beat(
            connection,
            self._name,
            state=self.worker.worker_state,
            in_flight=len(self.worker.in_flight),
            tasks_done=self.worker.tasks_done,
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
