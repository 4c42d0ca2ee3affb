"""Views for tools that read the store: reports, tasks, model calls, findings, days, batches, tables"""

# ruff: noqa: S608 - every part of these texts stands in this file
from collections.abc import Sequence

from alembic import op

from migrations import views
from migrations.views import View

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Where the databases differ: (SQLite, Postgres). A time's day is that of UTC, whatever the session's zone.
DAY_OF = {"sqlite": "date({0})", "postgresql": "({0} AT TIME ZONE 'UTC')::date"}
DAY_AFTER = {"sqlite": "date({0}, '+1 day')", "postgresql": "({0} + 1)"}
BEGINNING = {"sqlite": "{0}", "postgresql": "({0}::timestamp AT TIME ZONE 'UTC')"}
SECONDS = {
    "sqlite": "round((julianday({1}) - julianday({0})) * 86400, 3)",
    "postgresql": "round(extract(epoch FROM {1} - {0}), 3)::double precision",
}
BIG = {"sqlite": "{0}", "postgresql": "({0})::bigint"}  # Postgres' sum of bigint is numeric
FIRST_ANSWER = {  # LIMIT keeps Postgres from reading all answers for each day
    "sqlite": "JOIN answers AS a ON a.task_id = t.id AND a.call_no = 1",
    "postgresql": """CROSS JOIN LATERAL (
        SELECT a.model FROM answers AS a WHERE a.task_id = t.id AND a.call_no = 1 LIMIT 1) AS a""",
}
UNPACKED = {
    "sqlite": """json_each(c.verdict, '$.findings') AS f""",
    "postgresql": """json_array_elements(c.verdict -> 'findings') WITH ORDINALITY AS f (value, number)""",
}
NUMBER = {"sqlite": "f.key + 1", "postgresql": "f.number::integer"}
FIELD = {"sqlite": "json_extract(f.value, '$.{0}')", "postgresql": "f.value ->> '{0}'"}
ACCEPTED = {"sqlite": "json_extract({0}, '$.accepted')", "postgresql": "({0} ->> 'accepted')::boolean"}
NUMBER_FIELD = {"sqlite": FIELD["sqlite"], "postgresql": "(f.value ->> '{0}')::integer"}

ACCEPTANCE_BEFORE = """
    SELECT date(t.finished_at) AS day, a.model, count(*) AS tasks,
           sum(CASE WHEN t.state = 'accepted' THEN 1 ELSE 0 END) AS accepted,
           avg(CASE WHEN t.state = 'accepted' THEN 1.0 ELSE 0.0 END) AS acceptance_rate
    FROM tasks t JOIN answers a ON a.task_id = t.id AND a.call_no = 1
    WHERE t.state IN ('accepted', 'rejected', 'dead')
    GROUP BY date(t.finished_at), a.model"""

COSTS = {
    "calls": "model calls that gave an answer, in all rounds",
    "failed_calls": "model calls that gave none, and may have been paid",
    "prompt_tokens": "of all calls",
    "completion_tokens": "of all calls",
    "cost_usd": "of all calls; null where no price is set",
}


def _days(dialect: str, *times: str) -> str:
    """Each day from the first to the last of some times, such as `answers.created_at`.

    What is then read for each of them (see `_for_each`) is found by the index on the time, so that a filter
    on the day reads no other.
    """

    def bound(which: str) -> str:
        each = (
            "SELECT {0}({2}) AS at FROM {1} WHERE {2} IS NOT NULL".format(which, *time.split("."))
            for time in times
        )
        return (
            f"(SELECT {DAY_OF[dialect].format(f'{which}(at)')} FROM ({' UNION ALL '.join(each)}) AS bounds)"
        )

    return f"""WITH RECURSIVE days (day, last) AS (
        SELECT {bound("min")}, {bound("max")}
        UNION ALL SELECT {DAY_AFTER[dialect].format("day")}, last FROM days WHERE day < last)"""


