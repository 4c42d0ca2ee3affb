"""Tools that read the store: the role of deploy/postgres/readers.sql, a copy of a SQLite store, Datasette.

What docs/store.md tells is done here as it stands there.
"""

import re
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from sqlalchemy import inspect, make_url
from sqlalchemy import text as sql_text
from support.postgres import fresh_database, wheel
from support.store import accepted, add, answer, claim, finish, opened, save_answer

from farm.store import migrate
from farm.store.engine import Store

ROOT = Path(__file__).resolve().parents[3]
DOCS = (ROOT / "docs" / "store.md").read_text("utf-8")
READERS = (ROOT / "deploy" / "postgres" / "readers.sql").read_text("utf-8")
PROMISED = dict(
    line.split(": ")
    for line in (ROOT / "tests" / "data" / "promised_columns.txt").read_text("utf-8").splitlines()
)
OPEN = {
    "targets",
    "batches",
    "batch_items",
    "tasks",
    "query_tables",
    "query_columns",
    "query_tags",
    "workers",
    "queues",
}


def columns(store: Store) -> dict[str, list[str]]:
    """Of every table and view."""
    with store.read() as connection:
        found = inspect(connection)
        names = [*found.get_table_names(), *found.get_view_names()]
        return {name: [str(each["name"]) for each in found.get_columns(name)] for name in names}


