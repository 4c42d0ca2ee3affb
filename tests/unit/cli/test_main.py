"""The frame of the command line: help that teaches, exit codes, settings that are wrong."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import Ended

from farm import __version__
from farm.cli.shared import Exit
from farm.errors import Unavailable
from farm.store import revision

Run = Callable[..., Ended]


def test_help_names_every_exit_code_and_how_to_start(farm: Run) -> None:
    said = farm("--help")
    assert said.code == 0
    for code in Exit:
        assert f" {code.value} " in said.out
    for command in ("farm demo", "farm target add", "farm enqueue", "farm up", "farm queries", "farm doctor"):
        assert command in said.out


@pytest.mark.parametrize(
    "words", [("enqueue",), ("show", "one"), ("tasks", "--limit", "0"), ("no-such-command",)]
)
def test_a_wrong_call_shows_how_it_is_called(farm: Run, words: tuple[str, ...]) -> None:
    said = farm(*words)
    assert (said.code, said.out) == (Exit.MISUSE, "")
    assert "Usage: farm" in said.err


def test_the_version_is_told(farm: Run) -> None:
    assert farm("--version").out == f"farm {__version__}\n"


def test_a_wrong_setting_is_told_in_one_line(farm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARM_WORKERS", "many")
    said = farm("status")
    assert (said.code, said.out) == (Exit.MISUSE, "")
    assert "workers" in said.err.lower()
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("shop", "FARM_DATABASE_URL is no database URL"),
        ("mysql://u:topsecret@host/d", "the store is SQLite or PostgreSQL"),
        ("sqlite:////dev/null/farm.db", "/dev/null"),
    ],
)
def test_a_store_that_cannot_be_is_told_in_one_line(
    farm: Run, monkeypatch: pytest.MonkeyPatch, url: str, reason: str
) -> None:
    monkeypatch.setenv("FARM_DATABASE_URL", url)
    said = farm("status")
    assert (said.code, said.out) == (Exit.MISUSE, "")
    assert reason in said.err
    assert "topsecret" not in said.err
    assert len(said.err.splitlines()) == 1


def test_a_file_that_is_no_store_is_told_in_one_line(farm: Run, home: Path) -> None:
    home.mkdir()
    (home / "farm.db").write_text("this is no database, but long enough to look like one" * 100)
    said = farm("status")
    assert said.code == Exit.MISUSE
    assert "no SQLite database" in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("show", "99999999999999999999"),
        ("run", "99999999999999999999"),
        ("run", "1", "--timeout", "inf"),
        ("queries", "--limit", "99999999999999999999"),
        ("tasks", "--batch", "99999999999999999999"),
        ("cancel", "99999999999999999999"),
        ("cancel", "--task", "99999999999999999999"),
        ("requeue", "99999999999999999999"),
        ("requeue", "--batch", "99999999999999999999"),
    ],
)
def test_a_number_beyond_all_bounds_is_refused(farm: Run, words: tuple[str, ...]) -> None:
    said = farm(*words)
    assert (said.code, said.out) == (Exit.MISUSE, "")
    assert "less than or equal to" in said.err


def test_words_that_are_no_text_are_told_in_one_line(farm: Run) -> None:
    said = farm("target", "show", "sh\udcffop")
    assert (said.code, said.err) == (
        Exit.MISUSE,
        "farm: 'sh\\udcffop' is no UTF-8 text; write it anew, or check the terminal's encoding\n",
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_behind_standard_output_is_told(farm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        said = farm("status")
    assert said.code == Exit.TROUBLE
    assert said.err == "farm: standard output cannot be written (No space left on device)\n"


def test_trouble_with_a_server_has_a_code_of_its_own(farm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: object) -> None:
        raise Unavailable("the server is [away]")

    monkeypatch.setattr("farm.cli.shared.Settings.load", away)
    said = farm("status")
    assert (said.code, said.err) == (Exit.TROUBLE, "farm: the server is [away]\n")


def test_a_store_is_made_once(farm: Run, home: Path) -> None:
    assert farm("migrate").out.endswith(f"farm.db: revision none to {revision.head()}\n")
    assert farm("migrate").out.endswith(f"farm.db is at revision {revision.head()} already\n")


def test_a_queue_is_scaled_and_goes_back_to_its_settings(farm: Run) -> None:
    assert farm("scale", "default=8").out == "queue default: 8 workers\n"
    assert json.loads(farm("status", "--json").out)["queues"][0]["scale"] == 8
    assert farm("scale", "default=").out == "queue default: workers as its settings say\n"
    assert json.loads(farm("status", "--json").out)["queues"][0]["scale"] is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("default", "'default' names no queue with a number; write default=8"),
        ("=8", "'=8' names no queue with a number; write default=8"),
        ("default=-1", "'default=-1' names no queue with a number; write default=8"),
        ("default=many", "'default=many' names no queue with a number; write default=8"),
        ("default=513", "513 workers for queue default: from 0 to 512 can be run"),
        ("elsewhere=2", "there is no queue 'elsewhere'; queues are default"),
    ],
)
def test_a_scale_that_makes_no_sense_changes_nothing(farm: Run, asked: str, said: str) -> None:
    found = farm("scale", "default=3", asked)
    assert (found.code, found.err) == (Exit.MISUSE, f"farm: {said}\n")
    assert json.loads(farm("status", "--json").out)["queues"][0]["scale"] is None


def test_a_queue_is_paused_and_goes_on(farm: Run) -> None:
    assert farm("pause").out == "queue default is paused; `farm resume default` goes on\n"
    assert farm("resume").out == "queue default runs\n"
    said = farm("pause", "elsewhere")
    assert (said.code, said.err) == (2, "farm: there is no queue 'elsewhere'; queues are default\n")
