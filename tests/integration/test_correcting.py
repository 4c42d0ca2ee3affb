"""Correcting accepted queries through the farm, on both databases."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from support.reports import keep
from support.store import SHOP, opened

from farm import Farm, correcting
from farm.errors import BadInput, NotFound
from farm.sql.verdict import Candidate, Verdict
from farm.store import actions, reports, targets, versions
from farm.store.tables import QueryColumnRow, QueryTableRow
from farm.store.versions import Overtaken

TRACED: dict[str, Any] = {
    "tables": ["orders"],
    "columns": [{"table": "orders", "column": "id"}],
    "joins": [],
    "filters": [],
    "functions": [],
}


@pytest.fixture
def farm(sqlite_url: str, tmp_path: Path) -> Iterator[Farm]:
    yield from connected(sqlite_url, tmp_path)


@pytest.fixture
def either_farm(database_url: str, tmp_path: Path) -> Iterator[Farm]:
    """For what is written to the store, once on each database."""
    yield from connected(database_url, tmp_path)


def connected(url: str, home: Path) -> Iterator[Farm]:
    opened(url).close()
    with Farm.connect(home=home, database_url=url) as farm:
        yield farm


def columns(farm: Farm, query_id: int) -> list[tuple[str, str]]:
    row = QueryColumnRow
    with farm.store.read() as connection:
        query = select(row.table_name, row.column_name).where(row.query_id == query_id)
        return [(each[0], each[1]) for each in connection.execute(query)]


def log(farm: Farm) -> list[tuple[str, str]]:
    with farm.store.read() as connection:
        return [(each.actor, each.action) for each in reversed(actions.page(connection))]


def test_a_correction_becomes_a_new_version_with_its_lineage_and_the_old_one_is_kept(either_farm: Farm):
    farm = either_farm
    query_id = keep(farm.store, "Total?", "SELECT id FROM orders", canonical_key="old", lineage=TRACED)
    done = farm.correct(query_id, " SELECT total\r\nFROM orders ;\n", note="the sum", author="ada", version=1)
    assert (done.version, done.verdict.accepted) == (2, True)
    report = farm.query(query_id)
    assert report.sql == "SELECT total\nFROM orders"
    assert (report.version, report.author) == (2, "ada")
    assert report.dry_run
    assert report.lineage is not None
    assert [str(column) for column in report.lineage.columns] == ["orders.total"]
    assert columns(farm, query_id) == [("orders", "total")]
    assert report.canonical_key not in (None, "old")
    with farm.store.read() as connection:
        second, first = versions.history(connection, query_id)
        assert connection.scalars(select(QueryTableRow.table_name)).all() == ["orders"]
    assert (first.version, first.sql, first.author) == (1, "SELECT id FROM orders", None)
    assert (second.version, second.author, second.note) == (2, "ada", "the sum")
    assert second.verdict.dry_run
    assert log(farm) == [("ada", "correct")]


def test_the_history_grows_by_one_with_each_correction(farm: Farm):
    query_id = keep(farm.store, "Total?", "SELECT id FROM orders")
    for n in (2, 3):
        assert farm.correct(query_id, f"SELECT {n} AS n, id FROM orders").version == n
    with farm.store.read() as connection:
        assert [each.version for each in versions.history(connection, query_id)] == [3, 2, 1]


def test_what_the_checks_refuse_changes_nothing(farm: Farm):
    query_id = keep(farm.store, "Total?", "SELECT id FROM orders")
    before = farm.query(query_id)
    for sql in ("SELECT nope FROM orders", "DROP TABLE orders", "", "SELECT 1; SELECT 2", "SELECT '\0'"):
        refused = farm.correct(query_id, sql)
        assert (refused.version, refused.verdict.accepted) == (None, False)
    unknown = farm.correct(query_id, "SELECT\n  nope FROM orders").verdict.objections[0]
    assert (unknown.code, unknown.line, unknown.column) == ("unknown_column", 2, 3)
    assert farm.query(query_id) == before
    assert log(farm) == []


def test_of_two_who_correct_the_same_version_the_second_is_told(either_farm: Farm):
    farm = either_farm
    query_id = keep(farm.store, "Total?", "SELECT id FROM orders")
    read = farm.query(query_id)
    farm.correct(query_id, "SELECT total FROM orders", version=1)
    with pytest.raises(Overtaken, match="version 2"):
        farm.correct(query_id, "SELECT id, total FROM orders", version=1)
    with pytest.raises(Overtaken, match="version 2"):  # both had read it before either wrote
        correcting.correct(
            farm.store, farm.settings, read, SHOP, "SELECT id, total FROM orders", note="", author="eve"
        )
    assert farm.query(query_id).sql == "SELECT total FROM orders"
    with farm.store.read() as connection:
        assert len(versions.history(connection, query_id)) == 2


def test_the_same_sql_is_no_correction(farm: Farm):
    query_id = keep(farm.store, "Total?", "SELECT id FROM orders")
    with pytest.raises(BadInput, match="same as before"):
        farm.correct(query_id, "SELECT id FROM orders;")
    with pytest.raises(BadInput, match="2,001 characters"):
        farm.correct(query_id, "SELECT total FROM orders", note="x" * 2001)
    with pytest.raises(NotFound):
        farm.correct(987_654, "SELECT 1")


def test_a_query_in_another_dialect_is_corrected_in_its_targets_own_and_written_anew(farm: Farm):
    query_id = keep(
        farm.store,
        "Total?",
        "SELECT id FROM orders WHERE CAST(id AS TEXT) ILIKE '1%'",
        dialect="postgres",
        original_sql="SELECT id FROM orders WHERE CAST(id AS TEXT) LIKE '1%'",
        original_dialect="sqlite",
    )
    farm.correct(query_id, "SELECT id FROM orders WHERE CAST(id AS TEXT) LIKE '2%'")
    report = farm.query(query_id)
    assert report.original_sql == "SELECT id FROM orders WHERE CAST(id AS TEXT) LIKE '2%'"
    assert (report.original_dialect, report.dialect) == ("sqlite", "postgres")
    assert "ILIKE '2%'" in report.sql


def test_where_a_dry_run_is_required_a_correction_needs_one_too(farm: Farm, monkeypatch: pytest.MonkeyPatch):
    query_id = keep(farm.store, "Total?", "SELECT id FROM orders")
    passed = Candidate(sql="SELECT total FROM orders", verdict=Verdict())  # as where no engine is at hand
    monkeypatch.setattr(correcting, "judged", lambda sql, target, *, settings: passed)
    strict = Farm(farm.settings.model_copy(update={"require_dry_run": True}), farm.store)
    refused = strict.correct(query_id, passed.sql)
    assert (refused.version, refused.verdict.objections[0].code) == (None, "no_dry_run")
    assert farm.correct(query_id, passed.sql).version == 2


def test_a_recheck_says_whether_the_query_fits_the_schema_of_today(either_farm: Farm):
    farm = either_farm
    query_id = keep(farm.store, "Total?", "SELECT total FROM orders")
    targets.save(farm.store, replace(SHOP, ddl="CREATE TABLE orders (id INTEGER, amount REAL)"))
    verdict = farm.recheck(query_id, actor="ada")
    assert not verdict.accepted
    report = farm.query(query_id)
    assert report.recheck == verdict
    assert report.rechecked_fingerprint == farm.target("shop").fingerprint != report.schema_fingerprint
    assert report.rechecked_at is not None
    assert log(farm) == [("ada", "recheck")]
    targets.save(farm.store, SHOP)
    assert farm.recheck(query_id).accepted
    farm.correct(query_id, "SELECT id FROM orders")
    assert farm.query(query_id).recheck is None


def test_people_star_entitle_mark_and_tag(either_farm: Farm):
    farm = either_farm
    query_id = keep(farm.store, "Total?", "SELECT total FROM orders")
    farm.star(query_id, actor="ada")
    farm.entitle(query_id, "All totals", actor="ada")
    farm.mark(query_id, "good", actor="ada")
    assert farm.tag(query_id, "board", actor="ada")
    assert not farm.tag(query_id, "board", actor="ada")
    report = farm.query(query_id)
    assert (report.title, report.mark, report.starred_at is None) == ("All totals", "good", False)
    with farm.store.read() as connection:
        assert reports.tags_of(connection, [query_id]) == {query_id: ["board"]}
    assert farm.tag(query_id, "board", remove=True)
    farm.star(query_id, starred=False)
    assert farm.query(query_id).starred_at is None
    assert [action for _, action in log(farm)] == ["star", "title", "mark", "tag", "untag", "unstar"]
    for call in (farm.star, lambda id: farm.mark(id, "bad"), lambda id: farm.tag(id, "x"), farm.recheck):
        with pytest.raises(NotFound):
            call(987_654)
