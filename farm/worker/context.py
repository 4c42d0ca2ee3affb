"""What the job function reaches inside a worker process: what was built before it was ready."""

from contextvars import ContextVar
from typing import Protocol


class Producer(Protocol):
    """Works one task to its outcome."""

    async def produce(self, task_id: int) -> object: ...


_current: ContextVar[Producer] = ContextVar("farm_producer")


def enter(producer: Producer) -> None:
    """Make `producer` the one that jobs of this context use."""
    _current.set(producer)


def current() -> Producer:
    """The producer of this worker; raises RuntimeError outside one."""
    try:
        return _current.get()
    except LookupError:
        raise RuntimeError(
            "jobs.generate runs inside a farm worker only; enqueue the task and start `farm workers`"
        ) from None
