"""The real command in a process of its own: however it ends, nothing of it stays."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest
from support.llm import Reply
from support.store import opened
from support.yard import GOOD_SQL, wait_until

from farm.store import enqueue, status
from jobs.task import Task

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")

NEVER = Reply(text=GOOD_SQL, delay_seconds=300)


@contextmanager
def farm_at_work(home, llm):
    """`farm workers` with two workers and its embedded queue server, in a process group of its own."""
    llm.default = NEVER
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
    environment |= {
        "FARM_HOME": str(home),
        "FARM_WORKERS": "2",
        "FARM_CONCURRENCY": "2",
        "FARM_MODEL": "stub-model",
        "OPENAI_BASE_URL": llm.url,
        "OPENAI_API_KEY": "key",
    }
    with opened(f"sqlite:///{home / 'farm.db'}") as store:
        asked = [Task(question=f"Question {number}?", target="shop") for number in range(8)]
        enqueue.enqueue(store, [(task, "default") for task in asked])
        command = [sys.executable, "-c", "from farm.cli.main import main; main()", "workers"]
        with (home / "output").open("wb") as output:
            farm = subprocess.Popen(
                command, env=environment, cwd=home, stdout=output, stderr=output, start_new_session=True
            )
        try:
            yield store, farm
        finally:
            for process in descendants(farm.pid):
                process.kill()
            farm.kill()
            farm.wait()


def descendants(pid):
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def left(processes):
    """Those that still run; one that nobody has reaped yet does not."""
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def counts(store):
    with store.read() as connection:
        return {state: count for state, count in status.tasks_by_state(connection).items() if count}


def test_nothing_is_left_when_the_farm_is_killed(tmp_path, llm):
    with farm_at_work(tmp_path, llm) as (store, farm):
        wait_until(lambda: llm.in_flight == 4, "four calls", seconds=60)
        processes = descendants(farm.pid)
        commands = [" ".join(process.cmdline()) for process in processes]
        assert sum("valkey-server" in command or "redis-server" in command for command in commands) == 1
        assert sum("farm.checker.process" in command for command in commands) == 2
        assert sum("spawn_main" in command for command in commands) >= 2
        farm.kill()
        wait_until(lambda: not left(processes), "every process to end", seconds=15)
        assert counts(store) == {"leased": 4, "queued": 4}


def test_ctrl_c_in_the_terminal_ends_everything_without_a_traceback(tmp_path, llm):
    with farm_at_work(tmp_path, llm) as (store, farm):
        wait_until(lambda: llm.in_flight == 4, "four calls", seconds=60)
        processes = descendants(farm.pid)
        started = time.monotonic()
        os.killpg(farm.pid, signal.SIGINT)
        time.sleep(0.3)  # as fast as a finger
        os.killpg(farm.pid, signal.SIGINT)
        farm.wait(30)
        assert time.monotonic() - started < 10
        assert left(processes) == []
        assert counts(store) == {"queued": 8}
        assert "Traceback" not in (tmp_path / "output").read_text()


def test_ctrl_c_while_the_workers_start_ends_everything_without_a_traceback(tmp_path, llm):
    with farm_at_work(tmp_path, llm) as (store, farm):
        wait_until(
            lambda: sum("spawn_main" in " ".join(process.cmdline()) for process in descendants(farm.pid)),
            "the first worker to be started",
            seconds=60,
        )
        processes = descendants(farm.pid)
        os.killpg(farm.pid, signal.SIGINT)
        farm.wait(30)
        assert left(processes) == []
        assert counts(store) == {"queued": 8}
        assert "Traceback" not in (tmp_path / "output").read_text()
