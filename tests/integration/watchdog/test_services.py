"""Servers that the farm runs for itself: started, watched, restarted, ended."""

import os
import signal
import sys
import time
import urllib.request

import psutil
import pytest
from support.llm import Reply
from support.yard import GOOD_SQL, wait_until

from farm.errors import Unavailable
from farm.queue.connection import connect
from farm.services import valkey
from farm.watchdog.child import Service, ServiceChild
from farm.watchdog.policy import Policy
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


def test_a_service_is_ready_when_its_probe_says_so_and_pulses_from_then_on(tmp_path, monkeypatch):
    monkeypatch.setattr("farm.watchdog.child.PROBE_SECONDS", 0.05)
    answers = [False, False]
    code = "import signal; signal.pause()"
    child = ServiceChild(service(tmp_path, code, ready=lambda: answers.pop() if answers else True))
    assert not child.is_ready
    assert child.messages() == []
    wait_until(lambda: child.is_ready, "it to be ready")
    assert answers == []
    for _ in range(3):
        wait_until(child.messages, "another pulse")
    child.send_signal(signal.SIGKILL)
    child.close()


def test_of_two_services_with_one_lock_the_second_takes_over_when_the_first_ends(tmp_path):
    code = "import signal; print('serving', flush=True); signal.pause()"
    options = {"lock": tmp_path / "lock"}
    first = ServiceChild(service(tmp_path, code, log=tmp_path / "first.log", **options))
    wait_until((tmp_path / "first.log").read_text, "the first to serve")
    second = ServiceChild(service(tmp_path, code, log=tmp_path / "second.log", **options))
    time.sleep(0.5)
    assert (tmp_path / "second.log").read_text() == ""
    first.send_signal(signal.SIGKILL)
    wait_until((tmp_path / "second.log").read_text, "the second to serve")
    second.send_signal(signal.SIGKILL)
    for child in (first, second):
        child.close()


def test_a_service_that_hangs_is_replaced(yard, work, monkeypatch):
    monkeypatch.setattr("farm.watchdog.child.PROBE_SECONDS", 0.2)
    monkeypatch.setattr("farm.watchdog.servers.SERVICE_SILENCE_SECONDS", 2.0)
    yard.ask(4, Reply(text=GOOD_SQL, delay_seconds=0.5))
    stopped = []

    def until() -> bool:
        if not stopped:
            (server,) = served()
            stopped.append(server)
            os.kill(server, signal.SIGSTOP)
        return yard.all_in("accepted") and not served() <= set(stopped)

    policy = Policy(kill_after_seconds=0.2)
    with Runner(yard.settings(redis_url=None), yard.store, policy=policy) as runner:

        def served() -> set[int]:
            return {child.pid for child in runner._watchdog.children if child.name == "valkey"}

        assert runner.work(until=until)


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


def test_pages_that_are_killed_come_back_and_the_work_goes_on(yard):
    yard.ask(12, Reply(text=GOOD_SQL, delay_seconds=0.2))
    killed: list[int] = []

    def until() -> bool:
        served = {child.pid for child in runner._watchdog.children if child.name == "pages"}
        if not killed and answers(address):
            killed.extend(served)
            os.kill(killed[0], signal.SIGKILL)
        return yard.all_in("accepted") and not served & set(killed) and answers(address)

    settings = yard.settings(web_port=0, database_url=None)
    with Runner(settings, yard.store) as runner:
        address = runner.serve_pages()
        assert runner.work(until=until)
    assert killed
    assert not answers(address), "the pages end with the farm"


def test_pages_that_cannot_start_never_end_the_farm(yard, monkeypatch):
    monkeypatch.setattr(
        "farm.services.pages.command", lambda *_: [sys.executable, "-c", "raise SystemExit(1)"]
    )
    ends = []
    policy = Policy(first_delay_seconds=0.01, most_delay_seconds=0.01, rest_seconds=0.01, give_up_per_slot=1)
    with Runner(yard.settings(web_port=0), yard.store, policy=policy) as runner:
        runner.serve_pages()
        slot = runner._watchdog._slots["pages"]

        def until() -> bool:
            ends[:] = slot.ends
            return len(ends) > 3 * policy.give_up_per_slot

        assert runner.work(until=until)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address + "/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_a_queue_server_that_does_not_start_is_told_with_its_last_words(yard, monkeypatch):
    words = [sys.executable, "-c", "import sys; sys.exit('no room for my socket')"]
    monkeypatch.setattr("farm.watchdog.servers.valkey.command", lambda *_: words)
    started = time.monotonic()
    with (
        pytest.raises(
            Unavailable, match=r"valkey does not start; .*valkey\.log says why: no room for my socket"
        ),
        Runner(yard.settings(redis_url=None), yard.store),
    ):
        pass
    assert time.monotonic() - started < 10


def test_two_farms_of_one_home_share_its_queue_server_and_the_second_takes_over(yard):
    settings = yard.settings(redis_url=None)
    with Runner(settings, yard.store) as first:
        second = Runner(settings, yard.store)
        second.__enter__()
        assert first.redis_url == second.redis_url
        server = connect(first.redis_url)
        serving = server.info("server")["process_id"]
        assert serving in {child.pid for child in first._watchdog.children}
    try:
        wait_until(lambda: valkey.answers(second.redis_url), "the second farm to serve the queue")
        assert server.info("server")["process_id"] in {child.pid for child in second._watchdog.children}
    finally:
        second.__exit__()
    server.close()
