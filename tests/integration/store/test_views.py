"""The views that people query with tools of their own: what they say, their types, and what they read."""

import datetime
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from support.store import (
    SHOP,
    accepted,
    add,
    answer,
    candidate,
    claim,
    failed_call,
    finish,
    opened,
    rejected,
    save_answer,
    save_failed_call,
)

from farm.sql.verdict import Finding, Verdict
from farm.store import enqueue, migrate, reports, versions
from farm.store.engine import Store, now
from jobs.task import Task


def rows(store: Store, query: str, **values: Any) -> list[dict[str, Any]]:
    """In a session whose zone is not UTC, where sessions have one: nobody's own may move a day."""
    with store.read() as connection:
        if store.dialect == "postgresql":
            connection.execute(text("SET LOCAL timezone = 'Pacific/Auckland'"))
        return [dict(row) for row in connection.execute(text(query), values).mappings()]


def change(store: Store, statement: str, **values: Any) -> None:
    with store.write() as connection:
        connection.execute(text(statement), values)


def at(day: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"{day}+00:00")


LINEAGE = {
    "tables": ["orders"],
    "columns": [{"table": "orders", "column": "total"}],
    "joins": [],
    "filters": [],
    "functions": [],
}


def test_a_report_knows_where_it_came_from_and_what_its_whole_task_cost(store: Store):
    [first, other] = add(store, 2)
    held = claim(store, [first, other])
    save_answer(store, answer(first), answer(first, 2, cost_usd=0.25), answer(other, cost_usd=None))
    save_failed_call(store, failed_call(first, 2))
    finish(store, accepted(held[first], call_no=2, lineage=LINEAGE))
    finish(store, accepted(held[other]))
    change(store, "UPDATE queries SET starred_at = created_at, mark = 'good', version = 2, author = 'Ada'")
    change(store, "UPDATE queries SET schema_fingerprint = 'older' WHERE task_id = :id", id=other)
    [report, cheap] = rows(store, "SELECT * FROM reports ORDER BY task_id")
    assert (report["calls"], report["failed_calls"], report["repairs"]) == (2, 1, 1)
    assert (report["prompt_tokens"], report["completion_tokens"], report["cost_usd"]) == (270, 27, 1.0)
    assert (bool(report["starred"]), report["mark"], report["version"]) == (True, "good", 2)
    assert [bool(report["stale"]), bool(cheap["stale"])] == [False, True]
    assert (report["recheck_accepted"], cheap["recheck_accepted"]) == (None, None)
    again = Verdict(findings=(Finding(code="unknown_column", message="there is none"),))
    with store.write() as connection:
        stale = reports.get(connection, cheap["query_id"])
        assert stale is not None
        versions.recheck(connection, stale, again, SHOP.fingerprint)
    [cheap] = rows(store, "SELECT * FROM reports WHERE task_id = :id", id=other)
    assert (bool(cheap["stale"]), bool(cheap["recheck_accepted"])) == (False, False)
    assert cheap["recheck_accepted"] is not None
    assert (cheap["cost_usd"], cheap["repairs"]) == (None, 0)
    assert 0 <= report["work_seconds"] < 600
    assert (report["runs"], report["last_run_at"]) == (0, None)
    assert rows(store, "SELECT target, table_name, reports FROM table_usage") == [
        {"target": "shop", "table_name": "orders", "reports": 1}
    ]
    assert rows(store, "SELECT table_name, column_name, reports FROM column_usage") == [
        {"table_name": "orders", "column_name": "total", "reports": 1}
    ]


def test_every_task_has_an_outcome_with_its_cost(store: Store):
    ids = add(store, 3)
    held = claim(store, ids[:2])
    save_answer(store, answer(ids[0]), answer(ids[1]))
    finish(store, accepted(held[ids[0]]), rejected(held[ids[1]], "unknown_table"))
    [good, bad, waiting] = rows(store, "SELECT * FROM task_outcomes ORDER BY task_id")
    assert [each["state"] for each in (good, bad, waiting)] == ["accepted", "rejected", "queued"]
    assert (good["query_id"] is None, bad["query_id"]) == (False, None)
    assert (bad["reason_code"], bad["cost_usd"], bad["attempts"]) == ("unknown_table", 0.5, 1)
    assert (waiting["calls"], waiting["cost_usd"], waiting["work_seconds"]) == (0, None, None)


