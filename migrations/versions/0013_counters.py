"""Counters that never fall, and what the store holds so far counted into them"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOST_MODELS = 100
ENDED = "state IN ('accepted', 'rejected', 'dead')"
BY_A_WORKER = "state IN ('accepted', 'rejected') AND finished_at IS NOT NULL"
CALL_BOUNDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
TASK_BOUNDS = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400)
WORK_BOUNDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
CHECK_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# The kinds are those of farm.store.counted at the time of this migration.
END_KIND = """CASE WHEN end_wanted THEN 'wanted' WHEN end_reason LIKE 'killed by %' THEN 'killed'
    WHEN end_reason LIKE 'exit code %' THEN 'exited' WHEN end_reason LIKE 'no heartbeat for %'
    OR end_reason LIKE 'not ready after %' OR end_reason LIKE '%past its deadline' THEN 'hung'
    WHEN end_reason LIKE 'it uses %' THEN 'memory' ELSE 'failed' END"""
RUN_ENDED = "state IN ('done', 'failed', 'cancelled')"

# A counter's name, its labels as SQL, what is added up, and the rows.
SUMS = (
    ("tasks_enqueued", (), "count(*)", "tasks"),
    ("tasks_ended", ("state", "coalesce(reason_code, '')"), "count(*)", f"tasks WHERE {ENDED}"),
    ("model_calls", ("{model}",), "count(*)", "answers"),
    ("model_failed_calls", ("{model}", "code"), "count(*)", "failed_calls"),
    ("model_prompt_tokens", ("{model}",), "sum(prompt_tokens)", "{calls}"),
    ("model_completion_tokens", ("{model}",), "sum(completion_tokens)", "{calls}"),
    ("model_cost_nanousd", ("{model}",), "sum({nanousd})", "{calls}"),
    ("worker_starts", (), "count(*)", "workers"),
    ("worker_ends", (END_KIND,), "count(*)", "workers WHERE ended_at IS NOT NULL"),
    ("runs_ended", ("state",), "count(*)", f"runs WHERE {RUN_ENDED}"),
)
# The same of histograms, with the microseconds that are observed and the buckets' bounds in seconds.
TIMES = (
    ("model_time", ("{model}",), "{call_micros}", CALL_BOUNDS, "answers"),
    ("task_time", ("state",), "{task_micros}", TASK_BOUNDS, f"tasks WHERE {BY_A_WORKER}"),
    (
        "work_time",
        ("state",),
        "{work_micros}",
        WORK_BOUNDS,
        f"tasks WHERE {BY_A_WORKER} AND claimed_at IS NOT NULL",
    ),
    ("check_time", (), "{check_micros}", CHECK_BOUNDS, "candidates WHERE {check_micros} IS NOT NULL"),
)
CALLS = """(SELECT model, prompt_tokens, completion_tokens, cost_usd FROM answers UNION ALL
    SELECT model, prompt_tokens, completion_tokens, cost_usd FROM failed_calls) AS calls"""
# Times are text there, and julianday() knows milliseconds alone.
MICROS_SQLITE = """max(0, (strftime('%s', finished_at) - strftime('%s', {0})) * 1000000
    + CAST(substr(finished_at, 21, 6) AS INTEGER) - CAST(substr({0}, 21, 6) AS INTEGER))"""
WORDS = {
    "sqlite": {
        "model": "substr(model, 1, 200)",
        "calls": CALLS,
        "nanousd": "CAST(round(cost_usd * 1e9) AS INTEGER)",
        "call_micros": "CAST(round(latency_ms * 1e3) AS INTEGER)",
        "task_micros": MICROS_SQLITE.format("created_at"),
        "work_micros": MICROS_SQLITE.format("claimed_at"),
        "check_micros": "CAST(round(json_extract(verdict, '$.ms') * 1e3) AS INTEGER)",
    },
    "postgresql": {
        "model": "left(model, 200)",
        "calls": CALLS,
        "nanousd": "CAST(round(CAST(cost_usd * 1e9 AS numeric)) AS bigint)",
        "call_micros": "CAST(round(latency_ms * 1e3) AS bigint)",
        "task_micros": "greatest(0, CAST(extract(epoch FROM finished_at - created_at) * 1e6 AS bigint))",
        "work_micros": "greatest(0, CAST(extract(epoch FROM finished_at - claimed_at) * 1e6 AS bigint))",
        "check_micros": "CAST(round(CAST(verdict ->> 'ms' AS double precision) * 1e3) AS bigint)",
    },
}


def upgrade() -> None:
    counters = op.create_table(
        "counters",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "labels", name=op.f("pk_counters")),
    )
    op.create_table(
        "counter_steps",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("amounts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counter_steps")),
    )
    if rows := list(bounded(counted(op.get_bind()))):
        op.bulk_insert(counters, rows)


def downgrade() -> None:
    op.drop_table("counter_steps")
    op.drop_table("counters")


def counted(connection: sa.Connection) -> Iterator[tuple[str, list[str], int]]:
    """Every counter's name, labels and amount, by what stands in the store."""
    words = WORDS[connection.dialect.name]
    for name, labels, amount, rows in SUMS:
        yield from ((name, *found) for found in grouped(connection, words, labels, amount, rows))
    for name, labels, micros, bounds, rows in TIMES:
        for row in observed(connection, words, labels, micros, bounds, rows):
            values = [str(value) for value in row[:-2]]
            yield f"{name}_bucket", values, int(row[-2])
            if row[-1]:
                yield f"{name}_microseconds", values[:-1], int(row[-1])


