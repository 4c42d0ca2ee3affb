"""Seeing which batches have ended, and telling who asked for it; again and again, by every supervisor.

1. Of the webhooks that wait, those whose batch has no open task become messages.
2. Messages that are due are claimed for the length of an attempt, and sent side by side.
3. Each is settled by itself: delivered, due again later, or given up.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import uniform

from farm import __version__
from farm.store import webhooks
from farm.store.engine import Connection, Store
from farm.store.webhooks import Due, Waiting
from farm.webhooks import message, signing
from farm.webhooks.address import BadWebhook, parsed, shown
from farm.webhooks.schedule import Answered, Outcome, decide

LEASE_SECONDS = 60.0
AT_ONCE = 16
HEADERS = {"content-type": "application/json", "user-agent": f"sqlfarm/{__version__}"}

log = logging.getLogger(__name__)


class _Unawaited(ThreadPoolExecutor):
    """Threads that a pass does not wait for at its end: nobody can end the looking up of a name."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=cancel_futures)


class Deliverer:
    """Tells the addresses at `hosts`, with signatures by each of `secrets`; not for use in an event loop."""

    def __init__(
        self,
        store: Store,
        *,
        hosts: tuple[str, ...],
        secrets: tuple[str, ...],
        lease_seconds: float = LEASE_SECONDS,
        spread: Callable[[float, float], float] = uniform,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._secrets = secrets
        self._lease_seconds = lease_seconds
        self._spread = spread
        self._seen_to: dict[int, int] = {}

    def tick(self) -> int:
        """One pass; returns how many messages were sent. Raises what the store does."""
        self._note_ends()
        with self._store.read() as connection:
            found = webhooks.due(connection, limit=AT_ONCE)
        if not found:
            return 0
        with self._store.write() as connection:
            claimed = webhooks.claim(connection, found, lease_seconds=self._lease_seconds)
        asyncio.run(self._deliver_all(claimed))
        return len(claimed)

    def _note_ends(self) -> None:
        with self._store.read() as connection:
            ended = list(self._ended(connection))
        for webhook, batch in ended:
            with self._store.write() as connection:
                webhooks.end(connection, webhook, batch.ended_at, message.body(batch, webhook.ending))

    def _ended(self, connection: Connection) -> Iterator[tuple[Waiting, webhooks.Ended]]:
        found = webhooks.waiting(connection)
        self._seen_to = {one.id: self._seen_to.get(one.id, 0) for one in found}
        for webhook in found:
            if webhook.all_own or self._nothing_open(connection, webhook):
                yield webhook, webhooks.ended(connection, webhook.batch_id)

    def _nothing_open(self, connection: Connection, webhook: Waiting) -> bool:
        """Whether a batch has ended that asked for tasks of others too.

        Each look begins at the task that was open at the last one, as reading all of a large batch takes a
        second; what was requeued before that place is seen at the end.
        """
        begin = self._seen_to[webhook.id]
        place = webhooks.first_open(connection, webhook.batch_id, begin)
        if place is None and begin:
            place = webhooks.first_open(connection, webhook.batch_id)
        self._seen_to[webhook.id] = place or 0
        return place is None

    async def _deliver_all(self, claimed: list[Due]) -> None:
        # A name may take long to look up, each in a thread: with fewer of them, others would wait for it.
        threads = _Unawaited(2 * AT_ONCE, thread_name_prefix="webhook")
        asyncio.get_running_loop().set_default_executor(threads)
        for failed in await asyncio.gather(*map(self._deliver, claimed), return_exceptions=True):
            if failed is not None:
                raise failed

    async def _deliver(self, due: Due) -> None:
        outcome = decide(await self._sent(due), due.attempt, spread=self._spread)
        await asyncio.to_thread(self._settle, due, outcome)

    async def _sent(self, due: Due) -> Answered:
        from farm.webhooks.sending import send  # its HTTP client takes a while to load; most never need it

        try:
            address = parsed(due.url, self._hosts)
        except BadWebhook as error:
            return Answered(trouble=str(error))
        body = due.body.encode()
        headers = signing.headers(due.message_id, int(time.time()), body, self._secrets)
        return await send(address, {**HEADERS, **headers}, body)

    def _settle(self, due: Due, outcome: Outcome) -> None:
        with self._store.write() as connection:
            if not webhooks.settle(
                connection,
                due,
                state=outcome.state,
                pause_seconds=outcome.pause_seconds,
                status_code=outcome.status_code,
                reason=outcome.reason,
            ):
                return
        about = f"the webhook of batch {due.batch_id} to {shown(due.url)}"
        if outcome.state == webhooks.DELIVERED:
            log.info("%s was delivered", about)
        elif outcome.state == webhooks.FAILED:
            log.warning("%s was given up: %s", about, outcome.reason)
        elif due.attempt == 1:
            log.warning("%s will be tried again: %s", about, outcome.reason)
