"""Which URLs a store takes, and what a driver's words mean."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError

from farm.errors import BadSetting, FarmError, StoreTrouble, Unavailable
from farm.store.engine import Store, explain, now


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "no database URL"),
        ("farm.db", "no database URL"),
        ("postgres://h/d", "no database URL"),
        ("postgresql://h:port/d", "no database URL"),
        ("mysql://h/d", "names mysql"),
        ("postgresql+psycopg2://h/d", r"driver postgresql\+psycopg2; leave it out: postgresql://"),
        ("postgresql+asyncpg://h/d", "leave it out"),
        ("sqlite+aiosqlite:///farm.db", "leave it out: sqlite://"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_a_url_that_cannot_be_a_store_is_refused(url: str, said: str):
    with pytest.raises(BadSetting, match=f"FARM_DATABASE_URL.*{said}"):
        Store.open(url)


def test_a_refused_url_is_not_repeated_with_its_password():
    with pytest.raises(BadSetting) as caught:
        Store.open("mysql+pymysql://u:hush@h/d")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("url", ["postgresql://u:hush@h/d", "postgresql+psycopg://u:hush@h/d"])
def test_a_store_is_named_without_its_password(url: str):
    with Store.open(url) as store:
        assert "u:***@h/d" in store.where
        assert "hush" not in repr(store.engine)


def test_opening_connects_to_nothing_yet(tmp_path: Path):
    with Store.open(f"sqlite:///{tmp_path / 'new' / 'farm.db'}"):
        assert (tmp_path / "new").is_dir()
        assert not (tmp_path / "new" / "farm.db").exists()
    Store.open("postgresql://nowhere.invalid/d").close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreTrouble, match=r"the store's folder .*file.* cannot be made"):
        Store.open(f"sqlite:///{tmp_path}/file/deeper/farm.db")


def test_a_file_url_makes_no_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Store.open(f"sqlite:///file:{tmp_path}/sub/farm.db?uri=true").close()
    assert [path.name for path in tmp_path.iterdir()] == ["sub"]


@pytest.mark.parametrize(
    ("said", "kind", "advice"),
    [
        ("database is locked", Unavailable, "locked by another program"),
        ("database table is locked: tasks", Unavailable, "locked by another program"),
        ("database or disk is full", Unavailable, "Free some space"),
        ("disk I/O error", Unavailable, "Free some space"),
        ('could not extend file "base/1": No space left on device', Unavailable, "Free some space"),
        ("attempt to write a readonly database", StoreTrouble, "read-only"),
        ("cannot execute INSERT in a read-only transaction", Unavailable, "takes no writes for now"),
        ("permission denied for table tasks", StoreTrouble, "GRANT"),
        ("must be owner of table tasks", StoreTrouble, "GRANT"),
        ("no such table: tasks", StoreTrouble, "farm migrate"),
        ('relation "tasks" does not exist', StoreTrouble, "farm migrate"),
        ('column "colour" does not exist', StoreTrouble, "farm migrate"),
        ('FATAL:  database "farm" does not exist', StoreTrouble, "create it"),
        ('FATAL:  role "farm" does not exist', StoreTrouble, "create it"),
        ("file is not a database", StoreTrouble, "no SQLite database"),
        ("database disk image is malformed", StoreTrouble, "damaged"),
        ("unable to open database file", StoreTrouble, "check the path"),
        ('FATAL:  password authentication failed for user "u"', StoreTrouble, "user or password"),
        ("fe_sendauth: no password supplied", StoreTrouble, "user or password"),
        ("deadlock detected", Unavailable, "waited for each other"),
        ("connection refused", Unavailable, "cannot be reached"),
        ("FATAL:  the database system is starting up", Unavailable, "cannot be reached"),
    ],
)
def test_a_drivers_words_are_explained(said: str, kind: type[FarmError], advice: str):
    error = explain(OperationalError("SELECT 1", {}, sqlite3.OperationalError(said)), "sqlite:///farm.db")
    assert type(error) is kind
    assert advice in str(error)
    assert said in str(error)
    assert "sqlite:///farm.db" in str(error)


def test_only_the_first_line_of_what_a_driver_says_is_repeated():
    said = sqlite3.OperationalError("connection failed\nDETAIL: the whole row (secret)")
    assert "secret" not in str(explain(OperationalError("SELECT 1", {}, said), "here"))


def said(error: Any, name: str | None = None, sqlstate: str | None = None) -> Any:
    """A driver's error with the codes that it carries."""
    error.sqlite_errorname, error.sqlstate = name, sqlstate
    return error


@pytest.mark.parametrize("state", ["08006", "53300", "55P03", "57P01", "57P03", None])
def test_a_server_in_trouble_passes_by_itself(state: str | None):
    error = OperationalError("SELECT", {}, said(Exception("the server says so"), sqlstate=state))
    assert type(explain(error, "here")) is Unavailable


@pytest.mark.parametrize(
    "error",
    [
        IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE constraint failed: tasks.key")),
        ProgrammingError("SELEC", {}, sqlite3.ProgrammingError("syntax error")),
        OperationalError("SELECT", {}, said(sqlite3.OperationalError("syntax error"), "SQLITE_ERROR")),
        OperationalError("INSERT", {}, said(Exception("index row size 8200 exceeds"), sqlstate="54000")),
        IntegrityError("INSERT", {}, Exception('null value in column "key" of relation "tasks"')),
    ],
)
def test_a_mistake_of_our_own_stays_what_it_is(error: DBAPIError):
    assert explain(error, "here") is error


def test_a_lost_connection_passes_by_itself():
    error = DBAPIError("SELECT 1", {}, Exception("gone"), connection_invalidated=True)
    assert type(explain(error, "here")) is Unavailable


def test_now_is_aware():
    assert now().utcoffset() is not None