def test_each_remark_of_a_verdict_is_a_row(store: Store):
    [task_id] = add(store, 1)
    held = claim(store, [task_id])
    save_answer(store, answer(task_id, model="large"))
    remark = {"code": "unknown_column", "message": "no such", "severity": "error", "nearest": []}
    verdict = {
        "accepted": False,
        "dry_run": None,
        "ms": 1.0,
        "findings": [
            {**remark, "line": 1, "column": 8, "hint": "total"},
            {**remark, "code": "no_order", "severity": "warning", "line": None, "column": None, "hint": None},
        ],
    }
    refused = rejected(held[task_id])
    rejected_so = type(refused)(
        task_id=refused.task_id,
        token=refused.token,
        state=refused.state,
        reason_code=refused.reason_code,
        reason=refused.reason,
        candidates=({**candidate(task_id, accepted=False), "verdict": verdict},),
    )
    finish(store, rejected_so)
    found = rows(store, "SELECT * FROM findings ORDER BY number")
    assert [
        (each["number"], each["code"], each["severity"], each["sql_line"], each["hint"]) for each in found
    ] == [
        (1, "unknown_column", "error", 1, "total"),
        (2, "no_order", "warning", None, None),
    ]
    assert {(each["target"], each["model"], bool(each["accepted"])) for each in found} == {
        ("shop", "large", False)
    }


def test_usage_and_latency_are_told_by_the_day_of_utc_and_the_model(store: Store):
    ids = add(store, 5)
    late, early = at("2026-03-01T23:59:59.999999"), at("2026-03-02T00:00:00")
    save_answer(store, answer(ids[0], created_at=late, latency_ms=7.0))
    for number, task_id in enumerate(ids, start=2):
        save_answer(store, answer(task_id, number, created_at=early, latency_ms=number * 10.0))
    save_answer(store, answer(ids[1], created_at=early, model="large", cost_usd=None))
    save_failed_call(store, failed_call(ids[0], created_at=early, model="broken", prompt_tokens=None))
    used = rows(store, "SELECT * FROM usage_per_day ORDER BY day, model")
    assert [(str(each["day"]), each["model"], each["calls"], each["failed_calls"]) for each in used] == [
        ("2026-03-01", "stub-model", 1, 0),
        ("2026-03-02", "broken", 0, 1),
        ("2026-03-02", "large", 1, 0),
        ("2026-03-02", "stub-model", 5, 0),
    ]
    assert [(each["prompt_tokens"], each["cost_usd"]) for each in used] == [
        (100, 0.5),
        (0, 0.25),
        (100, None),
        (500, 2.5),
    ]
    took = rows(store, "SELECT * FROM latency_per_day WHERE day = '2026-03-02' AND model = 'stub-model'")
    assert [(each["calls"], each["p50_ms"], each["p95_ms"], each["p99_ms"]) for each in took] == [
        (5, 40.0, 60.0, 60.0)
    ]
    calls = rows(store, "SELECT answered, count(*) AS calls FROM model_calls GROUP BY answered ORDER BY 1")
    assert [(bool(each["answered"]), each["calls"]) for each in calls] == [(False, 1), (True, 7)]


def test_a_days_acceptance_is_that_of_utc(store: Store):
    ids = add(store, 2)
    held = claim(store, ids)
    save_answer(store, *(answer(each) for each in ids))
    finish(store, accepted(held[ids[0]]), rejected(held[ids[1]]))
    [row] = rows(store, "SELECT * FROM acceptance_per_day")
    assert str(row["day"]) in {str((now() - timedelta(minutes=minutes)).date()) for minutes in (0, 5)}
    assert (row["tasks"], row["accepted"], float(row["acceptance_rate"])) == (2, 1, 0.5)


