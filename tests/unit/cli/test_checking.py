"""`farm check`: queries from a file or standard input, held against the checks."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import Ended

import farm as public
from farm import Farm
from farm.cli.shared import Exit
from farm.targets.target import Target

Run = Callable[..., Ended]
GOOD = "SELECT customer FROM orders"
BAD = "SELECT custmer FROM orders"
KEYS = {"accepted", "dry_run", "engine", "findings", "ms"}


@pytest.mark.usefixtures("opened")
def test_a_good_query_is_accepted_and_prepared(farm: Run) -> None:
    said = farm("check", "--target", "shop", "--json", "-", stdin=GOOD)
    (verdict,) = said.json_lines
    assert said.code == Exit.DONE
    assert set(verdict) == KEYS
    assert (verdict["accepted"], verdict["findings"]) == (True, [])
    assert verdict["dry_run"] == "sqlite"
    assert verdict["engine"].startswith("sqlite 3.")


@pytest.mark.usefixtures("opened")
def test_a_bad_query_is_told_with_its_place_and_what_was_meant(farm: Run) -> None:
    said = farm("check", "--target", "shop", "--json", "-", stdin=BAD)
    (verdict,) = said.json_lines
    (finding,) = verdict["findings"]
    assert said.code == Exit.PARTLY
    assert (verdict["accepted"], finding["code"], finding["line"], finding["column"]) == (
        False,
        "unknown_column",
        1,
        8,
    )
    assert finding["nearest"] == ["customer"]
    shown = farm("check", "--target", "shop", "-", stdin=BAD)
    assert shown.code == Exit.PARTLY
    assert "1:8 error unknown_column" in shown.out
    assert "nearest: customer" in shown.out


@pytest.mark.usefixtures("opened")
def test_no_database_is_asked_where_none_is_wanted(farm: Run) -> None:
    (verdict,) = farm("check", "--target", "shop", "--json", "--no-dry-run", "-", stdin=GOOD).json_lines
    assert (verdict["accepted"], verdict["dry_run"]) == (True, None)
    assert [finding["code"] for finding in verdict["findings"]] == ["no_dry_run"]


@pytest.mark.usefixtures("opened")
def test_many_queries_are_answered_in_order_each_for_its_own_schema(farm: Run) -> None:
    rows = [{"sql": GOOD if number % 3 else BAD, "target": "shop"} for number in range(200)]
    ddl = "CREATE TABLE invoices (id integer, total numeric)"
    rows.append({"sql": "SELECT total FROM invoices", "ddl": ddl, "dialect": "postgres"})
    rows.append({"sql": "SELECT totl FROM invoices", "ddl": ddl, "dialect": "mysql"})
    Path("queries.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    said = farm("check", "queries.jsonl", "--json")
    assert said.code == Exit.PARTLY
    accepted = [verdict["accepted"] for verdict in said.json_lines]
    assert accepted == [bool(number % 3) for number in range(200)] + [True, False]


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no query"),
        (GOOD, "which target is it for"),
        ('{"sql": "SELECT 1"}', "which target is it for"),
        ('{"sql": "SELECT 1", "target": "shop"}\n{"sql": 7}', "line 2 holds no query"),
        ('{"sql": "SELECT 1", "target": "shop"}\n{"sql": "S', "line 2 is no JSON"),
        ('{"sql": ' + "[" * 100_000, "line 1 is no JSON"),
        ('{"sql": "SELECT 1", "target": "nowhere"}', "nowhere"),
        ('{"sql": "SELECT 1", "target": ["shop"]}', 'line 1: the target ["shop"] is no name'),
        ('{"sql": "SELECT 1", "table": "shop"}', "line 1: there is no field table"),
        ('{"sql": "SELECT 1", "ddl": "CREATE TABLE t (a int)"}', "line 1: ddl needs a dialect"),
        ('{"sql": "SELECT 1", "ddl": "CREATE TABLE t (a int)", "dialect": "cobol"}', "line 1: ddl needs"),
        (2 * '{"sql": "SELECT 1", "ddl": "CREATE TABLE (((", "dialect": "sqlite"}\n', "line 1: "),
    ],
)
def test_input_that_cannot_be_read_says_where(farm: Run, text: str, words: str) -> None:
    said = farm("check", "-", stdin=text)
    assert said.code == Exit.MISUSE
    assert words in said.err
    assert "never retrieved" not in said.err


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("text", ['{"sql": "SELECT \'a\u2028b\x85c\'", "target": "shop"}', GOOD])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_line_ends_at_its_line_end_and_a_byte_order_mark_is_no_part_of_it(
    farm: Run, text: str, mark: str
) -> None:
    Path("query").write_text(mark + text, "utf-8")
    said = farm("check", "--target", "shop", "--json", "query")
    (verdict,) = said.json_lines
    assert {finding["code"] for finding in verdict["findings"]} <= {"odd_character"}
    assert "U+FEFF" not in said.out


@pytest.mark.skipif(sys.platform == "win32", reason="an embedded Postgres needs unix sockets")
@pytest.mark.usefixtures("opened")
def test_a_schema_in_a_file_will_do_and_postgres_is_asked_by_itself(farm: Run) -> None:
    Path("books.sql").write_text("CREATE TABLE books (id integer, price numeric)")
    words = ("check", "--ddl", "books.sql", "--dialect", "postgres", "--json", "-")
    (verdict,) = farm(*words, stdin="SELECT sum(price) FROM books").json_lines
    assert (verdict["accepted"], verdict["findings"]) == (True, [])
    assert verdict["dry_run"].startswith("postgres")
    said = farm(*words, stdin="SELECT price FROM books ORDER BY id::text COLLATE german")
    assert (said.code, said.json_lines[0]["findings"][0]["code"]) == (Exit.PARTLY, "engine_refused")
    assert "--ddl and --dialect go together" in farm("check", "--ddl", "books.sql", "-", stdin=GOOD).err
    said = farm("check", "--ddl", "books.sql", "--dialect", "oracle", "-", stdin=GOOD).err
    assert "there is no dialect 'oracle' here" in said


@pytest.mark.usefixtures("opened")
def test_a_file_that_is_not_there_is_named(farm: Run) -> None:
    said = farm("check", "--target", "shop", "nowhere.sql")
    assert (said.code, "nowhere.sql" in said.err) == (Exit.MISUSE, True)


def test_a_query_is_checked_from_python(opened: Farm) -> None:
    assert public.check(GOOD, opened.target("shop")).accepted
    given = Target(name="given", dialect="duckdb", ddl="CREATE TABLE t (a int)")
    verdict = public.check("SELECT b FROM t", given)
    assert (verdict.accepted, verdict.findings[0].code) == (False, "unknown_column")


def test_a_query_that_hangs_or_crashes_the_parser_is_a_verdict(opened: Farm) -> None:
    verdict = public.check("SELECT * FROM " + "(" * 16_000, opened.target("shop"))
    assert not verdict.accepted
