"""Migrations on both databases: from nothing and back, twice, at once, and what the views say."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, make_url, text
from support.store import (
    accepted,
    add,
    answer,
    claim,
    expire,
    failed_call,
    finish,
    opened,
    rejected,
    save_answer,
    save_failed_call,
)

from farm.errors import StoreTrouble
from farm.store import alike, migrate, reports, results, revision
from farm.store.engine import Store, now
from farm.store.tables import Base

TABLES = {table.name for table in Base.metadata.sorted_tables}
VIEWS = {
    "acceptance_per_day",
    "batch_costs",
    "batch_progress",
    "column_usage",
    "findings",
    "latency_per_day",
    "model_calls",
    "rejection_reasons",
    "reports",
    "table_usage",
    "task_outcomes",
    "usage_per_day",
}


@pytest.fixture
def empty(database_url: str) -> Iterator[Store]:
    with Store.open(database_url) as store:
        yield store


def ours(name: str | None) -> bool:
    """Whether a table or index is described by a model; the full-text indexes are not."""
    return name is None or not name.removeprefix("ix_").startswith("queries_search")


def shape(store: Store) -> tuple[set[str], set[str]]:
    """The names of all tables and views."""
    with store.read() as connection:
        found = inspect(connection)
        return set(filter(ours, found.get_table_names())), set(found.get_view_names())


def differences(store: Store) -> list[Any]:
    """What autogenerate would write: how the database differs from the models."""
    with store.write() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, parents: ours(name),
            },
        )
        return list(compare_metadata(context, Base.metadata))


def test_no_limit_of_the_databases_ends_a_migration(postgres_database: str):
    name = make_url(postgres_database).database
    with (
        Store.open(postgres_database) as store,
        psycopg.connect(postgres_database, autocommit=True) as server,
    ):
        server.execute(f"ALTER DATABASE \"{name}\" SET statement_timeout = '30s'")
        with migrate._alone(store) as (connection, _):
            assert connection.scalar(text("SHOW statement_timeout")) == "0"
        with store.read() as connection:
            assert connection.scalar(text("SHOW statement_timeout")) == "30s", "nor does it stay"


def test_an_empty_database_is_brought_to_this_version_and_back(empty: Store):
    assert revision.current(empty) is None
    assert migrate.migrate(empty) == (None, revision.head())
    assert shape(empty) == (TABLES | {"alembic_version"}, VIEWS)
    assert revision.current(empty) == revision.head()
    revision.require_current(empty)
    migrate.downgrade(empty, "base")
    assert shape(empty) == ({"alembic_version"}, set())
    assert revision.current(empty) is None
    assert migrate.migrate(empty) == (None, revision.head())


def test_migrating_again_changes_nothing(empty: Store):
    migrate.migrate(empty)
    assert migrate.migrate(empty) == (revision.head(), revision.head())
    assert shape(empty) == (TABLES | {"alembic_version"}, VIEWS)


def test_the_migrations_make_what_the_models_say(empty: Store):
    migrate.migrate(empty)
    assert differences(empty) == []


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("ALTER TABLE tasks ADD COLUMN colour TEXT", "remove_column"),
        ("DROP INDEX ix_tasks_state_id", "add_index"),
        ("CREATE TABLE surplus (a INTEGER)", "remove_table"),
        ("DROP VIEW batch_costs", None),
    ],
)
def test_a_difference_would_be_seen(empty: Store, change: str, kind: str | None):
    migrate.migrate(empty)
    with empty.write() as connection:
        connection.execute(text(change))
    assert [each[0] for each in differences(empty)] == ([kind] if kind else [])
    assert (shape(empty)[1] == VIEWS) is (kind is not None), "views are watched by their names"


def test_a_failed_migration_leaves_nothing_behind(empty: Store):
    with empty.write() as connection:
        connection.execute(text("CREATE VIEW batch_costs AS SELECT 1 AS in_the_way"))
    with pytest.raises(Exception, match="batch_costs"):
        migrate.migrate(empty)
    assert shape(empty) == (set(), {"batch_costs"})
    assert revision.current(empty) is None


def test_questions_can_be_asked_while_a_later_migration_counts(
    postgres_database: str, monkeypatch: pytest.MonkeyPatch
):
    upgrade = migrate._upgrade

    def asked_meanwhile(connection: Any, step: str) -> str | None:
        after = upgrade(connection, step)
        if after == "0013":  # 0011 has locked the batches
            with psycopg.connect(postgres_database, options="-c lock_timeout=5s") as other:
                other.execute("INSERT INTO batches (created_at) VALUES (now())")
        return after

    with Store.open(postgres_database) as store:
        migrate.migrate(store, "0010")
        monkeypatch.setattr(migrate, "_upgrade", asked_meanwhile)
        assert migrate.migrate(store) == ("0010", revision.head())
        with store.read() as connection:
            assert connection.scalar(text("SELECT count(*) FROM batches")) == 1


def test_threads_that_migrate_at_once_do_not_hinder_each_other(database_url: str):
    start = threading.Barrier(4, timeout=30)

    def run(_: int) -> tuple[str | None, str | None]:
        with Store.open(database_url) as store:
            start.wait()
            return migrate.migrate(store)

    with ThreadPoolExecutor(4) as pool:
        befores = sorted(str(before) for before, _ in pool.map(run, range(4)))
    assert befores == [str(revision.head())] * 3 + ["None"]


PROGRAM = """
import sys
from farm.store import migrate
from farm.store.engine import Store
store = Store.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(migrate.migrate(store)[0])
"""


def test_processes_that_migrate_at_once_do_not_hinder_each_other(database_url: str):
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command = [sys.executable, "-c", PROGRAM, database_url]
    children = [subprocess.Popen(command, text=True, **pipes) for _ in range(2)]
    try:
        assert [child.stdout.readline() for child in children if child.stdout] == ["ready\n"] * 2
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        said = [child.communicate(timeout=60) for child in children]
    finally:
        for child in children:
            child.kill()
            child.communicate()
    assert sorted(out.strip() for out, _ in said) == sorted([str(revision.head()), "None"]), said


def test_threads_may_migrate_different_databases_at_once(tmp_path: Path):
    """Alembic keeps what it works on for the whole process."""
    start = threading.Barrier(4)

    def run(number: int) -> tuple[set[str], set[str]]:
        with Store.open(f"sqlite:///{tmp_path / str(number)}.db") as store:
            start.wait()
            migrate.migrate(store)
            return shape(store)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == [(TABLES | {"alembic_version"}, VIEWS)] * 4


def test_the_last_migration_by_its_number_is_the_last_one_in_the_chain():
    config = Config()
    config.set_main_option("script_location", "migrations:")
    assert ScriptDirectory.from_config(config).get_heads() == [revision.head()]


def test_what_another_process_does_between_two_steps_is_not_done_again(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
):
    step = migrate._step

    def overtaken(store: Store, wanted: str) -> tuple[str | None, str | None]:
        done = step(store, wanted)
        if done[0] == "0010":
            subprocess.run([sys.executable, "-c", PROGRAM, sqlite_url], input=b"\n", check=True, timeout=60)
        return done

    with Store.open(sqlite_url) as store:
        migrate.migrate(store, "0010")
        monkeypatch.setattr(migrate, "_step", overtaken)
        assert migrate.migrate(store) == ("0010", revision.head())


def test_a_store_of_a_newer_farm_is_refused_untouched(empty: Store):
    migrate.migrate(empty)
    with empty.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from the future'"))
    for refuse in (lambda: migrate.migrate(empty), lambda: revision.require_current(empty)):
        with pytest.raises(StoreTrouble, match="from the future"):
            refuse()
    assert revision.current(empty) == "from the future"


def test_a_store_that_needs_migrating_is_named_and_how(empty: Store):
    with pytest.raises(StoreTrouble, match=r"revision none, this version needs .* run `farm migrate`"):
        revision.require_current(empty)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_keep_every_text_is_refused(postgres_url: str, encoding: str):
    options = f"TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE of_other_text {options}")
        try:
            other = make_url(postgres_url).set(database="of_other_text")
            with Store.open(other.render_as_string(hide_password=False)) as store:
                with pytest.raises(StoreTrouble, match=rf"in {encoding}, .* ENCODING 'UTF8'"):
                    migrate.migrate(store)
                assert shape(store) == (set(), set())
        finally:
            server.execute("DROP DATABASE of_other_text WITH (FORCE)")


def test_the_state_of_a_task_is_checked_by_the_database_too(empty: Store):
    migrate.migrate(empty)
    with opened(empty.engine.url.render_as_string(hide_password=False)) as store:
        [task_id] = add(store)
        with pytest.raises(Exception, match="ck_tasks_state"), store.write() as connection:
            connection.execute(text("UPDATE tasks SET state = 'lost' WHERE id = :id"), {"id": task_id})


OLD_ROWS = """
INSERT INTO targets VALUES ('shop', 'sqlite', 'CREATE TABLE t (a)', 'f', '', '2026-01-01', '2026-01-01');
INSERT INTO batches (id, name, created_at) VALUES (1, NULL, '2026-01-01');
INSERT INTO tasks (id, batch_id, key, question, target, queue, tags, state, created_at)
VALUES (1, 1, 'k', 'How many?', 'shop', 'default', '[]', 'accepted', '2026-01-01'),
       (2, 1, 'l', 'How much?', 'shop', 'default', '[]', 'queued', '2026-01-01');
