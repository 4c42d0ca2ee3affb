"""Addresses that are told when a batch has ended: kept with the batch, claimed for each attempt, settled.

    waiting ──the batch has ended──► pending ──2xx──► delivered
       ▲                       ▲      │    ╲──given up──► failed
       │                       └──────┼── send_again ──────┘ (from delivered, too)
       └───── the batch is requeued ──┴── (from any state; the next ending is told)

Several supervisors may do all this at once. A claim moves `next_at` beyond the time that an attempt takes
and `token` by one, so that an attempt whose supervisor died is made again, and what comes of one that was
overtaken (by another, or by a requeue) is dropped.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, case, func, insert, literal, select, update

from farm.store import results
from farm.store.engine import now
from farm.store.results import Progress
from farm.store.states import TaskState
from farm.store.tables import BatchItemRow, BatchRow, TaskRow, WebhookRow
from farm.store.tasks import clock

WebhookState = Literal["waiting", "pending", "delivered", "failed"]
WAITING: WebhookState = "waiting"
PENDING: WebhookState = "pending"
DELIVERED: WebhookState = "delivered"
FAILED: WebhookState = "failed"
OPEN = (TaskState.QUEUED, TaskState.LEASED)
RECENT = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A webhook whose batch has not ended, as far as was known."""

    id: int
    batch_id: int
    ending: int
    all_own: bool
    token: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A batch that has ended."""

    id: int
    name: str | None
    created_at: datetime
    ended_at: datetime
    progress: Progress


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """A message that is to be sent; `attempt` counts from 1, `message_id` stays with every attempt."""

    id: int
    batch_id: int
    url: str
    body: str
    attempt: int
    token: int
    message_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """How a webhook of a batch stands. `url` may hold a secret."""

    url: str
    state: WebhookState
    ending: int
    message_id: str
    attempt: int
    ended_at: datetime | None
    next_at: datetime | None
    closed_at: datetime | None
    status_code: int | None
    reason: str | None


def add(connection: Connection, batch_id: int, urls: Iterable[str], *, all_own: bool) -> None:
    """Have these addresses told, in the transaction that makes the batch.

    `all_own`: the batch added every task itself, which makes it quick to see that it has ended.
    """
    at = now()
    rows = [{"batch_id": batch_id, "url": url, "all_own": all_own, "created_at": at} for url in urls]
    if rows:
        connection.execute(insert(WebhookRow), rows)


def of_batch(connection: Connection, batch_id: int) -> list[Webhook]:
    """The webhooks of a batch, as they stand."""
    rows = connection.execute(
        select(WebhookRow.__table__).where(WebhookRow.batch_id == batch_id).order_by(WebhookRow.id)
    )
    return [
        Webhook(
            url=row.url,
            state=row.state,
            ending=row.ending,
            message_id=_message_id(row),
            attempt=row.attempt,
            ended_at=row.ended_at,
            next_at=row.next_at,
            closed_at=row.closed_at,
            status_code=row.status_code,
            reason=row.reason,
        )
        for row in rows
    ]


def counts(connection: Connection) -> dict[WebhookState, int]:
    """How many wait, how many are to be sent, and how many were given up within a day."""
    recent = (WebhookRow.state == FAILED) & (WebhookRow.next_at > now() - RECENT)
    rows = connection.execute(
        select(WebhookRow.state, func.count().label("webhooks"))
        .where(WebhookRow.state.in_((WAITING, PENDING)) | recent)
        .group_by(WebhookRow.state)
    )
    found: dict[WebhookState, int] = {row.state: row.webhooks for row in rows}
    return {state: found.get(state, 0) for state in (WAITING, PENDING, FAILED)}


def waiting(connection: Connection) -> list[Waiting]:
    """The webhooks whose batches have no open task of their own; others' may still be open."""
    own = [_own(state).scalar_subquery().is_(None) for state in OPEN]
    columns = [getattr(WebhookRow, name) for name in Waiting.__slots__]
    rows = connection.execute(
        select(*columns).where(WebhookRow.state == WAITING, *own).order_by(WebhookRow.id)
    )
    return [Waiting(**row._mapping) for row in rows]


def _own(state: TaskState) -> Any:
    """A task in this state that the batch added itself; told as in `farm.store.batches`, for the index."""
    return (
        select(literal(1))
        .where(TaskRow.batch_id == WebhookRow.batch_id, TaskRow.state.between(state, state))
        .order_by(TaskRow.state)
        .limit(1)
        .correlate(WebhookRow)
    )


def first_open(connection: Connection, batch_id: int, after: int = 0) -> int | None:
    """The position of the batch's first open task, from the position `after` on; None where none is."""
    return connection.scalar(
        select(BatchItemRow.position)
        .join(TaskRow, TaskRow.id == BatchItemRow.task_id)
        .where(BatchItemRow.batch_id == batch_id, BatchItemRow.position >= after, TaskRow.state.in_(OPEN))
        .order_by(BatchItemRow.position)
        .limit(1)
    )


