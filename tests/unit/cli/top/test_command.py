"""`farm top`: a screen of its own on a terminal, lines elsewhere."""

import os
import re
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import pytest
from support.cli import Cli, Ended, wait_until
from support.terminal import terminal

from farm import Farm
from farm.cli.shared import console
from farm.cli.top.command import _screen
from farm.cli.top.keys import Key, keys
from farm.cli.top.watching import Watching
from farm.settings import Settings
from farm.store import workers

Run = Callable[..., Ended]
EVIL = "w[bold red]\x1b]0;title\x07\x1b[2J"
SHOWN = "w[bold red]\N{REPLACEMENT CHARACTER}]0;title\N{REPLACEMENT CHARACTER}"
ENTERED, LEFT, COLOUR = "\x1b[?1049h", "\x1b[?1049l", re.compile(r"\x1b\[[0-9;]*3[0-7]m")
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")


def add_worker(farm: Farm, slot: str) -> None:
    with farm.store.write() as connection:
        workers.register(connection, name=slot, slot=slot, host="here", pid=42, queue="default")


@on_posix
def test_a_terminal_shows_what_changes_until_ctrl_c(worked: Farm, home: Path) -> None:
    cli = Cli(folder=home.parent, settings={"FARM_HOME": str(home), "NO_COLOR": "1"})
    add_worker(worked, EVIL)
    worked.pause("default")
    with terminal("top", "--every", "0.5", folder=home.parent, environment=cli.environment) as seen:
        first = seen.wait_for("a task, from when asked")
        assert "1 waiting · 0 in work · 1 accepted · 1 rejected · 0 dead" in first
        assert "paused" in first
        assert SHOWN in first
        add_worker(worked, "newcomer")
        seen.wait_for("newcomer")
        seen.resize(120, 40)
        seen.wait_for("task 2  syntax  Nonsense [please]? (it does not parse)")
        seen.type(b"\x03")
        assert seen.ended() == 0
        assert seen.written.index(ENTERED) < seen.written.index(LEFT)
        assert seen.written.endswith(LEFT)
        assert "\x1b]" not in seen.written
        assert "\x1b[2J" not in seen.written
        assert not COLOUR.search(seen.written)
        assert seen.restored()


@on_posix
@pytest.mark.parametrize(("typed", "read"), [(b"q", "q"), (b"", "")])
def test_single_keys_are_read_and_not_echoed(
    monkeypatch: pytest.MonkeyPatch, typed: bytes, read: str
) -> None:
    keyboard, screen = os.openpty()
    with open(screen, closefd=True) as stdin, keys_of(monkeypatch, stdin) as key:
        os.write(keyboard, typed)
        assert key(5.0 if typed else 0.0) == read
        os.set_blocking(keyboard, False)
        with pytest.raises(BlockingIOError):
            os.read(keyboard, 1)
    os.close(keyboard)


def keys_of(monkeypatch: pytest.MonkeyPatch, stdin: IO[str]) -> AbstractContextManager[Key]:
    monkeypatch.setattr(sys, "stdin", stdin)
    return keys()


def test_a_store_that_is_away_is_told_and_tried_again(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"postgresql://farm:hidden-password@127.0.0.1:{taken.getsockname()[1]}/farm"
        settings = Settings.load(home=home, database_url=url)
        with Watching(settings, hours=24, every_seconds=0.1) as watching:
            wait_until(lambda: watching.latest().trouble, "the trouble")
            first = watching.latest()
            wait_until(lambda: watching.latest() is not first, "another try")
    with console.capture() as captured:
        console.print(_screen(first, 60, 24, 24, 0.1))
    said = " ".join(captured.get().split())
    assert "cannot be reached" in said
    assert said.endswith("check FARM_DATABASE_URL; trying again")
    assert "hidden-password" not in said


def test_elsewhere_it_is_printed_once(farm: Run, worked: Farm) -> None:
    add_worker(worked, EVIL)
    said = farm("top")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("1 waiting · 0 in work · 1 accepted · 1 rejected · 0 dead\n\nqueue\tmodel\t")
    assert f"\n{SHOWN}" in said.out
    assert "\ntask 2\tsyntax\tNonsense [please]? (it does not parse)\n" in said.out
    assert "\x1b" not in said.out


def test_a_wrong_setting_is_told_at_once(farm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARM_DATABASE_URL", "mysql://host/farm")
    assert farm("top").code == 2
