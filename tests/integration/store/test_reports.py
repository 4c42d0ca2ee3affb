"""Finding accepted queries, and seeing where each came from."""

import pytest
from support.store import accepted, add, answer, claim, finish, rejected, save_answer

from farm.sql.verdict import Verdict
from farm.store import reports, targets
from farm.store.engine import Store
from farm.targets.target import Target


def keep(store: Store, *pairs: tuple[str, str]) -> None:
    """Accept one query for each (question, SQL)."""
    for question, sql in pairs:
        [task_id] = add(store)
        finish(store, accepted(claim(store, [task_id])[task_id], sql, question=question))


def found(
    store: Store, search: str | None = None, target: str | None = None, limit: int | None = None
) -> list[str]:
    with store.read() as connection:
        return [each.question for each in reports.find(connection, search=search, target=target, limit=limit)]


def test_the_newest_query_comes_first(store: Store):
    keep(store, ("A?", "SELECT 1"), ("B?", "SELECT 2"), ("C?", "SELECT 3"))
    assert found(store) == ["C?", "B?", "A?"]
    assert found(store, limit=2) == ["C?", "B?"]
    with store.read() as connection:
        assert reports.count(connection) == 3


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("revenue", ["Revenue per month?"]),
        ("REVENUE month", ["Revenue per month?"]),
        ("revenue city", []),
        ("customers", ["Buyers by city?"]),
        ("by", ["Buyers by city?", "Revenue per month?"]),
        ("100%", ["Share of 100%_x?"]),
        ("%", ["Share of 100%_x?"]),
        ("_x", ["Share of 100%_x?"]),
        ("Ärger", ["Ärger über Retouren?"]),
        ("'; DROP", []),
        ("", ["Ärger über Retouren?", "Share of 100%_x?", "Buyers by city?", "Revenue per month?"]),
    ],
)
def test_every_word_must_stand_in_the_question_or_the_sql(store: Store, search: str, expected: list[str]):
    keep(
        store,
        ("Revenue per month?", "SELECT sum(total) FROM orders GROUP BY 1"),
        ("Buyers by city?", "SELECT count(*) FROM customers"),
        ("Share of 100%_x?", "SELECT 1.0"),
        ("Ärger über Retouren?", "SELECT 2"),
    )
    assert found(store, search) == expected


def test_sqlite_finds_any_script_in_any_case(sqlite_store: Store):
    keep(sqlite_store, ("Ärger über Retouren?", "SELECT 1"))
    assert found(sqlite_store, "ärger ÜBER") == ["Ärger über Retouren?"]


def test_queries_of_one_target_are_found(store: Store):
    targets.save(store, Target(name="bank", dialect="sqlite", ddl="CREATE TABLE t (a)"))
    keep(store, ("A?", "SELECT 1"))
    [task_id] = add(store)
    finish(store, accepted(claim(store, [task_id])[task_id], target="bank", question="B?"))
    assert found(store, target="bank") == ["B?"]
    assert found(store, target="nowhere") == []


def test_a_long_list_comes_in_pages_and_whole(store: Store):
    ids = add(store, 1_200)
    held = claim(store, ids)
    finish(store, *(accepted(held[each]) for each in ids))
    assert len(set(found(store))) == 1_200


def test_one_query_is_found_by_its_id(store: Store):
    keep(store, ("A?", "SELECT 1"))
    with store.read() as connection:
        [listed] = reports.find(connection)
        assert reports.get(connection, listed.id) == listed
        assert reports.get(connection, 987_654) is None
    assert (listed.sql, listed.model, listed.dialect) == ("SELECT 1", "stub-model", "sqlite")


def test_every_call_of_a_task_is_kept_with_its_verdicts(store: Store):
    [task_id] = add(store, tags=("monthly", "board"))
    held = claim(store, [task_id])[task_id]
    save_answer(store, answer(task_id, 2, latency_ms=7.5), answer(task_id, 1, "prose without SQL"))
    finish(store, rejected(held, call_no=2))
    with store.read() as connection:
        first, second = reports.attempts(connection, task_id)
        assert reports.attempts(connection, 987_654) == []
        assert reports.tags(connection, task_id) == ["monthly", "board"]
        assert reports.tags(connection, 987_654) == []
    assert (first.call_no, first.candidates) == (1, ())
    assert (second.call_no, second.latency_ms) == (2, 7.5)
    [(sql, verdict)] = second.candidates
    assert sql == "SELECT 1"
    assert isinstance(verdict, Verdict)
