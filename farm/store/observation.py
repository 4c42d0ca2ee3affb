"""The farm as those who watch it see it: everything in one snapshot of the store, so that its parts agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from farm.store import counters, status
from farm.store import workers as lives
from farm.store.counted import Counted
from farm.store.engine import Store
from farm.store.settled import Settled
from farm.store.states import TaskState
from farm.store.status import QueueStatus, WorkerStatus
from farm.store.tables import RunRow, WebhookRow

WEBHOOKS_OPEN = ("waiting", "pending", "failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """What stands where, and what has been counted so far.

    `tasks` by state; `running` are runs of queries; `webhooks` by state, but for those that were delivered.
    """

    counted: Counted
    tasks: Mapping[str, int]
    queues: tuple[QueueStatus, ...]
    paused: frozenset[str]
    workers: tuple[WorkerStatus, ...]
    running: int
    webhooks: Mapping[str, int]


def observe(store: Store, queues: Sequence[str], settled: Settled | None = None) -> Observation:
    """Look at the farm; `queues` are those it has, whether or not anything waits there.

    With the same `settled` each time, tasks that have ended are counted once for many looks.
    """
    with store.read() as connection:
        counted = counters.read(connection)
        waiting = tuple(status.queues(connection, list(queues)))
        tasks = {
            TaskState.QUEUED.value: sum(queue.depth for queue in waiting),
            TaskState.LEASED.value: status.tasks_leased(connection),
        }
        return Observation(
            counted=counted,
            tasks=tasks | (settled or Settled()).count(connection, counted),
            queues=waiting,
            paused=frozenset(lives.paused(connection)),
            workers=tuple(status.workers(connection)),
            running=_running(connection),
            webhooks=_webhooks(connection),
        )


def _running(connection: Connection) -> int:
    """Runs of queries that are at work; they are among the newest."""
    newest = select(RunRow.state).order_by(RunRow.id.desc()).limit(1_000).subquery()
    counted = select(func.count()).select_from(newest).where(newest.c.state == "running")
    return connection.execute(counted).scalar_one()


def _webhooks(connection: Connection) -> dict[str, int]:
    rows = connection.execute(
        select(WebhookRow.state, func.count().label("n"))
        .where(WebhookRow.state.in_(WEBHOOKS_OPEN))
        .group_by(WebhookRow.state)
    )
    return dict.fromkeys(WEBHOOKS_OPEN, 0) | {row.state: row.n for row in rows}
