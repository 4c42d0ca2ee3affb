"""`farm target …`: the databases to write SQL for."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import Ended

from farm import Farm

Run = Callable[..., Ended]


@pytest.mark.usefixtures("worked")
def test_targets_are_listed_and_shown(farm: Run, home: Path) -> None:
    (row,) = farm("target", "list", "--json").json_lines
    assert (row["name"], row["dialect"]) == ("shop", "sqlite")
    assert row["url"].endswith("shop.db")
    assert farm("target", "list").out.splitlines()[1].split("\t")[:2] == ["shop", "sqlite"]
    out = farm("target", "show", "shop").out
    assert "CREATE TABLE orders" in out
    assert "Totals are in [euros]." in out


@pytest.mark.usefixtures("worked")
def test_a_changed_schema_is_read_again(farm: Run) -> None:
    import sqlite3

    assert farm("target", "refresh", "shop").out == "target shop: its schema has not changed\n"
    with sqlite3.connect("shop.db") as shop:
        shop.execute("ALTER TABLE orders ADD COLUMN paid integer")
    shop.close()
    assert "target shop: its schema is now" in farm("target", "refresh", "shop").out


def test_a_first_farm_says_how_to_add_a_target(farm: Run) -> None:
    assert "farm target add NAME" in farm("target", "list").out


def test_a_url_can_be_kept_off_the_command_line(farm: Run, opened: Farm) -> None:
    ended = farm("target", "add", "books", "--dialect", "sqlite", "--url", "-", stdin="sqlite:///books.db\n")
    assert ended.code == 2  # there is no such file
    ddl = opened.settings.home / "ddl"
    ddl.write_text("CREATE TABLE books (id integer)")
    words = ("target", "add", "books", "--dialect", "sqlite", "--ddl", str(ddl), "--url", "-")
    assert farm(*words, stdin="sqlite:///books.db\n").code == 0
    assert (opened.target("books").url or "").endswith("/books.db")


def test_a_password_is_never_printed(farm: Run, opened: Farm) -> None:
    url = "postgresql://farm:topsecret@127.0.0.1:1/shop"
    Path("shop.sql").write_text("CREATE TABLE orders (id integer)")
    Path("typo.sql").write_text("CREATE TABEL orders (id integer)")
    said = farm("target", "add", "far", "--dialect", "postgres", "--url", url, "--ddl", "shop.sql")
    assert said.code == 0
    for words in (("list",), ("list", "--json"), ("show", "far"), ("refresh", "far")):
        said = farm("target", *words)
        assert "topsecret" not in said.out + said.err
        assert "127.0.0.1" in said.out + said.err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("shop", "--dialect", "sqlite"), "needs a schema: give its DDL (CREATE TABLE …) or the URL"),
        (("shop", "--dialect", "oracle", "--url", "x"), "there is no dialect 'oracle' here"),
        (("a b", "--dialect", "sqlite", "--ddl", "shop.sql"), "is no name for a target"),
        (("shop", "--dialect", "sqlite", "--ddl", "none.sql"), "none.sql cannot be read (No such file"),
        (
            ("shop", "--dialect", "sqlite", "--ddl", "shop.bin"),
            "shop.bin cannot be read (it is no UTF-8 text; save it as UTF-8)",
        ),
        (("shop", "--dialect", "sqlite", "--ddl", "typo.sql"), "defines no table"),
        (("shop", "--dialect", "sqlite", "--url", "sqlite:///none.db"), "none.db"),
        (("shop", "--dialect", "sqlite", "--url", "shop.db"), "is no database URL the farm knows"),
        (("shop", "--dialect", "postgres", "--url", "postgresql://u:topsecret@127.0.0.1:1/d"), "127.0.0.1"),
    ],
)
def test_a_target_that_cannot_be_is_refused_in_one_line(
    farm: Run, home: Path, words: tuple[str, ...], reason: str
) -> None:
    Path("shop.sql").write_text("CREATE TABLE orders (id integer)")
    Path("typo.sql").write_text("CREATE TABEL orders (id integer)")
    Path("shop.bin").write_bytes(b"\xff\xfe\x00")
    said = farm("target", "add", *words)
    assert (said.code, said.out) == (2, "")
    assert reason in said.err
    assert "topsecret" not in said.err
    assert len(said.err.splitlines()) == 1
    assert farm("target", "list", "--json").out == ""


def test_an_unknown_target_is_named_with_those_there_are(farm: Run, opened: Farm) -> None:
    said = farm("target", "show", "nowhere")
    assert said.code == 2
    assert "there is no target 'nowhere' (known are shop)" in said.err


def test_evidence_is_wanted_or_not_and_needs_a_database(farm: Run, worked: Farm) -> None:
    Path("t.sql").write_text("CREATE TABLE t (a int)")
    assert farm("target", "show", "shop", "--json").json["evidence"] is False
    said = farm("target", "add", "bare", "--dialect", "sqlite", "--ddl", "t.sql", "--evidence")
    assert said.code == 2
    assert "target bare has no URL, so there is nothing to run its queries on" in said.err
    url = worked.target("shop").url
    assert url
    assert farm("target", "add", "shop", "--dialect", "sqlite", "--url", url, "--evidence").code == 0
    assert "queries are run for evidence" in farm("target", "show", "shop").out
    assert farm("target", "add", "shop", "--dialect", "sqlite", "--url", url).code == 0
    assert worked.target("shop").evidence, "what is not said stays as it is"
    assert farm("target", "add", "shop", "--dialect", "sqlite", "--url", url, "--no-evidence").code == 0
    assert not worked.target("shop").evidence
