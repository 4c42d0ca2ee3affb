"""A store full of made-up tasks, answers, queries and failures, made in bulk: for benchmarks of reading.

One task in ten ended badly (one in fifty as dead), the others have a query each. A last 1 % waits.
"""

from farm.store import migrate, targets
from farm.store.engine import Connection, Store
from farm.targets.target import Target

SHOP = Target(
    name="shop",
    dialect="sqlite",
    ddl="CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, placed_on TEXT, total REAL);"
    "CREATE TABLE customers (id INTEGER PRIMARY KEY, city TEXT);",
)
BANK = Target(
    name="bank",
    dialect="postgres",
    ddl="CREATE TABLE accounts (id integer PRIMARY KEY, owner text, balance numeric)",
)
CITIES = ("Bergen", "Lyon", "Porto", "Gdansk", "Turku", "Graz", "Leeds")
CODES = (
    "unknown_column",
    "syntax_error",
    "no_sql",
    "unknown_table",
    "engine_refused",
    "not_read_only",
    "model",
)
TASKS_PER_BATCH = 50_000
BEFORE_COUNTERS = "0012"

STATE = (
    "CASE WHEN i > {ended} THEN 'queued' WHEN i % 50 = 0 THEN 'dead' WHEN i % 10 = 0 THEN 'rejected' "
    "ELSE 'accepted' END"
)
TARGET = "CASE WHEN i % 10 < 3 THEN 'bank' ELSE 'shop' END"
MODEL = "CASE WHEN i % 20 = 7 THEN 'large-model' ELSE 'small-model' END"
QUESTION = "'Revenue of customers in ' || {city} || ' for week ' || (i % 521) || ' of store ' || i || '?'"
QUERY = (
    "'SELECT placed_on, sum(total) AS revenue FROM orders WHERE customer_id = ' || i || ' GROUP BY placed_on'"
)
VERDICT = """'{{"accepted": true, "dry_run": "sqlite", "findings": [], "ms": ' || (1 + i % 40) || '.25}}'"""
BAD_VERDICT = (
    """'{{"accepted": false, "dry_run": null, "ms": 2.5, "findings": [{{"code": "unknown_column", """
    """"message": "there is no column revenue", "severity": "error", "line": 1, "column": 8, """
    """"nearest": ["total"], "hint": null}}]}}'"""
)
LINEAGE = (
    """'{{"tables": ["orders"], "columns": [{{"table": "orders", "column": "total"}}], "joins": [], """
    """"filters": [], "functions": ["sum"]}}'"""
)

STATEMENTS = (
    """INSERT INTO batches (id, name, created_at) SELECT i, 'batch ' || i, {batch_age} FROM {batches}""",
    """INSERT INTO tasks (id, batch_id, key, question, target, model, queue, tags, state, attempt, token,
        reason_code, reason, created_at, claimed_at, finished_at)
    SELECT i, 1 + (i - 1) / {per_batch}, 'key-' || i, {question}, {target}, NULL,
        CASE WHEN i % 20 = 7 THEN 'large' ELSE 'default' END, '["bulk"]', {state},
        CASE WHEN i > {ended} THEN 0 ELSE 1 END, CASE WHEN i > {ended} THEN 0 ELSE 1 END,
        CASE WHEN i <= {ended} AND i % 10 = 0 THEN {code} END,
        CASE WHEN i <= {ended} AND i % 10 = 0 THEN 'there is no column revenue' || (i % 100) END,
        {asked}, CASE WHEN i <= {ended} THEN {claimed} END, CASE WHEN i <= {ended} THEN {finished} END
    FROM {all}""",
    """INSERT INTO batch_items (batch_id, position, task_id)
    SELECT 1 + (i - 1) / {per_batch}, (i - 1) % {per_batch}, i FROM {all}""",
    """INSERT INTO answers (task_id, call_no, model, raw, prompt_tokens, completion_tokens, cost_usd,
        latency_ms, finish_reason, prompt_version, prompt_hash, parameters, created_at)
    SELECT i, 1, {model}, {query}, 600 + i % 300, 40 + i % 50, 0.0001 * (i % 30),
        150 + (i % 9973 * 7919) % 900,
        'stop', '1', 'hash', '{{}}', {finished}
    FROM {settled}""",
    """INSERT INTO failed_calls (task_id, call_no, created_at, model, code, message, latency_ms)
    SELECT i, 2, {finished}, {model}, 'timeout', 'no answer within 60 s', 60000
    FROM {settled} WHERE i % 50 = 0""",
    """INSERT INTO candidates (task_id, call_no, position, sql, accepted, verdict, created_at)
    SELECT i, 1, 0, {query}, i % 10 <> 0, CASE WHEN i % 10 = 0 THEN {bad_verdict} ELSE {verdict} END,
        {finished}
    FROM {settled}""",
    """INSERT INTO queries (id, task_id, question, target, dialect, sql, model, call_no, dry_run,
        prompt_version, schema_fingerprint, created_at, canonical_key, lineage)
    SELECT i, i, {question}, {target}, CASE WHEN i % 10 < 3 THEN 'postgres' ELSE 'sqlite' END, {query},
        {model}, 1, 'sqlite', '1', '{fingerprint}', {finished}, 'key ' || i, {lineage}
    FROM {settled} WHERE i % 10 <> 0""",
    """INSERT INTO query_tables (query_id, table_name)
    SELECT i, CASE WHEN i % 10 < 3 THEN 'accounts' ELSE 'orders' END FROM {settled} WHERE i % 10 <> 0""",
    """INSERT INTO query_columns (query_id, table_name, column_name)
    SELECT i, 'orders', 'total' FROM {settled} WHERE i % 10 > 2""",
    """INSERT INTO query_tags (query_id, tag)
    SELECT i, CASE WHEN i % 100 = 1 THEN 'rare' ELSE 'bulk' END FROM {settled} WHERE i % 10 <> 0""",
)


