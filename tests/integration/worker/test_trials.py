"""Accepted queries are run on real databases, bounded, and what that showed is told."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from farm.errors import QueryFailed, TargetTrouble
from farm.sql.verdict import Candidate, Severity, Verdict
from farm.targets.engine import Engine
from farm.targets.target import Dialect, Target
from farm.worker.trials import TARGETS_KEPT, Trials, open_run_engine

DDL = "CREATE TABLE orders (id integer PRIMARY KEY, total integer, note text)"
ROWS = "INSERT INTO orders VALUES (1, 5, NULL), (2, 0, NULL), (3, 7, NULL)"
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture(params=["sqlite", "postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """A database with three orders."""
    dialect: Dialect = request.param
    if dialect == "sqlite":
        with sqlite3.connect(tmp_path / "shop.db") as connection:
            connection.executescript(f"{DDL};{ROWS}")
        connection.close()
        url = f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        url = request.getfixturevalue("postgres_database")
        with psycopg.connect(url) as server:
            server.execute(f"{DDL};{ROWS}".encode())
    return Target(name="shop", dialect=dialect, ddl=DDL, url=url, evidence=True)


def tried(
    target: Target,
    *queries: str,
    row_limit: int = 100,
    timeout_seconds: float = 20.0,
    open_: Callable[[Target], Engine | None] = open_run_engine,
) -> list[Verdict]:
    """The verdicts after all queries were run at once."""

    async def scene() -> list[Verdict]:
        trials = Trials(row_limit=row_limit, timeout_seconds=timeout_seconds, open_=open_)
        try:
            before = [Candidate(sql=sql, verdict=Verdict(dry_run="x")) for sql in queries]
            after = await asyncio.gather(*(trials.run(candidate, target) for candidate in before))
            return [candidate.verdict for candidate in after]
        finally:
            trials.close()

    return asyncio.run(scene())


def codes(verdict: Verdict) -> list[str]:
    return [finding.code for finding in verdict.findings]


def test_columns_rows_and_a_sample_are_kept(shop: Target) -> None:
    [verdict] = tried(shop, "SELECT id, total AS amount FROM orders ORDER BY id")
    assert verdict.accepted
    assert verdict.dry_run == "x"
    found = verdict.evidence
    assert found is not None
    assert (found.columns, found.rows, found.more) == (("id", "amount"), 3, False)
    assert found.sample == ((1, 5), (2, 0), (3, 7))
    assert codes(verdict) == []


def test_rows_are_counted_up_to_the_cap(shop: Target) -> None:
    [verdict] = tried(shop, "SELECT id FROM orders", row_limit=2)
    assert verdict.evidence is not None
    assert (verdict.evidence.rows, verdict.evidence.more) == (2, True)


def test_what_is_odd_is_warned_of_and_loses_nothing(shop: Target) -> None:
    empty, nulls = tried(shop, "SELECT id FROM orders WHERE id > 99", "SELECT id, note FROM orders")
    assert (empty.accepted, codes(empty)) == (True, ["empty_result"])
    assert (nulls.accepted, codes(nulls)) == (True, ["all_null_column"])
    assert nulls.evidence is not None


def test_what_fails_on_the_data_is_an_error_for_the_model_to_mend(shop: Target) -> None:
    sql = {
        "postgres": "SELECT sum(10 / total) FROM orders",
        "sqlite": "SELECT json_extract('{' || total, '$') FROM orders",
    }[shop.dialect]
    said = {"postgres": "division by zero", "sqlite": "malformed JSON"}[shop.dialect]
    failed, other = tried(shop, sql, "SELECT id FROM orders")
    assert not failed.accepted
    assert failed.evidence is None
    [finding] = failed.findings
    assert (finding.code, finding.severity) == ("run_failed", Severity.ERROR)
    assert said in finding.message
    assert other.evidence is not None


def test_a_query_that_takes_too_long_is_a_warning(shop: Target) -> None:
    [verdict] = tried(shop, ENDLESS, timeout_seconds=0.3)
    assert verdict.accepted
    assert verdict.evidence is None
    assert codes(verdict) == ["run_stopped"]
    assert "took longer than 0.3 s" in verdict.findings[0].message


def test_a_database_that_is_away_is_a_warning(tmp_path: Path) -> None:
    gone = Target(name="shop", dialect="sqlite", ddl=DDL, url=f"sqlite:///{tmp_path}/gone.db", evidence=True)
    [verdict] = tried(gone, "SELECT id FROM orders")
    assert (verdict.accepted, codes(verdict)) == (True, ["run_stopped"])


def test_nothing_is_written(shop: Target) -> None:
    writes, count = tried(shop, "DELETE FROM orders", "SELECT count(*) FROM orders")
    assert codes(writes) in (["run_stopped"], ["run_failed"])
    assert count.evidence is not None
    assert count.evidence.sample == ((3,),)


def test_engines_are_kept_for_the_next_query_and_not_for_ever() -> None:
    opened: list[str] = []
    closed: list[str] = []

    class Idle:
        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, sql: str, *, row_limit: int, timeout_seconds: float) -> None:
            raise TargetTrouble("away") if sql == "bad" else QueryFailed("it ran")

        def close(self) -> None:
            closed.append(self.name)

    def open_(target: Target) -> Engine | None:
        opened.append(target.name)
        return Idle(target.name)  # type: ignore[return-value]

    async def scene() -> None:
        trials = Trials(row_limit=1, timeout_seconds=1, open_=open_)
        for number in [*range(TARGETS_KEPT + 1), 0, TARGETS_KEPT]:
            target = Target(name=f"t{number}", dialect="sqlite", ddl=DDL)
            await trials.run(Candidate(sql="good", verdict=Verdict()), target)
        await trials.run(Candidate(sql="bad", verdict=Verdict()), target)
        trials.close()

    asyncio.run(scene())
    assert opened == [f"t{number}" for number in [*range(TARGETS_KEPT + 1), 0]]
    assert closed[:3] == ["t0", "t1", f"t{TARGETS_KEPT}"], "the least used go first, and those in trouble"
    assert sorted(closed) == sorted(opened)
