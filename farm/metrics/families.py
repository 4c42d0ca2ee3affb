"""Every metric of the farm: its name, type, labels and meaning, and where its values come from. Pure."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from farm.store import counted
from farm.store.counted import BEYOND, BOUNDS, BUCKET, NANOS, SUM, Counted
from farm.store.observation import WEBHOOKS_OPEN, Observation
from farm.store.states import TaskState
from farm.store.status import WorkerStatus

PREFIX = "sqlfarm_"
MICROS = 1_000_000
WORKER_STATES = ("ready", "draining")
RUN_STATES = ("done", "failed", "cancelled")
WORKER_ENDS = ("wanted", *counted.WORKER_END_KINDS, "failed")

Always: TypeAlias = Callable[[Counted], Iterable[tuple[str, ...]]]
"""The labels that a metric has even before anything was counted."""
Sample: TypeAlias = tuple[tuple[str, ...], float]
"""The values of the labels, and the value itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """One histogram: how many observations there are up to each bound (seconds), and their sum in seconds."""

    labels: tuple[str, ...]
    buckets: tuple[tuple[str, float], ...]
    sum_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """A gauge or a counter; `name` is as queries have it, but for the `_total` of a counter."""

    name: str
    kind: Literal["gauge", "counter"]
    help: str
    labels: tuple[str, ...]
    samples: Callable[[Observation], Iterable[Sample]]


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeFamily:
    """A histogram of seconds."""

    name: str
    help: str
    labels: tuple[str, ...]
    times: Callable[[Observation], Iterable[Times]]


def gauge(
    name: str, help_: str, labels: tuple[str, ...], samples: Callable[[Observation], Iterable[Sample]]
) -> Family:
    return Family(name=PREFIX + name, kind="gauge", help=help_, labels=labels, samples=samples)


def counter(
    name: str,
    help_: str,
    of: str,
    labels: tuple[str, ...] = (),
    *,
    always: Always = lambda counted: (),
    unit: int = 1,
) -> Family:
    """The counter `of` the store, in `unit`s of its amounts; for `always` see Always."""

    def samples(seen: Observation) -> Iterator[Sample]:
        wanted = () if labels else ((),)
        amounts = dict.fromkeys((*always(seen.counted), *wanted), 0)
        amounts |= {tuple(rest): amount for (first, *rest), amount in seen.counted.items() if first == of}
        for values, amount in sorted(amounts.items()):
            yield values, amount / unit

    return Family(name=PREFIX + name, kind="counter", help=help_, labels=labels, samples=samples)


def histogram(
    name: str,
    help_: str,
    of: str,
    labels: tuple[str, ...] = (),
    *,
    always: Always = lambda counted: (),
) -> TimeFamily:
    """The histogram `of` the store."""

    def times(seen: Observation) -> Iterator[Times]:
        found = {key[1:-1] for key in seen.counted if key[0] == of + BUCKET}
        for values in sorted({*always(seen.counted), *found, *(() if labels else ((),))}):
            yield _times(seen.counted, of, values)

    return TimeFamily(name=PREFIX + name, help=help_, labels=labels, times=times)


def _times(amounts: Counted, of: str, labels: tuple[str, ...]) -> Times:
    """Each bucket with all below it; what was counted under another bound once, under the next one."""
    bounds = BOUNDS[of]
    places = [0] * (len(bounds) + 1)
    for key, amount in amounts.items():
        if key[:-1] == (of + BUCKET, *labels):
            place = len(bounds) if key[-1] == BEYOND else bisect_left(bounds, float(key[-1]))
            places[place] += amount
    sums = [sum(places[: place + 1]) for place in range(len(places))]
    names = [*(str(float(bound)) for bound in bounds), BEYOND]
    micros = amounts[of + SUM, *labels]
    return Times(
        labels=labels, buckets=tuple(zip(names, map(float, sums), strict=True)), sum_seconds=micros / MICROS
    )


def models(amounts: Counted) -> list[tuple[str]]:
    """Every model that was called, so that what it never did stands at 0."""
    return sorted({(key[1],) for key in amounts if key[0].startswith("model_")})


def labelled(*values: str) -> Always:
    return lambda _: [(value,) for value in values]


def by_key(numbers: Mapping[str, float]) -> list[Sample]:
    return [((key,), number) for key, number in numbers.items()]


def workers_by_state(seen: Observation) -> list[Sample]:
    """Living workers; queues and states without any have 0, which alerts can see."""
    numbers = dict.fromkeys(((queue, state) for queue in _queues(seen) for state in WORKER_STATES), 0)
    for worker in seen.workers:
        numbers[worker.queue, worker.state] = numbers.get((worker.queue, worker.state), 0) + 1
    return [(labels, number) for labels, number in numbers.items()]


def of_workers(seen: Observation, number: Callable[[Sequence[WorkerStatus]], float]) -> list[Sample]:
    """A number for each queue that has workers."""
    by_queue: dict[str, list[WorkerStatus]] = {}
    for worker in seen.workers:
        by_queue.setdefault(worker.queue, []).append(worker)
    return [((queue,), number(workers)) for queue, workers in sorted(by_queue.items())]