def _on(dialect: str, time: str) -> str:
    """Whether a time lies on `days.day`."""
    begin = BEGINNING[dialect].format("d.day")
    end = BEGINNING[dialect].format(DAY_AFTER[dialect].format("d.day"))
    return f"{time} >= {begin} AND {time} < {end}"


def _for_each(dialect: str, columns: str, select: str) -> tuple[str, str]:
    """A join of each row so far with a SELECT that refers to it, and the named columns (`a, b`) of that.

    SQLite has no LATERAL, but a function that gives rows for a JSON array.
    """
    names = columns.split(", ")
    if dialect == "postgresql":
        return f"CROSS JOIN LATERAL ({select}) AS e", ", ".join(f"e.{name}" for name in names)
    rows = f"(SELECT json_group_array(json_array({columns})) FROM ({select}))"
    read = (f"json_extract(e.value, '$[{place}]') AS {name}" for place, name in enumerate(names))
    return f"CROSS JOIN json_each({rows}) AS e", ", ".join(read)


def _sums(dialect: str, task: str) -> str:
    """The columns of COSTS for one task: a look into an index each, whatever the view is filtered by."""
    answers, failed = (
        f"FROM answers AS a WHERE a.task_id = {task}",
        f"FROM failed_calls AS f WHERE f.task_id = {task}",
    )

    def both(column: str) -> str:
        total = (
            f"coalesce((SELECT sum({column}) {answers}), 0) + coalesce((SELECT sum({column}) {failed}), 0)"
        )
        return BIG[dialect].format(total)

    cost = f"(SELECT sum(cost_usd) {answers})", f"(SELECT sum(cost_usd) {failed})"
    return f"""
        (SELECT count(*) {answers}) AS calls,
        (SELECT count(*) {failed}) AS failed_calls,
        {both("prompt_tokens")} AS prompt_tokens,
        {both("completion_tokens")} AS completion_tokens,
        coalesce({cost[0]} + {cost[1]}, {cost[0]}, {cost[1]}) AS cost_usd"""


def reports(dialect: str) -> View:
    return View(
        name="reports",
        says="Accepted queries, each with where it came from, what it cost and what became of it",
        select=f"""
            SELECT q.id AS query_id, q.task_id, t.batch_id,
                (SELECT b.name FROM batches AS b WHERE b.id = t.batch_id) AS batch_name,
                q.question, q.title, q.target, q.dialect, q.sql, q.model, q.created_at AS accepted_at,
                q.call_no - t.calls_before - 1 AS repairs, {_sums(dialect, "q.task_id")},
                {SECONDS[dialect].format("t.claimed_at", "t.finished_at")} AS work_seconds,
                q.starred_at IS NOT NULL AS starred, q.mark, q.version, q.author,
                (SELECT g.fingerprint FROM targets AS g WHERE g.name = q.target) NOT IN (
                    q.schema_fingerprint, coalesce(q.rechecked_fingerprint, q.schema_fingerprint)) AS stale,
                (SELECT count(*) FROM runs AS r WHERE r.query_id = q.id) AS runs,
                (SELECT max(r.started_at) FROM runs AS r WHERE r.query_id = q.id) AS last_run_at,
                {ACCEPTED[dialect].format("q.recheck")} AS recheck_accepted
            FROM queries AS q
            JOIN tasks AS t ON t.id = q.task_id""",
        columns={
            "query_id": "what /reports/ID, farm show and farm run take",
            "task_id": "the task it answers",
            "batch_id": "the batch that asked first",
            "batch_name": "its name, if it has one",
            "question": "as it was asked",
            "title": "as somebody called it",
            "target": "the database it is for",
            "dialect": "that sql is written in",
            "sql": "the query as it is now",
            "model": "that wrote it",
            "accepted_at": "when it passed every check",
            "repairs": "answers that were sent back before this one",
            **COSTS,
            "work_seconds": "from the first claim to the end, model and checks together",
            "starred": "whether it is a favourite",
            "mark": "good, bad, or null: nobody judged it",
            "version": "1: as the model wrote it; more: corrected",
            "author": "who corrected it last",
            "stale": "whether its target has another schema than it was last checked against",
            "runs": "how often it was run from the pages",
            "last_run_at": "when it was last",
            "recheck_accepted": "whether it passed when it was checked again; null: it was not",
        },
    )