def test_a_batchs_progress_counts_a_task_once_and_those_it_shares(store: Store):
    asked = [(Task(question=f"Question {number}?", target="shop"), "default") for number in (1, 2, 1)]
    first = enqueue.enqueue(store, asked).batch_id
    ids = [row["id"] for row in rows(store, "SELECT id FROM tasks ORDER BY id")]
    held = claim(store, ids[:1])
    finish(store, accepted(held[ids[0]]))
    second = enqueue.enqueue(store, asked[:1]).batch_id
    progress = {row["batch_id"]: row for row in rows(store, "SELECT * FROM batch_progress")}
    assert (progress[first]["tasks"], progress[first]["accepted"], progress[first]["queued"]) == (2, 1, 1)
    assert progress[first]["finished_at"] is None
    assert second is not None
    assert (progress[second]["tasks"], progress[second]["accepted"]) == (1, 1)
    assert progress[second]["finished_at"] is not None


TYPES = {
    "day": "date",
    "starred": "boolean",
    "stale": "boolean",
    "answered": "boolean",
    "accepted_at": "timestamp",
}


def test_postgres_has_a_type_and_a_comment_for_each_column(postgres_database: str):
    with opened(postgres_database) as store:
        found = rows(
            store,
            "SELECT c.relname AS view, a.attname AS name, format_type(a.atttypid, NULL) AS type, "
            "col_description(c.oid, a.attnum) AS says, obj_description(c.oid) AS told "
            "FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 "
            "WHERE c.relkind = 'v' AND c.relnamespace = 'public'\\:\\:regnamespace",
        )
    assert [each for each in found if not each["says"] or not each["told"]] == []
    for each in found:
        wanted = TYPES.get(each["name"], "timestamp" if each["name"].endswith("_at") else each["type"])
        assert each["type"].startswith(wanted), each
        assert each["type"] != "numeric" or each["name"] == "acceptance_rate", each


FILTERED = [
    "reports WHERE query_id = 5",
    "reports WHERE batch_id = 5",
    "task_outcomes WHERE task_id = 5",
    "task_outcomes WHERE batch_id = 5",
    "model_calls WHERE task_id = 5",
    "findings WHERE task_id = 5",
    "usage_per_day WHERE day = '2026-03-02'",
    "latency_per_day WHERE day = '2026-03-02'",
    "acceptance_per_day WHERE day = '2026-03-02'",
    "batch_progress WHERE batch_id = 5",
]
LARGE = "tasks|answers|candidates|queries|batch_items"


@pytest.mark.parametrize("filtered", FILTERED)
def test_a_filter_reads_no_large_table_whole(store: Store, filtered: str):
    """Postgres is told to do so only where there is no other way: with few rows it would always be right."""
    with store.read() as connection:
        if store.dialect == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN" if store.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
        plan = [
            " ".join(map(str, row)) for row in connection.execute(text(f"{explain} SELECT * FROM {filtered}"))
        ]
    whole = rf"Seq Scan on ({LARGE})\b|\bSCAN ({LARGE}|[a-z])(?! (VIRTUAL|CONSTANT))\b"
    known = r"SCAN [de]\b"  # the days, and what json_each gives
    if "WHERE day" in filtered:
        by_time = r"(created|finished)_at( >= |>\? AND )"
        assert any(re.search(by_time, line) for line in plan), plan
    assert [line for line in plan if re.search(whole, line) and not re.search(known, line)] == []


def test_views_of_people_stand_in_no_migrations_way(postgres_database: str):
    """A view that somebody built on one of ours lives through going on from the version before."""
    with Store.open(postgres_database) as store:
        migrate.migrate(store, "0011")
        change(store, "CREATE VIEW mine AS SELECT day, accepted FROM acceptance_per_day")
        change(store, "CREATE VIEW mine_too AS SELECT name, cost_usd FROM batch_costs")
        migrate.migrate(store)
        assert rows(store, "SELECT * FROM mine") == []
