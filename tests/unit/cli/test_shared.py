"""What commands print for scripts and for people."""

import io
import json
import os
import signal
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from farm.cli.shared import counted, json_line, output, plain, program, unwrapped, usd
from farm.store.results import Progress


def test_everything_a_database_gives_can_be_printed_as_json() -> None:
    values = [datetime(2025, 1, 2, tzinfo=UTC), Decimal("1.5"), b"\xff", float("nan"), {1: (None, True)}]
    text = json.dumps(plain(values), allow_nan=False)
    assert json.loads(text) == ["2025-01-02T00:00:00+00:00", 1.5, "ff", "nan", {"1": [None, True]}]


@pytest.mark.parametrize(("encoding", "line"), [("utf-8", '"für"\n'), ("latin-1", '"f\\u00fcr"\n')])
def test_json_is_written_in_characters_that_any_reader_takes(
    monkeypatch: pytest.MonkeyPatch, encoding: str, line: str
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert json_line("für") == line


def test_a_value_of_ours_is_printed_by_its_fields() -> None:
    assert plain(Progress(total=3))["total"] == 3


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [(1, "query", "1 query"), (2, "query", "2 queries"), (0, "task", "0 tasks"), (1200, "row", "1,200 rows")],
)
def test_counts_read_as_english(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text


def test_a_cost_without_a_price_is_nothing() -> None:
    assert (usd(None), usd(0.0), usd(1234.5)) == ("", "$0.0000", "$1,234.5000")


def test_help_paragraphs_are_unwrapped_and_examples_are_not() -> None:
    assert unwrapped("One\ntwo.\n\n  a\n  b\n\nThree\nfour.") == "One two.\n\n  a\n  b\n\nThree four."


def test_commands_to_copy_name_the_program_as_it_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    for called, name in ((".venv/bin/farm", ".venv/bin/farm"), ("/x/farm/__main__.py", "farm")):
        monkeypatch.setattr(sys, "argv", [called])
        assert program() == name
    monkeypatch.setenv("PATH", "/opt/bin")
    monkeypatch.setattr(sys, "argv", ["/opt/bin/farm"])
    assert program() == "farm"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a word")
def test_a_file_that_is_being_written_is_cleared_away_by_sigterm(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), output(tmp_path / "file"):
        os.kill(os.getpid(), signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before
