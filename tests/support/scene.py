"""A farm full of what strangers may write: markup, script, SQL and odd characters in every text."""

import sqlite3
from dataclasses import replace
from pathlib import Path

from support.store import (
    accepted,
    answer,
    claim,
    failed_call,
    finish,
    rejected,
    save_answer,
    save_failed_call,
)

from farm.api import Farm
from farm.sql.lineage import ColumnName, Lineage
from farm.store import actions, workers
from farm.store.tasks import Claimed, Outcome
from jobs.task import Task

ALERT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'
EVIL = (
    ALERT,
    IMAGE,
    "'; DROP TABLE queries; --",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "javascript:alert(3)",
    "</textarea></title></pre><svg onload=alert(4)>",
    "\u202ereversed \u0007 bell & &amp; \N{SNOWMAN} " + "long" * 60,
)
DDL = f"""
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, -- {ALERT}
    "name {IMAGE.replace('"', '""')}" TEXT
);
CREATE TABLE "{ALERT} / ? # %2f" (id INTEGER PRIMARY KEY, note TEXT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer_id INTEGER REFERENCES customers (id),
    placed_on TEXT,
    total REAL
);
"""
SQL = f"""SELECT placed_on, '{ALERT}' AS "{IMAGE.replace('"', '""')}", sum(total)
FROM orders WHERE placed_on > '2025-01-01' GROUP BY 1"""
REVENUE = "SELECT substr(placed_on, 1, 7) AS month, sum(total) AS revenue FROM orders GROUP BY 1 ORDER BY 1"


def shop(path: Path) -> str:
    """A small shop with evil names and values; returns its URL."""
    connection = sqlite3.connect(path)
    connection.executescript(DDL)
    rows = [(n, n % 3 + 1, f"2025-{n % 12 + 1:02}-10", n * 10.5) for n in range(1, 49)]
    connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    connection.executemany("INSERT INTO customers VALUES (?, ?)", list(enumerate(EVIL, start=1)))
    connection.commit()
    connection.close()
    return f"sqlite:///{path}"


def play(farm: Farm, folder: Path) -> None:
    """Tasks in every state, with reports, workers, tags and actions, all of them told in evil words."""
    farm.add_target("shop", dialect="sqlite", url=shop(folder / "shop.db"), notes=f"glossary {ALERT}")
    farm.add_target("kept-apart", dialect="postgres", ddl=f"CREATE TABLE t (a int); -- {IMAGE}")
    asked = [
        Task(question=f"{place}: {text}", target="shop", tags=(text[:40],)) for place, text in enumerate(EVIL)
    ]
    asked.append(Task(question="Revenue per month?", target="shop", tags=("money",)))
    batch = farm.enqueue(asked, name=IMAGE)
    farm.enqueue([Task(question=f"waits {ALERT}", target="shop")], name=ALERT)
    ids = [result.task_id for result in batch.results(wait=False)]
    claimed = claim(farm.store, ids, worker=f"w {IMAGE}")
    for task_id in ids:
        save_answer(farm.store, answer(task_id, raw=f"Sure! {ALERT}", model=f"m {IMAGE}"))
        save_failed_call(farm.store, failed_call(task_id, message=f"no {ALERT}"))
    for place, task_id in enumerate(ids[:-1]):
        refused = place in (1, 2)
        finish(farm.store, refusal(claimed[task_id]) if refused else report(farm, claimed[task_id], SQL))
    finish(farm.store, report(farm, claimed[ids[-1]], REVENUE))
    with farm.store.write() as connection:
        actions.record(connection, actor=f"anna {ALERT}", action="requeue", detail={"why": IMAGE})
        workers.register(
            connection, name=f"w {IMAGE}", slot="default-1", host=ALERT, pid=7, queue=f"q {ALERT}"
        )


def report(farm: Farm, claimed: Claimed, sql: str) -> Outcome:
    """An accepted query, with what it reads."""
    columns = tuple(ColumnName(table="orders", column=name) for name in ("placed_on", "total"))
    return accepted(
        claimed,
        sql,
        schema_fingerprint=farm.target("shop").fingerprint,
        model=f"m {IMAGE}",
        lineage=Lineage(tables=("orders",), columns=columns).to_dict(),
    )


def refusal(claimed: Claimed) -> Outcome:
    """A task that was refused for a reason full of markup."""
    return replace(rejected(claimed, code="unknown_column"), reason=f"there is no column {IMAGE}")