def task_outcomes(dialect: str) -> View:
    return View(
        name="task_outcomes",
        says="Tasks, each with how it ended and what it cost, whether or not it was accepted",
        select=f"""
            SELECT t.id AS task_id, t.batch_id,
                (SELECT b.name FROM batches AS b WHERE b.id = t.batch_id) AS batch_name,
                t.question, t.target, t.queue, t.state, t.reason_code, t.reason, t.attempt AS attempts,
                {_sums(dialect, "t.id")},
                t.created_at, t.claimed_at, t.finished_at,
                {SECONDS[dialect].format("t.claimed_at", "t.finished_at")} AS work_seconds,
                (SELECT q.id FROM queries AS q WHERE q.task_id = t.id) AS query_id
            FROM tasks AS t""",
        columns={
            "task_id": "the task",
            "batch_id": "the batch that asked first",
            "batch_name": "its name, if it has one",
            "question": "as it was asked",
            "target": "the database it is for",
            "queue": "where it waits or waited",
            "state": "queued, leased, accepted, rejected or dead",
            "reason_code": "why it was rejected or died",
            "reason": "the same for people",
            "attempts": "how often it was claimed",
            **COSTS,
            "created_at": "when it was enqueued",
            "claimed_at": "when a worker first took it, since it was enqueued or requeued",
            "finished_at": "when it ended",
            "work_seconds": "from the first claim to the end",
            "query_id": "its report, if it was accepted",
        },
    )


def model_calls() -> View:
    return View(
        name="model_calls",
        says="Model calls, answered or failed, without what was asked and said",
        select="""
            SELECT a.task_id, a.call_no, a.created_at, a.model, TRUE AS answered, a.finish_reason,
                CAST(NULL AS text) AS error_code, a.prompt_tokens, a.completion_tokens, a.cost_usd,
                a.latency_ms, a.prompt_version
            FROM answers AS a
            UNION ALL
            SELECT f.task_id, f.call_no, f.created_at, f.model, FALSE, NULL, f.code, f.prompt_tokens,
                f.completion_tokens, f.cost_usd, f.latency_ms, NULL
            FROM failed_calls AS f""",
        columns={
            "task_id": "the task it was made for",
            "call_no": "the task's calls are counted from 1; one that failed is made again under its number",
            "created_at": "when it ended",
            "model": "that was called",
            "answered": "whether it gave an answer",
            "finish_reason": "why the model stopped; null where there is no answer",
            "error_code": "what went wrong; null where there is an answer",
            "prompt_tokens": "null where nobody said them",
            "completion_tokens": "null where nobody said them",
            "cost_usd": "null where no price is set",
            "latency_ms": "from sending to the end of the answer",
            "prompt_version": "of the prompt's texts",
        },
    )


def findings(dialect: str) -> View:
    text, number = FIELD[dialect], NUMBER_FIELD[dialect]
    return View(
        name="findings",
        says="What the checks said of each candidate, one row for each remark",
        select=f"""
            SELECT c.task_id, c.call_no, c.position AS candidate, {NUMBER[dialect]} AS number,
                t.target, a.model, {text.format("code")} AS code, {text.format("severity")} AS severity,
                {text.format("message")} AS message, {text.format("hint")} AS hint,
                {number.format("line")} AS sql_line, {number.format("column")} AS sql_column,
                c.accepted, c.created_at
            FROM candidates AS c
            LEFT JOIN tasks AS t ON t.id = c.task_id
            LEFT JOIN answers AS a ON a.task_id = c.task_id AND a.call_no = c.call_no
            CROSS JOIN {UNPACKED[dialect]}""",
        columns={
            "task_id": "the task",
            "call_no": "the answer that the candidate stood in",
            "candidate": "its place in that answer, from 0",
            "number": "the remark's place in the verdict, from 1",
            "target": "the database it is for",
            "model": "that wrote it",
            "code": "as in docs/checks.md",
            "severity": "error or warning",
            "message": "what is wrong",
            "hint": "how to mend it",
            "sql_line": "where, from 1; null where no place is known",
            "sql_column": "where, from 1; null where no place is known",
            "accepted": "whether the candidate was accepted nevertheless",
            "created_at": "when it was checked",
        },
    )


