"""Servers that the farm runs for itself: started, watched, restarted, ended."""

import os
import signal
import sys
import time

import psutil
import pytest
from support.llm import Reply
from support.yard import GOOD_SQL, wait_until

from farm.errors import Unavailable
from farm.watchdog.child import Service, ServiceChild
from farm.watchdog.runner import Runner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes with Unix signals")


def service(tmp_path, code: str, **changes) -> Service:
    chosen = {"name": "server", "ready": lambda: True, "log": tmp_path / "server.log"} | changes
    return Service(command=[sys.executable, "-c", code], **chosen)


def test_a_service_logs_to_its_file_and_tells_its_exit_code(tmp_path):
    child = ServiceChild(service(tmp_path, "import sys; print('said'); sys.exit('complained')"))
    wait_until(lambda: child.exit_code is not None, "it to end")
    assert child.exit_code == 1
    child.close()
    assert sorted((tmp_path / "server.log").read_text().split()) == ["complained", "said"]


def test_a_service_gets_its_environment_and_signals(tmp_path):
    waiting = "import os, signal; print(os.environ['FARM_TEST'], flush=True); signal.pause()"
    child = ServiceChild(service(tmp_path, waiting, environment={"FARM_TEST": "7"}))
    wait_until(lambda: (tmp_path / "server.log").read_text() == "7\n", "it to speak")
    child.send_signal(signal.SIGTERM)
    wait_until(lambda: child.exit_code is not None, "it to end")
    assert child.exit_code == -signal.SIGTERM
    child.send_signal(signal.SIGTERM)
    child.close()


def test_a_service_is_ready_once_and_for_all(tmp_path):
    answers = [False, True, False]
    child = ServiceChild(service(tmp_path, "import signal; signal.pause()", ready=lambda: answers.pop(0)))
    assert [child.is_ready, child.is_ready, child.is_ready] == [False, True, True]
    child.send_signal(signal.SIGKILL)
    child.close()


def test_a_queue_server_that_dies_is_started_again_and_nothing_is_lost(yard, monkeypatch):
    yard.ask(40, Reply(text=GOOD_SQL, delay_seconds=0.05))
    killed = []

    def until() -> bool:
        if not killed and yard.states()["accepted"] >= 8:
            (server,) = (c for c in psutil.Process().children() if c.pid in served())
            killed.append(server.pid)
            os.kill(server.pid, signal.SIGKILL)
        return yard.all_in("accepted")

    with Runner(yard.settings(redis_url=None, concurrency=4), yard.store) as runner:

        def served() -> set[int]:
            return {child.pid for child in runner._watchdog.children if child.name == "valkey"}

        assert runner.work(until=until)
        assert served() not in (set(), set(killed))
    assert len(yard.queries()) == 40
    assert set(yard.llm.calls.values()) == {1}


def test_a_queue_server_that_does_not_start_is_told_with_its_last_words(yard, monkeypatch):
    words = [sys.executable, "-c", "import sys; sys.exit('no room for my socket')"]
    monkeypatch.setattr("farm.watchdog.runner.valkey.command", lambda *_: words)
    started = time.monotonic()
    with (
        pytest.raises(
            Unavailable, match=r"valkey does not start; .*valkey\.log says why: no room for my socket"
        ),
        Runner(yard.settings(redis_url=None), yard.store),
    ):
        pass
    assert time.monotonic() - started < 10


def test_two_farms_of_one_home_share_its_queue_server(yard):
    settings = yard.settings(redis_url=None)
    with Runner(settings, yard.store) as first, Runner(settings, yard.store) as second:
        assert first.redis_url == second.redis_url
        assert len(first._watchdog.children) == 1
        assert second._watchdog.children == []
