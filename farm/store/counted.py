"""What each change of the store counts for, as amounts of named counters. Pure.

All amounts are whole numbers: microseconds, and billionths of a dollar. Sums of fractions depend on the order
in which they are made, so that one might fall by its last digit.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeAlias

Counted: TypeAlias = Counter[tuple[str, ...]]
"""Amounts by the counter's name and the values of its labels."""
Amount: TypeAlias = tuple[tuple[str, ...], int]
"""One of them."""

TASKS_ENQUEUED = "tasks_enqueued"
TASKS_REQUEUED = "tasks_requeued"
"""By the state that they had come to."""
TASKS_ENDED = "tasks_ended"
"""By state and reason code, which is empty where there is none."""
TASK_TIME = "task_time"
"""From the time it was enqueued until a worker ended it, by state."""
WORK_TIME = "work_time"
"""From its first claim, since it was enqueued or requeued, until a worker ended it, by state."""
CHECK_TIME = "check_time"
MODEL_TIME = "model_time"
"""Of calls that gave an answer, by model; every counter that begins with `model_` has the model first."""
MODEL_CALLS = "model_calls"
MODEL_FAILED_CALLS = "model_failed_calls"
"""By model and code."""
MODEL_PROMPT_TOKENS = "model_prompt_tokens"
MODEL_COMPLETION_TOKENS = "model_completion_tokens"
MODEL_COST = "model_cost_nanousd"
WORKER_STARTS = "worker_starts"
WORKER_ENDS = "worker_ends"
"""By kind, one of WORKER_END_KINDS."""
RUNS_ENDED = "runs_ended"
"""By state."""

BUCKET, SUM = "_bucket", "_microseconds"
BOUNDS: Mapping[str, tuple[float, ...]] = {
    MODEL_TIME: (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300),
    TASK_TIME: (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400),
    WORK_TIME: (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600),
    CHECK_TIME: (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
}
"""The upper bounds (seconds) of each histogram's buckets; a last one has none."""
BEYOND = "+Inf"
NANOS, MICROS_PER_MS = 1_000_000_000, 1_000
LONGEST_LABEL = 200

WORKER_END_KINDS: Mapping[str, tuple[str, ...]] = {
    "killed": ("killed by ",),
    "exited": ("exit code ",),
    "hung": ("no heartbeat for ", "not ready after "),
    "memory": ("it uses ",),
}
"""How the reasons of ends that nobody wanted begin (farm.watchdog.policy, farm.watchdog.child).

A phase past its deadline is `hung`, an end that somebody wanted `wanted`, and any other one `failed`.
"""


def enqueued(tasks: int) -> Iterator[Amount]:
    """New tasks."""
    yield (TASKS_ENQUEUED,), tasks


def requeued(tasks: int, state: str) -> Iterator[Amount]:
    """Tasks that stood in a state and shall be worked again."""
    yield (TASKS_REQUEUED, str(state)), tasks


def ended(tasks: int, state: str, reason_code: str | None) -> Iterator[Amount]:
    """Tasks that came to an end."""
    yield (TASKS_ENDED, str(state), reason_code or ""), tasks


def worked(
    state: str, *, created_at: datetime, claimed_at: datetime | None, ended_at: datetime
) -> Iterator[Amount]:
    """How long a task took that a worker brought to its end."""
    yield from observed(TASK_TIME, str(state), micros=_micros(ended_at - created_at))
    if claimed_at is not None:
        yield from observed(WORK_TIME, str(state), micros=_micros(ended_at - claimed_at))


def checked(candidates: Iterable[Mapping[str, Any]]) -> Iterator[Amount]:
    """How long the checks took of candidates, as rows of `candidates`."""
    for candidate in candidates:
        if (ms := candidate["verdict"].get("ms")) is not None:
            yield from observed(CHECK_TIME, micros=_of_ms(ms))


def answered(rows: Iterable[Mapping[str, Any]]) -> Iterator[Amount]:
    """Calls that gave an answer, as rows of `answers`."""
    for row in rows:
        model = _label(row["model"])
        yield (MODEL_CALLS, model), 1
        yield from observed(MODEL_TIME, model, micros=_of_ms(row["latency_ms"]))
        yield from _used(model, row)


def failed(rows: Iterable[Mapping[str, Any]]) -> Iterator[Amount]:
    """Calls that gave none, as rows of `failed_calls`."""
    for row in rows:
        model = _label(row["model"])
        yield (MODEL_FAILED_CALLS, model, row["code"]), 1
        yield from _used(model, row)


def _used(model: str, row: Mapping[str, Any]) -> Iterator[Amount]:
    yield (MODEL_PROMPT_TOKENS, model), row["prompt_tokens"] or 0
    yield (MODEL_COMPLETION_TOKENS, model), row["completion_tokens"] or 0
    yield (MODEL_COST, model), round((row["cost_usd"] or 0.0) * NANOS)


def worker_started() -> Iterator[Amount]:
    """A worker that signed on."""
    yield (WORKER_STARTS,), 1


def worker_ended(reason: str, *, wanted: bool) -> Iterator[Amount]:
    """A worker that ended."""
    yield (WORKER_ENDS, "wanted" if wanted else kind_of_end(reason)), 1


def run_ended(state: str) -> Iterator[Amount]:
    """A run of an accepted query that came to its end."""
    yield (RUNS_ENDED, state), 1


def kind_of_end(reason: str) -> str:
    """The kind of a worker's end that nobody wanted."""
    for kind, beginnings in WORKER_END_KINDS.items():
        if reason.startswith(beginnings):
            return kind
    return "hung" if reason.endswith("past its deadline") else "failed"


def observed(name: str, *labels: str, micros: int) -> Iterator[Amount]:
    """One observation of a histogram."""
    bounds = BOUNDS[name]
    place = bisect_left(bounds, micros / 1_000_000)
    bound = f"{bounds[place]:g}" if place < len(bounds) else BEYOND
    yield (name + BUCKET, *labels, bound), 1
    yield (name + SUM, *labels), micros


def total(amounts: Iterable[Amount]) -> Counted:
    """All amounts together, without what is nothing."""
    added: Counted = Counter()
    for key, amount in amounts:
        if amount > 0:
            added[key] += amount
    return added


def merged(into: Counted, steps: Iterable[Counted], *, most_models: int) -> Counted:
    """What `steps` add to the totals `into`, in their order, with the models' names kept to so many.

    A model that comes after so many others counts as `other`, for good: names come from endpoints, and each
    of them is a set of time series in whatever reads them.
    """
    models = {key[1] for key in into if key[0].startswith("model_")}
    added: Counted = Counter()
    for step in steps:
        for key, amount in step.items():
            if key[0].startswith("model_") and key[1] not in models:
                if len(models) < most_models:
                    models.add(key[1])
                else:
                    key = (key[0], "other", *key[2:])  # noqa: PLW2901
            added[key] += amount
    return added


def _of_ms(ms: float) -> int:
    return max(0, round(ms * MICROS_PER_MS))


def _micros(time: timedelta) -> int:
    """Never below zero: the two ends may have been noted on two machines."""
    return max(0, time // timedelta(microseconds=1))


def _label(text: str) -> str:
    return text[:LONGEST_LABEL]


def as_json(counted: Counted) -> list[list[Any]]:
    """A list of [name, label, …, amount]."""
    return [[*key, amount] for key, amount in counted.items()]


def of_json(said: Collection[Sequence[Any]]) -> Counted:
    """The other way round."""
    return Counter({tuple(key): amount for *key, amount in said})
