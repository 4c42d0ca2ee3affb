"""However the farm is stopped, nothing is left behind and the next run goes on where it was."""

import signal
import subprocess

import pytest
from support.cli import Cli, interrupt, wait_until
from support.llm import Reply, StubLLM

from farm import Farm, Task

QUESTIONS = 6
SLOW = Reply(delay_seconds=60.0)


@pytest.fixture
def busy_farm(farm: Cli, llm: StubLLM) -> Cli:
    """A farm with work whose model is slow for now."""
    llm.default = SLOW
    with Farm.connect(home=farm.home) as opened:
        opened.add_target("shop", dialect="sqlite", ddl="CREATE TABLE orders (id integer PRIMARY KEY)")
        opened.enqueue(Task(question=f"Question {number}?", target="shop") for number in range(QUESTIONS))
    return farm.with_settings(FARM_WORKERS="1", FARM_GRACE_SECONDS="0.5")


def start_and_wait_for_work(farm: Cli, llm: StubLLM, *words: str) -> "subprocess.Popen[str]":
    process = farm.start(*words)
    wait_until(lambda: llm.in_flight or process.poll() is not None, "tasks are in flight")
    assert process.poll() is None, process.communicate()
    return process


def go_on(farm: Cli, llm: StubLLM) -> None:
    """The next run finishes everything, each task once."""
    llm.default = "SELECT 1"
    before = llm.answered.total()
    worked = farm("workers", "--burst")
    assert worked.code == 0, worked.err
    assert farm("status", "--json").json["tasks"]["accepted"] == QUESTIONS
    assert llm.answered.total() - before == QUESTIONS


def test_ctrl_c_ends_the_workers_and_the_next_run_goes_on(busy_farm: Cli, llm: StubLLM) -> None:
    process = start_and_wait_for_work(busy_farm, llm, "workers", "--burst")
    interrupt(process)
    out, err = process.communicate(timeout=15)
    assert process.returncode == 130, err
    assert out == ""
    assert "stopped before the end" in err
    assert "Traceback" not in err
    wait_until(lambda: not busy_farm.processes(), "no process is left", timeout_seconds=20)
    go_on(busy_farm, llm)


def test_a_second_ctrl_c_does_not_wait_for_the_grace_period(busy_farm: Cli, llm: StubLLM) -> None:
    process = start_and_wait_for_work(busy_farm.with_settings(FARM_GRACE_SECONDS="120"), llm, "up")
    interrupt(process)
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=1.5)
    interrupt(process)
    _, err = process.communicate(timeout=15)
    assert process.returncode == 0, err
    assert "Traceback" not in err


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_supervising_process_ends_all_others(
    busy_farm: Cli, llm: StubLLM, how: signal.Signals
) -> None:
    process = start_and_wait_for_work(busy_farm, llm, "up")
    assert len(busy_farm.processes()) >= 3, "the command, its queue server and a worker"
    process.send_signal(how)
    process.communicate(timeout=15)
    wait_until(lambda: not busy_farm.processes(), "no process is left", timeout_seconds=10)
    if how is signal.SIGKILL:
        go_on(busy_farm, llm)


def test_a_killed_worker_loses_and_doubles_nothing(busy_farm: Cli, llm: StubLLM) -> None:
    process = start_and_wait_for_work(busy_farm, llm, "workers", "--burst")
    (worker,) = busy_farm("status", "--json").json["workers"]
    llm.default = "SELECT 1"
    subprocess.run(["kill", "-9", str(worker["pid"])], check=True)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert len(busy_farm("queries", "--json").json_lines) == QUESTIONS