def test_what_is_promised_keeps_its_names(store: Store):
    """To change a line of promised_columns.txt breaks what people have built: it wants a major version."""
    found = columns(store)
    for name, promised in PROMISED.items():
        assert [column for column in promised.split() if column not in found[name]] == [], name
    with store.read() as connection:
        assert set(inspect(connection).get_view_names()) <= PROMISED.keys()
    (stable,) = re.findall(r"^\*\*What is stable\.\*\*(.*?)\n\n", DOCS, flags=re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`", stable)) - {"queries_search"} == {
        name for name in PROMISED if name in found and f"| `{name}` |" in DOCS.partition("## Tables")[2]
    }


@pytest.fixture
def as_reader(postgres_database: str) -> Iterator[str]:
    """A store with the role that the docs tell to make; yields the URL that a tool would be given."""
    (login,) = re.findall(r"^```postgres\n(.*?)^```", DOCS, flags=re.MULTILINE | re.DOTALL)
    with opened(postgres_database) as store:
        [task_id] = add(store)
        save_answer(store, answer(task_id))
        finish(store, accepted(claim(store, [task_id])[task_id]))
    with psycopg.connect(postgres_database, autocommit=True) as owner:
        owner.execute(READERS)
        owner.execute(READERS)
        owner.execute(login)
        try:
            yield make_url(postgres_database).set(username="farm_bi").render_as_string(hide_password=False)
        finally:
            owner.execute("DROP OWNED BY farm_bi, farm_readers")
            owner.execute("DROP ROLE farm_bi, farm_readers")


def refused(url: str, statement: str) -> bool:
    with psycopg.connect(url, autocommit=True) as reader:
        reader.execute("SET default_transaction_read_only = off")
        try:
            reader.execute(statement)
        except psycopg.errors.InsufficientPrivilege:
            return True
        return False


def test_a_reader_sees_views_and_open_tables_and_writes_nowhere(as_reader: str, postgres_database: str):
    with Store.open(postgres_database) as store, store.read() as connection:
        views = set(inspect(connection).get_view_names())
        tables = set(inspect(connection).get_table_names())
    seen = {name for name in views | tables if not refused(as_reader, f"SELECT * FROM {name}")}
    assert seen == views | OPEN
    for statement in (
        "UPDATE tasks SET state = 'queued'",
        "DELETE FROM batches",
        "INSERT INTO queues (name) VALUES ('mine')",
        "CREATE TABLE mine (a int)",
        "CREATE VIEW mine AS SELECT raw FROM answers",
    ):
        assert refused(as_reader, statement), statement
    with psycopg.connect(as_reader) as reader, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        reader.execute("CREATE TEMPORARY TABLE mine AS SELECT 1; CREATE TABLE mine (a int)")


def test_a_reader_sees_views_that_a_later_version_makes_anew(as_reader: str, postgres_database: str):
    with Store.open(postgres_database) as store:
        migrate.downgrade(store, "0011")
        migrate.migrate(store)
        with store.read() as connection:
            views = inspect(connection).get_view_names()
    assert len(views) > 10
    assert [name for name in views if refused(as_reader, f"SELECT * FROM {name}")] == []


def test_readers_of_one_farm_see_nothing_of_another_on_the_same_server(as_reader: str, postgres_url: str):
    with fresh_database(postgres_url) as other, opened(other) as store:
        there = make_url(other).set(username="farm_bi").render_as_string(hide_password=False)
        with store.read() as connection:
            views = inspect(connection).get_view_names()
        assert [name for name in views if not refused(there, f"SELECT * FROM {name}")] == []


@pytest.fixture
def copy(sqlite_store: Store, tmp_path: Path) -> str:
    """A copy as the docs make it, of a store that is being written to; yields its path."""
    [task_id] = add(sqlite_store)
    save_answer(sqlite_store, answer(task_id))
    finish(sqlite_store, accepted(claim(sqlite_store, [task_id])[task_id]))
    (statement,) = re.findall(r"^sqlite3 \.farm/farm\.db \"(VACUUM .*)\"", DOCS, flags=re.MULTILINE)
    to = tmp_path / "copy" / "farm.db"
    to.parent.mkdir()
    with sqlite_store.write():
        source = sqlite3.connect(tmp_path / "farm.db")
        source.execute(statement.replace("/srv/reports/farm.db", str(to)))
        source.close()
    return str(to)


def ask(uri: str, query: str, **values: Any) -> list[Any]:
    connection = sqlite3.connect(uri, uri=True)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def test_a_copy_of_a_store_in_use_is_whole_and_wants_no_further_files(copy: str, tmp_path: Path):
    assert ask(f"file:{copy}?immutable=1", "SELECT question FROM reports") == [("Question 0?",)]
    assert ask(f"file:{copy}?mode=ro", "PRAGMA journal_mode") == [("delete",)]
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["farm.db"]
    (query,) = re.findall(r"^sqlite3 -readonly \.farm/farm\.db \"(.*)\"$", DOCS, flags=re.MULTILINE)
    assert ask(f"file:{tmp_path / 'farm.db'}?mode=ro", query) == [("Question 0?", 0.5)]


def test_datasettes_questions_are_answered_by_the_copy(copy: str):
    asked = yaml.safe_load((ROOT / "deploy" / "datasette" / "metadata.yaml").read_text("utf-8"))
    queries = asked["databases"]["farm"]["queries"]
    answers = {
        name: ask(f"file:{copy}?immutable=1", said["sql"], word="Quest") for name, said in queries.items()
    }
    assert {name for name, rows in answers.items() if not rows} == {"why_refused"}


def test_a_backup_comes_back_with_its_views(
    as_reader: str, postgres_database: str, postgres_url: str, tmp_path: Path
):
    """By the commands of docs/deploy.md, which Compose runs inside; the role is let in again by its file."""
    told = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    words = {
        name: found.split()
        for name, found in re.findall(
            r"-T postgres (pg_dump|pg_restore) -U farm (.*?)(?: [<>] .*)?$", told, re.MULTILINE
        )
    }
    programs = wheel() / "pginstall18" / "bin"
    dump = tmp_path / "farm.dump"
    with dump.open("wb") as out:
        assert words["pg_dump"][-1] == "farm"
        command = [programs / "pg_dump", *words["pg_dump"][:-1], postgres_database]
        subprocess.run(command, stdout=out, check=True, timeout=60)
    with fresh_database(postgres_url) as other:
        assert words["pg_restore"][-2:] == ["-d", "farm"]
        command = [programs / "pg_restore", *words["pg_restore"][:-1], other, dump]
        subprocess.run(command, check=True, timeout=60)
        with Store.open(other) as store, store.read() as connection:
            assert connection.execute(sql_text("SELECT question, cost_usd FROM reports")).all() == [
                ("Question 0?", 0.5)
            ]
        back = make_url(other).set(username="farm_bi").render_as_string(hide_password=False)
        assert refused(back, "SELECT * FROM reports")
        with psycopg.connect(other, autocommit=True) as owner:
            owner.execute(READERS)
            assert not refused(back, "SELECT * FROM reports")
            owner.execute("DROP OWNED BY farm_bi, farm_readers")