def _queues(seen: Observation) -> list[str]:
    return [queue.name for queue in seen.queues]


def waiting_seconds(seen: Observation) -> list[Sample]:
    return [((queue.name,), queue.oldest_seconds or 0.0) for queue in seen.queues]


FAMILIES: tuple[Family | TimeFamily, ...] = (
    gauge("tasks", "Tasks that stand in each state.", ("state",), lambda seen: by_key(seen.tasks)),
    counter("tasks_enqueued", "Tasks that were new when they were enqueued.", counted.TASKS_ENQUEUED),
    counter(
        "tasks_requeued",
        "Tasks that were given back to be worked again, by the state they had come to.",
        counted.TASKS_REQUEUED,
        ("state",),
        always=labelled(TaskState.REJECTED, TaskState.DEAD),
    ),
    counter(
        "tasks_ended",
        "Tasks that came to an end, by state and reason code; each time, where they were requeued.",
        counted.TASKS_ENDED,
        ("state", "reason"),
        always=lambda _: [(TaskState.ACCEPTED.value, "")],
    ),
    histogram(
        "task_duration_seconds",
        "From enqueueing a task until a worker ended it.",
        counted.TASK_TIME,
        ("state",),
        always=labelled(TaskState.ACCEPTED, TaskState.REJECTED),
    ),
    histogram(
        "task_work_duration_seconds",
        "From the first claim of a task, since it was enqueued or requeued, until a worker ended it.",
        counted.WORK_TIME,
        ("state",),
        always=labelled(TaskState.ACCEPTED, TaskState.REJECTED),
    ),
    histogram("validation_duration_seconds", "The checks of one candidate query.", counted.CHECK_TIME),
    gauge(
        "queue_depth",
        "Tasks that wait in a queue.",
        ("queue",),
        lambda seen: [((queue.name,), queue.depth) for queue in seen.queues],
    ),
    gauge(
        "queue_oldest_seconds",
        "Time since the oldest waiting task of a queue was enqueued; 0 where none waits.",
        ("queue",),
        waiting_seconds,
    ),
    gauge(
        "queue_paused",
        "Whether a queue is paused (1) or runs (0).",
        ("queue",),
        lambda seen: [((name,), float(name in seen.paused)) for name in _queues(seen)],
    ),
    gauge(
        "workers",
        "Worker processes that live (heard of within 5 minutes, and not ended), by queue and state.",
        ("queue", "state"),
        workers_by_state,
    ),
    gauge(
        "worker_tasks_in_flight",
        "Tasks that the living workers of a queue said to have in flight, at their last heartbeats.",
        ("queue",),
        lambda seen: of_workers(seen, lambda workers: sum(worker.in_flight for worker in workers)),
    ),
    gauge(
        "worker_heartbeat_age_seconds",
        "Time since that worker of a queue was heard of which has been silent for longest.",
        ("queue",),
        lambda seen: of_workers(
            seen, lambda workers: max(worker.heartbeat_age_seconds for worker in workers)
        ),
    ),
    counter("worker_starts", "Worker processes that signed on.", counted.WORKER_STARTS),
    counter(
        "worker_ends",
        "Worker processes that ended, by kind; all but `wanted` were restarted or given up.",
        counted.WORKER_ENDS,
        ("kind",),
        always=labelled(*WORKER_ENDS),
    ),
    counter(
        "model_calls",
        "Model calls that gave an answer, which is stored.",
        counted.MODEL_CALLS,
        ("model",),
        always=models,
    ),
    counter(
        "model_failed_calls",
        "Model calls that gave no answer and may have been paid, by code.",
        counted.MODEL_FAILED_CALLS,
        ("model", "code"),
    ),
    counter(
        "model_prompt_tokens",
        "Prompt tokens of all model calls.",
        counted.MODEL_PROMPT_TOKENS,
        ("model",),
        always=models,
    ),
    counter(
        "model_completion_tokens",
        "Completion tokens of all model calls.",
        counted.MODEL_COMPLETION_TOKENS,
        ("model",),
        always=models,
    ),
    counter(
        "model_cost_usd",
        "US dollars that all model calls cost, by the prices that are set.",
        counted.MODEL_COST,
        ("model",),
        always=models,
        unit=NANOS,
    ),
    histogram(
        "model_call_duration_seconds",
        "Model calls that gave an answer, from the request until the whole of it.",
        counted.MODEL_TIME,
        ("model",),
    ),
    counter(
        "runs",
        "Runs of accepted queries that came to their end, by state.",
        counted.RUNS_ENDED,
        ("state",),
        always=labelled(*RUN_STATES),
    ),
    gauge(
        "runs_running",
        "Runs of accepted queries that are at work.",
        (),
        lambda seen: [((), seen.running)],
    ),
    gauge(
        "webhooks",
        f"Webhooks that are {', '.join(WEBHOOKS_OPEN[:-1])} or {WEBHOOKS_OPEN[-1]}.",
        ("state",),
        lambda seen: by_key(seen.webhooks),
    ),
)