INSERT INTO batch_items VALUES (1, 0, 1), (1, 1, 2);
INSERT INTO queries (task_id, question, target, dialect, sql, model, call_no, prompt_version,
                     schema_fingerprint, created_at)
VALUES (1, 'How many?', 'shop', 'sqlite', 'SELECT a FROM t', 'm', 1, '1', 'f', '2026-01-01')
"""


def test_a_store_of_the_first_release_comes_up_with_its_rows(empty: Store):
    migrate.migrate(empty, "0003")
    with empty.write() as connection:
        for statement in OLD_ROWS.split(";"):
            connection.execute(text(statement))
    assert migrate.migrate(empty) == ("0003", revision.head())
    with empty.read() as connection:
        [report] = reports.find(connection)
        [first, second] = results.by_position(connection, 1, range(2))
        assert alike.duplicates(connection, 1) == 0
    assert (report.sql, report.canonical_key, report.same_as) == ("SELECT a FROM t", None, None)
    assert (report.original_sql, report.lineage) == (None, None)
    assert (first.query_id, first.same_as, second.state) == (1, None, "queued")
    assert (first.dialect, second.dialect) == (None, None)
    held = claim(empty, [2])
    lineage = {
        "tables": ["t"],
        "columns": [{"table": "t", "column": "a"}],
        "joins": [],
        "filters": [],
        "functions": [],
    }
    finish(empty, accepted(held[2], canonical_key="1:a", lineage=lineage))
    with empty.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM query_columns")).scalar_one() == 1
    migrate.downgrade(empty, "0003")
    with empty.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM queries")).scalar_one() == 2
    assert migrate.migrate(empty) == ("0003", revision.head())


# Views


def view(store: Store, name: str) -> list[dict[str, Any]]:
    with store.read() as connection:
        return [dict(row) for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()]


def test_acceptance_is_counted_per_day_and_model(store: Store):
    ids = add(store, 6)
    held = claim(store, ids)
    finish(store, *(accepted(held[each]) for each in ids[:3]), rejected(held[ids[3]]), accepted(held[ids[4]]))
    save_answer(store, *(answer(each) for each in ids[:4]), answer(ids[0], 2), answer(ids[5]))
    save_answer(store, answer(ids[4], model="large"))
    with store.write() as connection:
        connection.execute(
            text("UPDATE tasks SET finished_at = :at WHERE id = :id"),
            {"at": now().replace(tzinfo=None) - timedelta(days=1), "id": ids[0]},
        )
    rows = sorted(view(store, "acceptance_per_day"), key=lambda row: (str(row["day"]), row["model"]))
    today, yesterday = now().date(), now().date() - timedelta(days=1)
    assert [
        (
            str(row["day"]),
            row["model"],
            row["tasks"],
            row["accepted"],
            round(float(row["acceptance_rate"]), 3),
        )
        for row in rows
    ] == [
        (str(yesterday), "stub-model", 1, 1, 1.0),
        (str(today), "large", 1, 1, 1.0),
        (str(today), "stub-model", 3, 2, 0.667),
    ]


def test_costs_are_summed_per_batch(store: Store):
    cheap, dear = add(store, 2), add(store, 1)
    add(store, 1)
    save_answer(store, answer(cheap[0]), answer(cheap[0], 2), answer(cheap[1], cost_usd=None))
    save_answer(store, answer(dear[0], cost_usd=9.25, prompt_tokens=7, completion_tokens=3))
    rows = sorted(view(store, "batch_costs"), key=lambda row: row["batch_id"])
    assert [
        (row["tasks"], row["calls"], row["prompt_tokens"], row["completion_tokens"], row["cost_usd"])
        for row in rows
    ] == [(2, 3, 300, 30, 1.0), (1, 1, 7, 3, 9.25), (1, 0, 0, 0, None)]


def test_failed_calls_are_in_the_costs_of_a_batch_once(store: Store):
    both, lost = add(store, 2), add(store, 1)
    save_answer(store, answer(both[0]), answer(both[0], 2), answer(both[1]))
    save_failed_call(
        store, failed_call(both[0]), failed_call(both[0], 3), failed_call(lost[0], cost_usd=None)
    )
    rows = sorted(view(store, "batch_costs"), key=lambda row: row["batch_id"])
    assert [
        (row["calls"], row["failed_calls"], row["prompt_tokens"], row["completion_tokens"], row["cost_usd"])
        for row in rows
    ] == [(3, 2, 440, 44, 2.0), (0, 1, 70, 7, None)]


def test_reasons_of_refusal_are_counted(store: Store):
    ids = add(store, 5)
    held = claim(store, ids, lease_seconds=-1)
    finish(store, accepted(held[ids[0]]), rejected(held[ids[1]]), rejected(held[ids[2]]))
    finish(store, rejected(held[ids[3]], "unknown_table"))
    expire(store, max_attempts=1)
    rows = [tuple(row.values()) for row in view(store, "rejection_reasons")]
    assert sorted(rows) == [
        ("shop", "dead", "attempts", 1),
        ("shop", "rejected", "syntax", 2),
        ("shop", "rejected", "unknown_table", 1),
    ]
