"""Ctrl-C ends the program quietly, even while it is still being loaded."""

import io
import subprocess
import sys
from types import ModuleType

import pytest

from farm.cli import start


class Interrupted(ModuleType):
    """A module whose loading meets Ctrl-C."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


def test_ctrl_c_while_loading_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "farm.cli.main", Interrupted("farm.cli.main"))
    with pytest.raises(SystemExit) as end:
        start.main()
    assert end.value.code == 130


def test_the_program_is_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["farm", "--version"])
    with pytest.raises(SystemExit) as end:
        start.main()
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("farm ")


def test_closed_streams_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["farm", "enqueue", "-", "--format", "xml"])
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with pytest.raises(SystemExit) as end:
        start.main()
    assert end.value.code == 2
    assert sys.stdin.read() == ""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        stream.close()


def test_what_a_terminal_cannot_show_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    monkeypatch.setattr(sys, "argv", ["farm", "--help"])
    with pytest.raises(SystemExit) as end:
        start.main()
    assert end.value.code == 0
    assert rb"FARM_\u2026 variables" in shown.getvalue()


def test_it_can_be_run_as_a_module_and_loads_no_more_than_all_commands_need() -> None:
    words = (sys.executable, "-X", "importtime", "-m", "farm", "--version")
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.startswith("farm ")
    loaded = {line.rpartition("|")[2].strip() for line in said.stderr.splitlines()}
    assert "farm.cli.main" in loaded
    assert loaded.isdisjoint({"redis", "rq", "opentelemetry", "sqlglot", "alembic", "starlette", "openai"})
