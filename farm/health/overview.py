"""The farm at a glance: what the Farm page and `farm top` show beside how many tasks stand where."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from farm.api import Farm
from farm.store import statistics, status, workers
from farm.store.statistics import Latencies, Outcomes, Throughput, Usage
from farm.store.status import EndStatus, QueueStatus, WorkerStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueLine:
    """One queue; `model` is None for one that no pool here serves, `wanted` where nobody has scaled it."""

    name: str
    model: str | None
    depth: int
    oldest_seconds: float | None
    paused: bool
    workers: int
    wanted: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """How a farm stands, and how it has done of late. `usage` is by day (UTC) and model, the latest first.

    `summed_until`: up to when throughput, outcomes and usage have been summed up (farm.store.rollup).
    """

    queues: tuple[QueueLine, ...]
    workers: tuple[WorkerStatus, ...]
    ends: tuple[EndStatus, ...]
    throughput: Throughput
    outcomes: Outcomes
    latencies: Latencies
    usage: tuple[Usage, ...]
    summed_until: datetime | None


def overview(farm: Farm, queues: Sequence[QueueStatus], *, hours: int) -> Overview:
    """Read in milliseconds however many tasks there are; what waits in `queues` is counted elsewhere.

    Outcomes are those of the last `hours`.
    """
    pools = farm.settings.all_pools()
    with farm.store.read() as connection:
        alive = status.workers(connection)
        paused, scale = workers.paused(connection), workers.scale(connection)
        return Overview(
            queues=tuple(
                QueueLine(
                    name=queue.name,
                    model=pools[queue.name].model if queue.name in pools else None,
                    depth=queue.depth,
                    oldest_seconds=queue.oldest_seconds,
                    paused=queue.name in paused,
                    workers=sum(worker.queue == queue.name for worker in alive),
                    wanted=scale.get(queue.name),
                )
                for queue in queues
            ),
            workers=tuple(alive),
            ends=tuple(status.ends(connection)),
            throughput=statistics.throughput(connection),
            outcomes=statistics.outcomes(connection, hours=hours),
            latencies=statistics.latencies(connection),
            usage=tuple(statistics.usage(connection)),
            summed_until=statistics.summed_until(connection),
        )
