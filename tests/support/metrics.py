"""Metrics read as Prometheus reads them, and what they must say: counted anew from the tables."""

from collections.abc import Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Connection, text

from farm.metrics.exposition import expose
from farm.store.engine import Store
from farm.store.observation import observe

Samples = dict[tuple[str, ...], float]
"""Values by the sample's name and its labels as `name=value`, in order."""


def scraped(store: Store) -> Samples:
    """What a scrape of a farm over this store says."""
    seen = observe(store, ["default"])
    return parsed(expose(seen, version="1", store=store.dialect).body.decode())


def parsed(body: str) -> Samples:
    return {
        key(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


def key(name: str, labels: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    return (name, *sorted(f"{label}={value}" for label, value in (labels or {}).items()))


COUNTS = (
    ("sqlfarm_tasks", "SELECT state, count(*) AS n FROM tasks GROUP BY state"),
    ("sqlfarm_tasks_enqueued_total", "SELECT count(*) AS n FROM tasks"),
    (
        "sqlfarm_tasks_ended_total",
        "SELECT state, coalesce(reason_code, '') AS reason, count(*) AS n FROM tasks "
        "WHERE finished_at IS NOT NULL GROUP BY state, reason_code",
    ),
    (
        "sqlfarm_task_duration_seconds_count",
        "SELECT state, count(*) AS n FROM tasks WHERE state IN ('accepted', 'rejected') GROUP BY state",
    ),
    (
        "sqlfarm_task_work_duration_seconds_count",
        "SELECT state, count(*) AS n FROM tasks WHERE state IN ('accepted', 'rejected') GROUP BY state",
    ),
    ("sqlfarm_validation_duration_seconds_count", "SELECT count(*) AS n FROM candidates"),
    ("sqlfarm_model_calls_total", "SELECT model, count(*) AS n FROM answers GROUP BY model"),
    ("sqlfarm_model_call_duration_seconds_count", "SELECT model, count(*) AS n FROM answers GROUP BY model"),
    (
        "sqlfarm_model_call_duration_seconds_sum",
        "SELECT model, sum(round(latency_ms * 1000)) / 1000000 AS n FROM answers GROUP BY model",
    ),
    (
        "sqlfarm_model_failed_calls_total",
        "SELECT model, code, count(*) AS n FROM failed_calls GROUP BY model, code",
    ),
    *(
        (
            f"sqlfarm_model_{name}_total",
            f"SELECT model, sum(coalesce({name}, 0)) AS n FROM (SELECT model, {name} FROM answers "
            f"UNION ALL SELECT model, {name} FROM failed_calls) AS calls GROUP BY model",
        )
        for name in ("prompt_tokens", "completion_tokens", "cost_usd")
    ),
    ("sqlfarm_worker_starts_total", "SELECT count(*) AS n FROM workers"),
    ("sqlfarm_runs_total", "SELECT state, count(*) AS n FROM runs WHERE state <> 'running' GROUP BY state"),
)
"""What each metric counts in a store of which nothing was requeued; columns but `n` are its labels.

The metrics count each time in whole microseconds, so the tables' times are rounded one by one too.
"""


def counted(connection: Connection) -> Samples:
    """The same by the tables themselves."""
    found: Samples = {}
    for name, query in COUNTS:
        for row in connection.execute(text(query)).mappings():
            labels = {label: value for label, value in row.items() if label != "n"}
            found[key(name, labels)] = float(row["n"])
    return found


def disagreements(store: Store) -> list[str]:
    """Where metrics and tables differ, one line each: metrics may have more only where they say 0."""
    with store.read() as connection:
        tables = counted(connection)
    said = scraped(store)
    names = {name for name, _ in COUNTS}
    return [
        f"{' '.join(one)}: the metrics say {said.get(one)}, the tables {tables.get(one)}"
        for one in sorted(tables.keys() | {one for one in said if one[0] in names})
        if abs(said.get(one, -1.0) - tables.get(one, 0.0)) > 1e-6
    ]
