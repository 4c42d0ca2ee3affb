"""The farm from Python: the one class that programs and the command line use."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Self

from farm.batch import Batch
from farm.errors import BadInput, BadSetting, FarmError, NotFound
from farm.reports import Reports
from farm.settings import MOST_WORKERS, Settings
from farm.storable import comparable
from farm.store import (
    enqueue,
    results,
    revision,
    steering,
    targets,
    webhooks,
    workers,
)
from farm.store.engine import Connection, Store
from farm.store.requests import Keyed
from farm.store.results import TaskResult
from farm.store.states import TaskState
from farm.store.sweep import sweep
from farm.store.task_selection import Selection
from farm.targets import urls
from farm.targets.describing import describe, require_dialect
from farm.targets.target import Target
from farm.webhooks.asked import checked as checked_webhooks
from jobs.task import Task

ANNOUNCE_TIMEOUT_SECONDS = 1.0


class Farm(Reports):
    """A connection to one farm: its store, and through it everything else.

    Enqueueing needs the store alone; work begins when a farm runs (`farm up`), on any machine.
    """

    @classmethod
    def connect(cls, settings: Settings | None = None, **arguments: Any) -> Self:
        """Open the farm that the environment, `farm.toml` and `arguments` describe.

        A SQLite store is made and brought to this version; another store must be (`farm migrate`). Raises
        BadSetting or StoreTrouble.
        """
        if settings is not None and (arguments or not isinstance(settings, Settings)):
            raise BadSetting(
                "give either ready Settings or single ones by name: Farm.connect(home=…, database_url=…)"
            )
        settings = settings or Settings.load(**arguments)
        if settings.redis_url is not None:
            from farm.queue.connection import connect

            connect(settings.redis_url.get_secret_value()).close()  # a bad URL is refused here, not half-way
        store = open_store(settings)
        try:
            # Only a store that needs it is written to: reading must work while another program writes.
            if store.dialect == "sqlite" and revision.current(store) != revision.head():
                from farm.store.migrate import migrate

                migrate(store)
            revision.require_current(store)
        except BaseException:
            store.close()
            raise
        return cls(settings, store)

    def close(self) -> None:
        """Close the connections."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Targets

    def add_target(
        self,
        name: str,
        *,
        dialect: str,
        url: str | None = None,
        ddl: str | None = None,
        notes: str = "",
        evidence: bool | None = None,
    ) -> Target:
        """Add a database to write SQL for, or bring it up to date; give its `url`, its `ddl`, or both.

        With a URL alone the schema is read from the database. The URL stays on this machine, in
        `$FARM_HOME/targets.toml`, and never enters the store. `evidence`: whether the farm runs accepted
        queries once, read-only and bounded, and keeps a little of their results (None: as before, at first
        not). Raises BadInput, also where there is no table, or TargetTrouble.
        """
        target = describe(name, dialect=dialect, url=url, ddl=ddl, notes=notes)
        _require_tables(target, read=not (ddl or "").strip())
        if url is not None:
            urls.remember(self.settings.home, name, url)
        if evidence is not None:
            self._want_evidence(name, evidence)
        targets.save(self.store, target)
        return target

    def _want_evidence(self, name: str, wanted: bool) -> None:
        if wanted and urls.find(self.settings, name) is None:
            raise BadInput(
                f"target {name} has no URL, so there is nothing to run its queries on for evidence"
            )
        urls.remember_evidence(self.settings.home, name, wanted)

    def refresh_target(self, name: str) -> Target:
        """Read a target's schema again from its database."""
        target = self.target(name)
        if target.url is None:
            raise BadInput(f"target {name} has no URL to read its schema from; give its DDL again instead")
        fresh = describe(name, dialect=target.dialect, url=target.url, ddl=None, notes=target.notes)
        _require_tables(fresh, read=True)
        targets.save(self.store, fresh)
        return fresh

    # Asking

    def enqueue(
        self,
        tasks: Iterable[Task],
        *,
        name: str | None = None,
        dialect: str | None = None,
        request: Keyed | None = None,
        webhook: str | Iterable[str] = (),
    ) -> Batch:
        """Store the tasks as one batch, all or none; durable when it returns, whether or not Redis is up.

        `dialect` is in what else than their targets' own dialects the queries are wanted, for tasks that name
        none themselves. A `request` that was made before gives the batch that it made then. `webhook` is one
        address or several that are told when the batch has ended; FARM_WEBHOOK_HOSTS must name their hosts.
        Raises UnknownTarget or BadInput, naming the task at fault; KeyReused, BadWebhook.
        """
        if isinstance(tasks, Task):
            raise BadInput("give the tasks as a list, also a single one: farm.enqueue([task])")
        if name is not None:
            _require_name(name)
        told = checked_webhooks(self.settings, [webhook] if isinstance(webhook, str) else webhook)
        # All of them first: while they come, maybe slowly, nothing may hold the store that workers write to.
        checked = list(self._route(tasks, targets.dialects(self.store), dialect))
        if not checked:
            raise BadInput("there is nothing to enqueue")
        enqueued = enqueue.enqueue(self.store, checked, name=name, request=request, webhook_urls=told)
        announced = self._hint({queue for _, queue in checked})
        return Batch(
            self.store,
            enqueued.batch_id,
            added=enqueued.added,
            known=enqueued.known,
            announced=announced,
        )

    def _route(
        self, tasks: Iterable[Task], known: Mapping[str, str], dialect: str | None
    ) -> Iterator[tuple[Task, str]]:
        for number, task in enumerate(tasks, start=1):
            if not isinstance(task, Task):
                raise BadInput(
                    f"no. {number} is {type(task).__name__}, not a Task; write Task(question=…, target=…)"
                )
            if task.target not in known:
                raise targets.unknown(task.target, list(known))
            wanted = task.dialect or dialect
            if wanted is not None:
                require_dialect(wanted)
            own = None if wanted == known[task.target] else wanted
            yield task if own == task.dialect else replace(task, dialect=own), self.queue_for(task.model)

    def queue_for(self, model: str | None) -> str:
        """The queue of the pool that asks `model`; raises BadInput where no pool does."""
        queue = self.settings.queue_for(model)
        if queue is None:
            pools = ", ".join(f"{pool.model} ({name})" for name, pool in self.settings.all_pools().items())
            raise BadInput(
                f"no pool asks the model {model!r}; pools are {pools}: add one under [pools] in farm.toml"
            )
        return queue

    def _hint(self, queues: Iterable[str]) -> bool | None:
        """Tell waiting workers now; False where Redis cannot, None where none runs yet.

        Never fails: the tasks are stored, and a reconciler tells the workers later.
        """
        try:
            url = self.redis_url()
        except FarmError:
            return False
        if url is None:
            return None
        from farm.queue.announce import announce
        from farm.queue.connection import connect

        connection = connect(url, timeout_seconds=ANNOUNCE_TIMEOUT_SECONDS)
        try:
            return announce(self.store, connection, queues, window=self.settings.hint_window)
        finally:
            connection.close()

    def redis_url(self) -> str | None:
        """Where the queue is served; None while the embedded server does not run."""
        if self.settings.redis_url is not None:
            return self.settings.redis_url.get_secret_value()
        from farm.services import valkey  # loads Redis' client, which most commands need not wait for

        url = valkey.url(self.settings.home)
        return url if valkey.answers(url) else None

    # Looking

    def batch(self, batch_id: int) -> Batch:
        """The batch with this id; raises NotFound."""
        batch = Batch(self.store, batch_id)
        batch.progress()
        return batch

    def task(self, task_id: int) -> TaskResult:
        """How a task stands; raises NotFound."""
        with self.store.read() as connection:
            found = results.by_id(connection, [task_id])
        if not found:
            raise NotFound(f"there is no task {task_id}")
        return found[0]

    def tasks(
        self,
        *,
        states: Iterable[TaskState] = tuple(TaskState),
        batch_id: int | None = None,
        target: str | None = None,
        limit: int = 1000,
    ) -> list[TaskResult]:
        """Tasks as they stand, newest first, with the reason of each that was refused."""
        with self.store.read() as connection:
            return results.find(
                connection, states=_states(states), batch_id=batch_id, target=target, limit=limit
            )

    # Steering

    def requeue(
        self,
        *,
        task_ids: Iterable[int] | None = None,
        batch_id: int | None = None,
        target: str | None = None,
        states: Iterable[TaskState] = steering.REQUEUEABLE,
        model: str | None = None,
        queue: str | None = None,
        reason_code: str | None = None,
        text: str | None = None,
        most: int | None = None,
    ) -> int:
        """Let rejected and dead tasks be worked again, optionally by another `model`; returns how many.

        All other conditions given must hold (`queue` is the one they went through, `text` holds words of the
        question); without `task_ids` (None) every task that the others allow is meant, at most `most`.
        """
        selection = Selection(
            task_ids=None if task_ids is None else tuple(task_ids),
            batch_id=batch_id,
            target=target,
            states=_states(states),
            queue=queue,
            reason_code=reason_code,
            text=text,
        )
        route = self.queue_for(model)

        def act(connection: Connection, part: Selection) -> int:
            count = steering.requeue(connection, part, model=model, queue=route)
            if count and batch_id is not None:
                webhooks.requeued(connection, batch_id)
            return count

        count = sweep(self.store, selection, act, most=most)
        self._hint(self.settings.all_pools())
        return count

    def cancel(
        self,
        *,
        task_ids: Iterable[int] | None = None,
        batch_id: int | None = None,
        target: str | None = None,
        queue: str | None = None,
        text: str | None = None,
        most: int | None = None,
    ) -> int:
        """Let waiting tasks end as dead; those in work come to their end. Returns how many.

        The conditions are those of `requeue`.
        """
        selection = Selection(
            task_ids=None if task_ids is None else tuple(task_ids),
            batch_id=batch_id,
            target=target,
            states=steering.CANCELLABLE,
            queue=queue,
            text=text,
        )
        return sweep(self.store, selection, steering.cancel_tasks, most=most)

    def pause(self, queue: str) -> None:
        """Issue no more work for a queue; tasks in flight come to their end."""
        self._require_queue(queue)
        with self.store.write() as connection:
            workers.pause(connection, queue)

    def resume(self, queue: str) -> None:
        """Issue work for a queue again."""
        self._require_queue(queue)
        with self.store.write() as connection:
            workers.resume(connection, queue)

    def scale(self, workers_by_queue: Mapping[str, int | None]) -> None:
        """Run so many workers for these queues in every farm; None: as the settings say.

        Raises NotFound for an unknown queue, BadInput for a number that no farm runs.
        """
        for queue, count in workers_by_queue.items():
            self._require_queue(queue)
            if count is not None and (type(count) is not int or not 0 <= count <= MOST_WORKERS):
                raise BadInput(f"{count} workers for queue {queue}: from 0 to {MOST_WORKERS} can be run")
        with self.store.write() as connection:
            for queue, count in workers_by_queue.items():
                workers.set_scale(connection, queue, count)

    def _require_queue(self, queue: str) -> None:
        pools = self.settings.all_pools()
        if queue not in pools:
            raise NotFound(f"there is no queue {queue!r}; queues are {', '.join(pools)}")


