"""An answer is judged candidate by candidate; the engine decides what the checks only explain."""

import sqlite3

import pytest

from farm.sql.assess import assess, best, judge
from farm.sql.verdict import Candidate, Severity


@pytest.fixture
def dry_run():
    """SQLite's own judgement on the shop."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT, added_later TEXT);"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, total NUMERIC);"
    )

    def prepare(sql):
        try:
            connection.execute("EXPLAIN " + sql).close()
        except sqlite3.Error as error:
            return str(error)
        return None

    yield prepare
    connection.close()


def test_the_first_candidate_that_passes_is_the_last_one_given(sqlite_shop, dry_run):
    answer = "```sql\nSELECT name FROM customers\n```\nor\n```sql\nSELECT nme FROM customers\n```\n"
    judged = assess(answer, sqlite_shop, dry_run, "sqlite")
    assert [candidate.verdict.accepted for candidate in judged] == [False, True]
    assert best(judged).sql == "SELECT name FROM customers"
    assert best(judged).verdict.dry_run == "sqlite"


def test_a_candidate_that_is_no_report_does_not_hide_the_next_one(postgres_shop):
    answer = "```sql\nSELECT name FROM customers\n```\nor\n```sql\nSELECT FROM customers\n```\n"
    judged = assess(answer, postgres_shop)
    assert [candidate.verdict.accepted for candidate in judged] == [True, True]
    assert best(judged).sql == "SELECT name FROM customers"


def test_what_is_accepted_has_its_key_and_nothing_else_has(sqlite_shop):
    answer = "```sql\nSELECT name FROM customers\n```\nor\n```sql\nSELECT nme FROM customers\n```\n"
    judged = assess(answer, sqlite_shop)
    assert [candidate.canonical_key is not None for candidate in judged] == [False, True]
    assert [candidate.lineage and candidate.lineage.tables for candidate in judged] == [None, ("customers",)]
    assert [Candidate.from_dict(candidate.to_dict()).lineage for candidate in judged] == [
        candidate.lineage for candidate in judged
    ]


def test_what_only_an_engine_understands_is_accepted_without_failing(sqlite_shop):
    (candidate,) = assess("SELECT nme FROM customers", sqlite_shop, lambda sql: None, "any")
    assert candidate.verdict.accepted
    assert candidate.canonical_key is not None, "its words are the key"


def test_what_the_engine_accepts_stands_with_the_doubts_as_warnings(sqlite_shop, dry_run):
    verdict = judge("SELECT added_later FROM customers", sqlite_shop, dry_run, "sqlite")
    assert verdict.accepted
    assert [(f.code, f.severity) for f in verdict.findings] == [("unknown_column", Severity.WARNING)]


def test_what_the_engine_refuses_is_explained_by_the_checks(sqlite_shop, dry_run):
    verdict = judge("SELECT nme FROM customers", sqlite_shop, dry_run, "sqlite")
    assert [finding.code for finding in verdict.findings] == ["unknown_column"]
    assert verdict.dry_run == "sqlite"


def test_what_only_the_engine_refuses_is_reported_in_its_words(sqlite_shop, dry_run):
    verdict = judge("SELECT status FROM orders", sqlite_shop, dry_run, "sqlite")
    [finding] = verdict.findings
    assert (finding.code, finding.message) == ("engine_refused", "no such column: status")
    assert (finding.line, finding.column) == (1, 8)


@pytest.mark.parametrize("sql", ["DELETE FROM orders", "SELECT * FROM secret", "SELECT load_extension('x')"])
def test_the_engine_is_not_asked_what_the_policy_forbids(sql, sqlite_shop):
    verdict = judge(sql, sqlite_shop, lambda _: pytest.fail("asked"), "sqlite")
    assert not verdict.accepted
    assert verdict.dry_run is None


def test_without_an_engine_the_checks_alone_decide(sqlite_shop):
    assert judge("SELECT name FROM customers", sqlite_shop).accepted
    assert not judge("SELECT nme FROM customers", sqlite_shop).accepted


def test_the_time_taken_is_noted(sqlite_shop):
    assert judge("SELECT 1", sqlite_shop).elapsed_ms > 0


def test_the_most_promising_candidate_is_the_one_that_came_furthest(sqlite_shop):
    judged = assess(
        "```sql\nSELECT nme FROM customers\n```\n```sql\nDROP TABLE x\n```\nSELECT (", sqlite_shop
    )
    assert best(judged).sql == "SELECT nme FROM customers"