def usage_per_day(dialect: str) -> View:
    join, read = _for_each(
        dialect,
        "model, calls, failed_calls, prompt_tokens, completion_tokens, cost_usd",
        f"""
            SELECT model, {BIG[dialect].format("sum(answered)")} AS calls,
                {BIG[dialect].format("sum(1 - answered)")} AS failed_calls,
                {BIG[dialect].format("coalesce(sum(prompt_tokens), 0)")} AS prompt_tokens,
                {BIG[dialect].format("coalesce(sum(completion_tokens), 0)")} AS completion_tokens,
                sum(cost_usd) AS cost_usd
            FROM (
                SELECT model, 1 AS answered, prompt_tokens, completion_tokens, cost_usd
                FROM answers WHERE {_on(dialect, "created_at")}
                UNION ALL
                SELECT model, 0, prompt_tokens, completion_tokens, cost_usd
                FROM failed_calls WHERE {_on(dialect, "created_at")}
            ) AS made
            GROUP BY model""",
    )
    return View(
        name="usage_per_day",
        says="Calls, tokens and cost of each day (UTC) and model",
        select=f"""
            {_days(dialect, "answers.created_at", "failed_calls.created_at")}
            SELECT d.day, {read} FROM days AS d {join}""",
        columns={"day": "in UTC", "model": "that was called", **COSTS},
    )


def latency_per_day(dialect: str) -> View:
    ranks = ", ".join(
        f"min(CASE WHEN place * 100 >= answers * {rank} THEN latency_ms END) AS p{rank}_ms"
        for rank in (50, 95, 99)
    )
    join, read = _for_each(
        dialect,
        "model, calls, p50_ms, p95_ms, p99_ms",
        f"""
            SELECT model, count(*) AS calls, {ranks}
            FROM (
                SELECT model, latency_ms, row_number() OVER (PARTITION BY model ORDER BY latency_ms) AS place,
                    count(*) OVER (PARTITION BY model) AS answers
                FROM answers WHERE {_on(dialect, "created_at")}
            ) AS ranked
            GROUP BY model""",
    )
    return View(
        name="latency_per_day",
        says="How long the answered calls of each day (UTC) and model took: nearest-rank percentiles",
        select=f"""
            {_days(dialect, "answers.created_at")}
            SELECT d.day, {read} FROM days AS d {join}""",
        columns={
            "day": "in UTC",
            "model": "that was called",
            "calls": "model calls that gave an answer",
            "p50_ms": "half of them took no longer",
            "p95_ms": "95 of 100 took no longer",
            "p99_ms": "99 of 100 took no longer",
        },
    )


def acceptance_per_day(dialect: str) -> View:
    join, read = _for_each(
        dialect,
        "model, tasks, accepted, acceptance_rate",
        f"""
            SELECT a.model, count(*) AS tasks,
                sum(CASE WHEN t.state = 'accepted' THEN 1 ELSE 0 END) AS accepted,
                avg(CASE WHEN t.state = 'accepted' THEN 1.0 ELSE 0.0 END) AS acceptance_rate
            FROM tasks AS t {FIRST_ANSWER[dialect]}
            WHERE t.state NOT IN ('queued', 'leased') AND {_on(dialect, "t.finished_at")}
            GROUP BY a.model""",
    )
    return View(
        name="acceptance_per_day",
        says="How many tasks that ended on each day (UTC) were accepted, by the model that answered first",
        select=f"""
            {_days(dialect, "tasks.finished_at")}
            SELECT d.day, {read} FROM days AS d {join}""",
        columns={
            "day": "in UTC",
            "model": "that answered the first call",
            "tasks": "that ended, however they did",
            "accepted": "of these",
            "acceptance_rate": "from 0 to 1",
        },
    )


