"""How the webhooks of a batch stand, for people: without what may be secret in their addresses."""

from dataclasses import dataclass
from datetime import datetime

from farm.store import webhooks
from farm.store.engine import Connection
from farm.store.webhooks import Webhook, WebhookState
from farm.webhooks.address import shown


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookStanding:
    """A webhook: `waiting` for the batch's end, `pending` (next at `next_at`), `delivered`, or `failed`.

    `message_id` is what the receiver knows it by. `ending` counts the times that the batch ended, as it may
    be requeued. `closed_at` is when it was delivered or given up.
    """

    address: str
    state: WebhookState
    ending: int
    message_id: str
    attempts: int
    ended_at: datetime | None
    next_at: datetime | None
    closed_at: datetime | None
    status_code: int | None
    reason: str | None


def of_batch(connection: Connection, batch_id: int) -> list[WebhookStanding]:
    """The webhooks of a batch, in the order asked."""
    return [_standing(webhook) for webhook in webhooks.of_batch(connection, batch_id)]


def _standing(webhook: Webhook) -> WebhookStanding:
    return WebhookStanding(
        address=shown(webhook.url),
        state=webhook.state,
        ending=webhook.ending,
        message_id=webhook.message_id,
        attempts=webhook.attempt,
        ended_at=webhook.ended_at,
        next_at=webhook.next_at if webhook.state == webhooks.PENDING else None,
        closed_at=webhook.closed_at,
        status_code=webhook.status_code,
        reason=webhook.reason,
    )