def ended(connection: Connection, batch_id: int) -> Ended:
    """A batch that has ended, counted to the last task; this reads all of it."""
    batch = connection.execute(
        select(BatchRow.name, BatchRow.created_at).where(BatchRow.id == batch_id)
    ).one()
    last: datetime | None = connection.scalar(
        select(func.max(TaskRow.finished_at, type_=TaskRow.finished_at.type))
        .join(BatchItemRow, BatchItemRow.task_id == TaskRow.id)
        .where(BatchItemRow.batch_id == batch_id)
    )
    return Ended(
        id=batch_id,
        name=batch.name,
        created_at=batch.created_at,
        ended_at=max(batch.created_at, last or batch.created_at),
        progress=results.progress(connection, batch_id),
    )


def end(connection: Connection, webhook: Waiting, ended_at: datetime, body: str) -> bool:
    """Have a message sent; False where another has seen to it, or the batch was requeued meanwhile."""
    return _change(
        connection,
        webhook.id,
        webhook.token,
        WAITING,
        state=PENDING,
        ended_at=ended_at,
        body=body,
        next_at=clock(connection),
    )


def due(connection: Connection, *, limit: int) -> list[Due]:
    """Messages that are to be sent now, those first that have waited longest. None of them is claimed."""
    rows = connection.execute(
        select(WebhookRow.__table__)
        .where(WebhookRow.state == PENDING, WebhookRow.next_at <= clock(connection))
        .order_by(WebhookRow.next_at, WebhookRow.id)
        .limit(limit)
    )
    return [
        Due(
            id=row.id,
            batch_id=row.batch_id,
            url=row.url,
            body=row.body,
            attempt=row.attempt + 1,
            token=row.token + 1,
            message_id=_message_id(row),
        )
        for row in rows
    ]


def claim(connection: Connection, found: Sequence[Due], *, lease_seconds: float) -> list[Due]:
    """Those of the messages that are ours to send, within the lease; another may be faster with others."""
    until = clock(connection) + timedelta(seconds=lease_seconds)
    return [
        one
        for one in sorted(found, key=lambda one: one.id)  # see _held
        if _change(
            connection, one.id, one.token - 1, PENDING, token=one.token, attempt=one.attempt, next_at=until
        )
    ]


def settle(
    connection: Connection,
    sent: Due,
    *,
    state: WebhookState,
    pause_seconds: float | None = None,
    status_code: int | None = None,
    reason: str | None = None,
) -> bool:
    """Note what came of an attempt; False where it was overtaken."""
    at = clock(connection)
    return _change(
        connection,
        sent.id,
        sent.token,
        PENDING,
        state=state,
        next_at=at + timedelta(seconds=pause_seconds or 0.0),
        closed_at=None if state == PENDING else at,
        status_code=status_code,
        reason=reason,
    )


def send_again(connection: Connection, batch_id: int) -> int:
    """Let messages that were delivered or given up be sent once more, now; returns how many."""
    closed = WebhookRow.state.in_((DELIVERED, FAILED))
    return connection.execute(
        update(WebhookRow)
        .where(WebhookRow.id.in_(_held(connection, WebhookRow.batch_id == batch_id, closed)))
        .values(
            state=PENDING,
            token=WebhookRow.token + 1,
            attempt=0,
            next_at=clock(connection),
            closed_at=None,
            status_code=None,
            reason=None,
        )
    ).rowcount


def requeued(connection: Connection, batch_id: int) -> None:
    """Have a batch's next ending told, in the transaction that requeues tasks of it."""
    connection.execute(
        update(WebhookRow)
        .where(WebhookRow.id.in_(_held(connection, WebhookRow.batch_id == batch_id)))
        .values(
            state=WAITING,
            ending=WebhookRow.ending + case((WebhookRow.state == WAITING, 0), else_=1),
            token=WebhookRow.token + 1,
            attempt=0,
            ended_at=None,
            body=None,
            next_at=None,
            closed_at=None,
            status_code=None,
            reason=None,
        )
    )


def _held(connection: Connection, *which: Any) -> Sequence[int]:
    """These webhooks, with their rows locked from the lowest id up, as by all: two who wait for each other's
    rows would never end."""
    rows = select(WebhookRow.id).where(*which).order_by(WebhookRow.id).with_for_update()
    return connection.scalars(rows).all()


def _message_id(row: Any) -> str:
    """What a receiver knows a message by: one for each ending, and no other store's."""
    source = f"{row.id} {row.ending} {row.created_at.isoformat()}".encode()
    return f"msg_{hashlib.sha256(source).hexdigest()[:32]}"


def _change(connection: Connection, webhook_id: int, token: int, state: str, /, **values: Any) -> bool:
    """Change a webhook that stands as it was seen."""
    seen = (WebhookRow.id == webhook_id, WebhookRow.token == token, WebhookRow.state == state)
    return connection.execute(update(WebhookRow).where(*seen).values(**values)).rowcount == 1