def fill(store: Store, *, tasks: int = 1_000_000, within_days: float = 14.0) -> None:
    """Bring an empty store to this version and fill it; the tasks ended evenly over the last days.

    Counters begin with what is there when they are made, so that revision comes after the rows.
    """
    migrate.migrate(store, BEFORE_COUNTERS)
    for target in (SHOP, BANK):
        targets.save(store, target)
    words = _words(store.dialect, tasks, within_days)
    for statement in STATEMENTS:
        # Percent signs and colons in it are no parameters.
        with store.write() as connection:
            _run(connection, statement.format(**words))
    migrate.migrate(store)
    _finish(store)


def _run(connection: Connection, sql: str) -> None:
    connection.exec_driver_sql(sql.replace("%", "%%") if connection.dialect.name == "postgresql" else sql)


def _words(dialect: str, tasks: int, within_days: float) -> dict[str, str]:
    """What stands in the statements for a dialect."""
    count = tasks + tasks // 100
    ms_per_task = within_days * 86_400_000 / tasks
    age = f"(CASE WHEN i > {tasks} THEN 0.0 ELSE ({tasks} - i) * {ms_per_task!r} / 1000 END)"
    city = (
        "CASE i % 7 " + " ".join(f"WHEN {place} THEN '{name}'" for place, name in enumerate(CITIES)) + " END"
    )
    code = "CASE (i / 10) % 7 " + " ".join(f"WHEN {n} THEN '{code}'" for n, code in enumerate(CODES)) + " END"
    plain = {"ended": str(tasks), "city": city}
    return plain | {
        "per_batch": str(TASKS_PER_BATCH),
        "state": STATE.format(**plain),
        "question": QUESTION.format(**plain),
        "target": TARGET,
        "model": MODEL,
        "query": QUERY,
        "code": code,
        "verdict": _json(dialect, VERDICT.format()),
        "bad_verdict": _json(dialect, BAD_VERDICT.format()),
        "lineage": _json(dialect, LINEAGE.format()),
        "fingerprint": SHOP.fingerprint,
        "asked": _ago(dialect, f"{age} + 600"),
        "claimed": _ago(dialect, f"{age} + 1 + i % 5"),
        "finished": _ago(dialect, age),
        "batch_age": _ago(dialect, f"({count} / {TASKS_PER_BATCH} + 1 - i) * {within_days * 3600}"),
        "all": _numbers(dialect, count),
        "settled": _numbers(dialect, tasks),
        "batches": _numbers(dialect, count // TASKS_PER_BATCH + 1),
    }


def _numbers(dialect: str, count: int) -> str:
    if dialect == "postgresql":
        return f"generate_series(1, {count}) AS n(i)"
    counted = f"VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {count}"
    return f"(WITH RECURSIVE n(i) AS ({counted}) SELECT i FROM n)"


def _ago(dialect: str, seconds: str) -> str:
    if dialect == "postgresql":
        return f"now() - make_interval(secs => {seconds})"
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || round({seconds}, 3) || ' seconds')"


def _json(dialect: str, value: str) -> str:
    return f"({value})::json" if dialect == "postgresql" else f"({value})"


def _finish(store: Store) -> None:
    """What a database that grew slowly has done by itself."""
    if store.dialect == "postgresql":
        with store.write() as connection:
            for table in ("tasks", "queries", "batches"):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
