"""Ctrl-C does not wait until everything has started."""

import sys

import pytest
from support.cli import Cli, interrupt, wait_until
from support.llm import StubLLM

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals a process group")


@pytest.mark.parametrize("moment", ["redis.sock", "spawn_main", "farm.checker.process"])
def test_ctrl_c_while_the_farm_starts_ends_it_without_a_traceback(
    farm: Cli, llm: StubLLM, moment: str
) -> None:
    process = farm.with_settings(FARM_WORKERS="2").start("workers")
    wait_until(lambda: any(moment in command for command in farm.processes()), moment)
    interrupt(process)
    _, err = process.communicate(timeout=20)
    assert "Traceback" not in err
    assert "KeyboardInterrupt" not in err
    wait_until(lambda: not farm.processes(), "no process is left", timeout_seconds=20)
