"""The main job from a file of questions to rows, with the real command line, servers and worker processes."""

import csv
import io
import json
import sqlite3

import psycopg
from support.cli import Cli
from support.llm import StubLLM

SCRIPT = {
    "How many orders are there?": "SELECT count(*) AS orders FROM orders",
    "Revenue per customer?": (
        "Sure!\n```sql\nSELECT customer, sum(total) AS revenue FROM orders GROUP BY 1 ORDER BY 1\n```"
    ),
    "Which order is the largest?": [
        "SELECT ident FROM orders",
        "SELECT id FROM orders ORDER BY total DESC LIMIT 1",
    ],
    "Delete everything, please.": "DELETE FROM orders",
}
QUESTIONS = list(SCRIPT)
DDL = "CREATE TABLE orders (id integer PRIMARY KEY, customer text NOT NULL, total numeric NOT NULL)"
ROWS = "INSERT INTO orders VALUES (1, 'Ada', 10), (2, 'Bob', 5), (3, 'Ada', 20)"


def write_questions(farm: Cli) -> str:
    path = farm.folder / "questions.csv"
    path.write_text(
        "question,target,tags\n" + "".join(f'"{question}",shop,"a,b"\n' for question in QUESTIONS)
    )
    return str(path)


def make_sqlite_shop(farm: Cli) -> str:
    path = farm.folder / "shop.db"
    with sqlite3.connect(path) as shop:
        shop.execute(DDL)
        shop.execute(ROWS)
    shop.close()
    return f"sqlite:///{path}"


def work_and_look(farm: Cli, llm: StubLLM) -> None:
    """Enqueue twice, work, and look at what came of it in every way there is."""
    questions = write_questions(farm)
    assert farm("enqueue", questions, "--json").json == {"batch": 1, "added": 4, "known": 0, "bad": []}
    assert farm("enqueue", questions, "--json").json == {"batch": 2, "added": 0, "known": 4, "bad": []}

    worked = farm("workers", "--burst")
    assert (worked.code, worked.out) == (0, "nothing is waiting\n"), worked.err
    assert "4 of 4 done: 3 accepted, 1 refused" in worked.err

    status = farm("status", "--json").json
    assert status["tasks"] == {"queued": 0, "leased": 0, "accepted": 3, "rejected": 1, "dead": 0}
    assert status["calls"] == sum(llm.calls.values()) == 1 + 1 + 2 + 3
    assert status["workers"] == []

    queries = {query["question"]: query for query in farm("queries", "--json").json_lines}
    assert set(queries) == set(QUESTIONS[:3])
    shown = farm("show", str(queries["Which order is the largest?"]["id"]), "--json").json
    verdicts = [attempt["candidates"][0]["verdict"] for attempt in shown["attempts"]]
    assert [verdict["accepted"] for verdict in verdicts] == [False, True]
    assert "ident" in json.dumps(verdicts[0])

    revenue = farm("run", str(queries["Revenue per customer?"]["id"]), "--json").json
    assert revenue == {
        "columns": ["customer", "revenue"],
        "rows": [["Ada", 30], ["Bob", 5]],
        "truncated": False,
    }

    (rejected,) = farm("tasks", "--state", "rejected", "--batch", "2", "--json").json_lines
    assert rejected["question"] == "Delete everything, please."
    assert rejected["reason"]

    exported = farm("export", "--format", "csv")
    assert "3 queries written" in exported.err
    assert {row["question"] for row in csv.DictReader(io.StringIO(exported.out))} == set(QUESTIONS[:3])


def test_questions_become_rows_on_sqlite_and_an_embedded_queue(farm: Cli, llm: StubLLM) -> None:
    llm.script = SCRIPT
    added = farm("target", "add", "shop", "--dialect", "sqlite", "--url", make_sqlite_shop(farm))
    assert added.code == 0, added.err
    work_and_look(farm, llm)

    asked = llm.calls.total()
    assert (
        farm("enqueue", str(farm.folder / "questions.csv")).out
        == "batch 3: 0 tasks enqueued, 4 known already\n"
    )
    assert farm("workers", "--burst").code == 0
    assert llm.calls.total() == asked, "what is known is neither asked nor paid for again"


def test_the_same_job_on_redis_and_postgres(
    farm: Cli, llm: StubLLM, redis_url: str, postgres_database: str
) -> None:
    llm.script = SCRIPT
    with psycopg.connect(postgres_database) as shop:
        shop.execute("CREATE SCHEMA shop")
        shop.execute(DDL.replace("orders", "shop.orders"))
        shop.execute(ROWS.replace("orders", "shop.orders"))
    farm = farm.with_settings(FARM_REDIS_URL=redis_url, FARM_DATABASE_URL=postgres_database)

    unready = farm("status")
    assert (unready.code, unready.out) == (2, "")
    assert "run `farm migrate`" in unready.err
    assert farm("migrate").code == 0

    shop_url = f"{postgres_database}&options=-csearch_path%3Dshop"
    added = farm("target", "add", "shop", "--dialect", "postgres", "--url", shop_url)
    assert added.code == 0, added.err
    work_and_look(farm, llm)
    assert not (farm.home / "redis").exists(), "no embedded server was needed"


def test_queries_are_told_apart_browsed_and_wanted_in_another_dialect(farm: Cli, llm: StubLLM) -> None:
    llm.script = {
        "Who bought?": "SELECT o.customer FROM orders o WHERE o.total > 5 AND o.id < 9",
        "Which buyers are there?": "select customer from orders where id < 9 and (5 < total)",
        "Labels?": ["SELECT id / 2 FROM orders", "SELECT customer || '!' AS label FROM orders ORDER BY id"],
    }
    assert farm("target", "add", "shop", "--dialect", "sqlite", "--url", make_sqlite_shop(farm)).code == 0
    rows = [{"question": question, "target": "shop"} for question in llm.script]
    rows[2]["dialect"] = "mysql"
    path = farm.folder / "questions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert farm("enqueue", str(path)).code == 0
    worked = farm("workers", "--burst")
    assert worked.code == 0, worked.err

    found = {query["question"]: query for query in farm("queries", "--json").json_lines}
    pair = [found["Who bought?"], found["Which buyers are there?"]]
    first, second = sorted(pair, key=lambda query: query["id"])
    assert (first["same_as"], second["same_as"]) == (None, first["id"])
    assert len(farm("queries", "--unique", "--json").json_lines) == 2
    assert [query["id"] for query in farm("queries", "--column", "orders.total", "--json").json_lines] == [
        second["id"],
        first["id"],
    ]

    labels = found["Labels?"]
    assert (labels["sql"], labels["dialect"]) == (
        "SELECT CONCAT(customer, '!') AS label FROM orders ORDER BY id",
        "mysql",
    )
    assert (labels["original_sql"], labels["original_dialect"]) == (llm.script["Labels?"][1], "sqlite")
    shown = farm("show", str(labels["id"]), "--json").json
    refused = shown["attempts"][0]["candidates"][0]["verdict"]["findings"]
    assert [finding["code"] for finding in refused] == ["untranslatable"]
    assert farm("run", str(labels["id"]), "--json").json["rows"] == [["Ada!"], ["Bob!"], ["Ada!"]]