def _require_tables(target: Target, *, read: bool) -> None:
    """Raise BadInput for a schema of which nothing can be asked, before anybody pays for answers.

    `read`: the schema was read from the database.
    """
    from farm.sql.ddl import read_ddl
    from farm.sql.dialect import rules_of

    if read_ddl(target.ddl, rules_of(target.dialect)):
        return
    if not read:
        raise BadInput(
            f"the DDL of target {target.name} defines no table; give CREATE TABLE statements, "
            "for example what `pg_dump --schema-only` or SQLite's `.schema` prints"
        )
    raise BadInput(
        f"there is no table in the database of target {target.name}, or none that its user may see; "
        "is it the right one, and may the user read its tables?"
    )


def _require_name(name: str) -> None:
    if not isinstance(name, str) or name != comparable(name):
        raise BadInput(
            f"a batch cannot be called {name!r:.80}; its name is text without NUL or half characters"
        )


def _states(states: Iterable[str]) -> tuple[TaskState, ...]:
    """States by themselves or by their names, one or several."""
    try:
        return tuple(TaskState(state) for state in ([states] if isinstance(states, str) else states))
    except ValueError as error:
        raise BadInput(f"{error}; states are {', '.join(TaskState)}") from None


def task_check(farm: Farm, known: list[str]) -> Callable[[Task], None]:
    """What raises BadInput for a task whose target is none of these, or whose dialect or model is unknown."""

    def check(task: Task) -> None:
        if task.target not in known:
            raise BadInput(str(targets.unknown(task.target, known)))
        if task.dialect is not None:
            require_dialect(task.dialect)
        farm.queue_for(task.model)

    return check


def open_store(settings: Settings) -> Store:
    """The store that the settings name."""
    return Store.open(
        settings.store_url,
        synchronous=settings.sqlite_synchronous,
        busy_timeout_seconds=settings.busy_timeout_seconds,
    )