OLDER = {
    "batch_costs": (
        "What each batch cost",
        {
            "batch_id": "the batch",
            "name": "its name, if it has one",
            "created_at": "when it was enqueued",
            "tasks": "that it was the first to ask for",
            **COSTS,
        },
    ),
    "rejection_reasons": (
        "How many tasks of each target were rejected or died, by reason",
        {
            "target": "the database",
            "state": "rejected or dead",
            "reason_code": "as in docs/checks.md and docs/states.md",
            "tasks": "that ended so",
        },
    ),
}
STATES = {
    "queued": "those that wait",
    "leased": "those in work",
    "accepted": "those with a report",
    "rejected": "those whose answers were refused",
    "dead": "those that were given up or cancelled",
}


def batch_progress(dialect: str) -> View:
    counts = ", ".join(f"count(CASE WHEN t.state = '{state}' THEN 1 END) AS {state}" for state in STATES)
    join, read = _for_each(
        dialect,
        f"tasks, {', '.join(STATES)}, finished_at",
        f"""
            SELECT count(*) AS tasks, {counts},
                CASE WHEN count(t.finished_at) = count(*) THEN max(t.finished_at) END AS finished_at
            FROM tasks AS t
            WHERE t.id IN (SELECT i.task_id FROM batch_items AS i WHERE i.batch_id = b.id)""",
    )
    return View(
        name="batch_progress",
        says="How far each batch has come; a task that two batches ask for counts in both",
        select=f"SELECT b.id AS batch_id, b.name, b.created_at, {read} FROM batches AS b {join}",
        columns={
            "batch_id": "the batch",
            "name": "its name, if it has one",
            "created_at": "when it was enqueued",
            "tasks": "how many it has; a question that it asks twice is one",
            **STATES,
            "finished_at": "when the last one ended; null until then",
        },
    )


def table_usage() -> View:
    return View(
        name="table_usage",
        says="How many reports read each table of a target",
        select="""
            SELECT q.target, u.table_name, count(*) AS reports, max(q.created_at) AS last_accepted_at
            FROM query_tables AS u JOIN queries AS q ON q.id = u.query_id
            GROUP BY q.target, u.table_name""",
        columns={
            "target": "the database",
            "table_name": "as the schema spells it",
            "reports": "that read it",
            "last_accepted_at": "when the newest of them was accepted",
        },
    )


def column_usage() -> View:
    return View(
        name="column_usage",
        says="How many reports read each column of a target",
        select="""
            SELECT q.target, u.table_name, u.column_name, count(*) AS reports,
                max(q.created_at) AS last_accepted_at
            FROM query_columns AS u JOIN queries AS q ON q.id = u.query_id
            GROUP BY q.target, u.table_name, u.column_name""",
        columns={
            "target": "the database",
            "table_name": "as the schema spells it",
            "column_name": "as the schema spells it",
            "reports": "that read it",
            "last_accepted_at": "when the newest of them was accepted",
        },
    )


def made(dialect: str) -> tuple[View, ...]:
    """Those that are new."""
    return (
        reports(dialect),
        task_outcomes(dialect),
        model_calls(),
        findings(dialect),
        usage_per_day(dialect),
        latency_per_day(dialect),
        batch_progress(dialect),
        table_usage(),
        column_usage(),
    )


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    for name, (says, columns) in OLDER.items():
        views.comment(name, says, columns)
    for view in (acceptance_per_day(dialect), *made(dialect)):
        views.create(view)


def downgrade() -> None:
    dialect = op.get_bind().dialect.name
    for view in made(dialect):
        views.drop(view.name)
    views.replace("acceptance_per_day", ACCEPTANCE_BEFORE)
