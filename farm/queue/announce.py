"""Telling waiting workers of new tasks at once; what is missed here, the reconciler makes up for."""

import logging
from collections.abc import Iterable

from redis import Redis
from redis.exceptions import RedisError

from farm.errors import FarmError
from farm.queue.hints import Hints
from farm.queue.reconciler import fill
from farm.store.engine import Store

log = logging.getLogger(__name__)


def announce(store: Store, connection: Redis, queues: Iterable[str], *, window: int) -> bool:
    """Fill the queues' windows of hints; False where a server was away, which costs a moment and no task.

    The tasks are stored already, so whatever goes wrong here is no error of theirs.
    """
    hints = Hints(connection)
    try:
        for queue in queues:
            fill(store, hints, queue, window)
    except (RedisError, FarmError, OSError) as error:
        log.debug("the tasks wait in the store until the queue's server is back: %s", error)
        return False
    return True
