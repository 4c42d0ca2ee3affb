"""`farm export`: accepted queries as a file for other tools."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import Ended

Run = Callable[..., Ended]
SQL = "SELECT customer, total FROM orders ORDER BY id"
pytestmark = pytest.mark.usefixtures("worked")


def test_lines_of_json_go_to_standard_output(farm: Run) -> None:
    said = farm("export")
    assert [query["sql"] for query in said.json_lines] == [SQL]
    assert said.err == "1 query written\n"


def test_a_file_gets_the_format_of_its_name(farm: Run) -> None:
    assert farm("export", "-o", "queries.csv").out == ""
    (row,) = csv.DictReader(io.StringIO(Path("queries.csv").read_text("utf-8")))
    assert (row["id"], row["target"], row["sql"]) == ("1", "shop", SQL)
    assert farm("export", "-o", "queries.jsonl").code == 0
    assert json.loads(Path("queries.jsonl").read_text("utf-8"))["sql"] == SQL


def test_what_is_exported_can_be_narrowed(farm: Run) -> None:
    assert farm("export", "--search", "nothing such").out == ""
    assert farm("export", "--target", "elsewhere", "--format", "csv").out.startswith("id,task_id,question")


def test_a_format_that_is_not_there_is_refused(farm: Run) -> None:
    said = farm("export", "-o", "queries.xlsx")
    assert (said.code, said.err) == (2, "farm: there is no format 'xlsx'; use csv or jsonl\n")
    assert not Path("queries.xlsx").exists()


def test_a_file_that_cannot_be_written_is_named_and_not_left_half_done(farm: Run) -> None:
    said = farm("export", "-o", "no/such/folder/queries.csv")
    assert said.code == 2
    assert said.err == "farm: no/such/folder/queries.csv cannot be written (No such file or directory)\n"
