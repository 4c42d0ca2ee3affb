"""A worker asks, checks, repairs and keeps queries for MySQL and DuckDB targets as for any other."""

import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from support.llm import StubLLM
from support.mariadb import execute
from support.yard import Yard, wait_until

from farm.store import enqueue, targets
from farm.targets import urls
from farm.targets.engine import open_engine
from farm.targets.target import Dialect, Target
from jobs.task import Task

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="starts worker processes as Unix does")

TABLES = (
    "CREATE TABLE orders (id integer PRIMARY KEY, day date)",
    "INSERT INTO orders VALUES (1, '2025-01-02')",
)
ANSWERS = {
    "mysql": ("SELECT DATE_FORMAT(dy, '%Y-%m') FROM orders", "SELECT DATE_FORMAT(day, '%Y-%m') FROM orders"),
    "duckdb": ("SELECT strftime(dy, '%Y-%m') FROM orders", "SELECT strftime(day, '%Y-%m') FROM orders"),
}


@pytest.fixture
def yard(tmp_path: Path, sqlite_url: str, redis_url: str, llm: StubLLM) -> Iterator[Yard]:
    with Yard(home=tmp_path, database_url=sqlite_url, redis_url=redis_url, llm=llm) as yard:
        yield yard


def added(yard: Yard, dialect: Dialect, url: str) -> Target:
    """The target, with its schema read from its database, and a question about it."""
    engine = open_engine(Target(name=dialect, dialect=dialect, ddl="", url=url), purpose="run")
    assert engine is not None
    target = Target(name=dialect, dialect=dialect, ddl=engine.introspect(), url=url)
    engine.close()
    targets.save(yard.store, target)
    urls.remember(yard.home, dialect, url)
    yard.llm.answer(f"Months of {dialect}?", *(f"```sql\n{sql}\n```" for sql in ANSWERS[dialect]))
    enqueue.enqueue(yard.store, [(Task(question=f"Months of {dialect}?", target=dialect), "default")])
    return target


def test_a_worker_repairs_and_keeps_queries_that_then_run(
    yard: Yard, mysql_database: str, tmp_path: Path
) -> None:
    execute(mysql_database, *TABLES)
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        for statement in TABLES:
            connection.execute(statement)
    found = [added(yard, "mysql", mysql_database), added(yard, "duckdb", f"duckdb:///{tmp_path}/shop.duckdb")]
    yard.hint()
    yard.start(require_dry_run=True)
    wait_until(lambda: not yard.states().keys() & {"queued", "leased"}, "both tasks to settle")
    assert yard.all_in("accepted"), yard.tasks()
    assert [sql for _, sql in yard.queries()] == [ANSWERS[target.dialect][1] for target in found]
    for target in found:
        engine = open_engine(target, purpose="run")
        assert engine is not None
        rows = engine.run(ANSWERS[target.dialect][1], row_limit=5, timeout_seconds=20).rows
        engine.close()
        assert rows == [("2025-01",)]