def observed(
    connection: sa.Connection,
    words: dict[str, str],
    labels: Sequence[str],
    micros: str,
    bounds: Sequence[float],
    rows: str,
) -> list[tuple[Any, ...]]:
    """Labels, bucket, number and sum of each histogram's observations; each time is reckoned once."""
    named = [f"{label} AS label{place}" for place, label in enumerate(labels)]
    cases = " ".join(f"WHEN micros <= {bound * 1e6:.0f} THEN '{bound:g}'" for bound in bounds)
    shown = [*(f"label{place}" for place in range(len(labels))), f"CASE {cases} ELSE '+Inf' END"]
    places = ", ".join(str(place + 1) for place in range(len(shown)))
    query = f"""WITH times AS MATERIALIZED (SELECT {", ".join([*named, f"{micros} AS micros"])} FROM {rows})
        SELECT {", ".join(shown)}, count(*), sum(micros) FROM times GROUP BY {places}"""  # noqa: S608
    found = connection.execute(sa.text(query.format(**words).replace(":", r"\:")))
    return [tuple(row) for row in found]


def grouped(
    connection: sa.Connection, words: dict[str, str], labels: Sequence[str], amount: str, rows: str
) -> Iterator[tuple[list[str], int]]:
    """Labels and amount of each group of rows, but for those of which there is nothing."""
    places = ", ".join(str(place + 1) for place in range(len(labels)))
    by = f" GROUP BY {places}" if labels else ""
    query = f"SELECT {', '.join([*labels, amount])} FROM {rows}{by}".format(**words)  # noqa: S608
    for *values, much in connection.execute(sa.text(query.replace(":", r"\:"))):
        if much:
            yield [str(value) for value in values], int(much)


def bounded(found: Iterable[tuple[str, list[str], int]]) -> Iterator[dict[str, Any]]:
    """Rows of `counters`, with no more than so many models by their names."""
    models: set[str] = set()
    amounts: dict[tuple[str, str], int] = {}
    for name, labels, amount in found:
        if name.startswith("model_"):
            if labels[0] not in models and len(models) >= MOST_MODELS:
                labels = ["other", *labels[1:]]  # noqa: PLW2901
            models.add(labels[0])
        key = (name, json.dumps(labels))
        amounts[key] = amounts.get(key, 0) + amount
    for (name, said), amount in amounts.items():
        yield {"name": name, "labels": said, "amount": amount}
