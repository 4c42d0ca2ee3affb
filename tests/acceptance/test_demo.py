"""The demonstration, answered by a stub that knows the gold queries, and the farm's own small model."""

import re
import sqlite3
import urllib.error
import urllib.request

import pytest
from support.cli import Cli, interrupt, wait_until
from support.llm import Reply, StubLLM

from farm.demo.questions import questions

GOLD = {question.text: question.gold for question in questions()}


def test_the_demonstration_is_interrupted_goes_on_grades_itself_and_redoes_nothing(
    farm: Cli, llm: StubLLM
) -> None:
    llm.script = {text: Reply(text=gold, delay_seconds=60) for text, gold in GOLD.items()}
    first = farm.start("demo")
    wait_until(lambda: llm.in_flight or first.poll() is not None, "questions are asked")
    interrupt(first)
    _, err = first.communicate(timeout=20)
    assert first.returncode == 130, err
    assert "start the demo again and it goes on from here" in err
    wait_until(lambda: not farm.processes(), "no process is left", timeout_seconds=20)

    llm.script = GOLD
    second = farm("demo")
    assert second.code == 0, second.err
    assert "acceptance rate     100.0% (40 of 40)" in second.out
    assert "execution accuracy  100.0% (40 of 40" in second.out
    assert "state" in second.out  # no column of the table is cut off where there is no terminal
    assert second.out.count("accepted") >= 40
    assert "0 questions enqueued, 40 known from before" in second.err
    assert max(map(len, second.out.splitlines())) <= 100
    with sqlite3.connect(farm.home / "farm.db") as store:
        kept = dict(store.execute("SELECT question, sql FROM queries"))
    store.close()
    assert kept == GOLD

    asked = llm.calls.total()
    third = farm("demo")
    assert third.code == 0, third.err
    assert "nothing is asked or paid for again" in third.err
    assert llm.calls.total() == asked

    told = farm.folder / "told"
    with told.open("w") as written:
        stays = farm.with_settings(FARM_WEB="true", FARM_WEB_PORT="0").start("demo", "--stay", output=written)
        wait_until(lambda: "The farm is up" in told.read_text() or stays.poll() is not None, "it stays up")
        (address,) = re.findall(r"The farm is up, at (http://\S+);", told.read_text())
        wait_until(lambda: answers(address), "the pages answer")
        interrupt(stays)
        assert stays.wait(30) == 0, told.read_text()
    wait_until(lambda: not farm.processes(), "no process is left", timeout_seconds=20)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address + "/reports", timeout=10) as page:
            return "farm" in page.read().decode()
    except urllib.error.HTTPError:
        raise
    except OSError:
        return False


@pytest.mark.timeout(300)
def test_the_small_local_model_is_fetched_served_and_asked(lonely_farm: Cli) -> None:
    """Its SQL is poor, so only the plumbing is held: every answer is stored, every task settled."""
    farm = lonely_farm.with_settings(FARM_LOCAL_MODEL="smollm2", FARM_MAX_REPAIRS="0")
    (farm.folder / "shop.sql").write_text("CREATE TABLE orders (id integer PRIMARY KEY, total real)")
    assert farm("target", "add", "shop", "--dialect", "sqlite", "--ddl", "shop.sql").code == 0
    rows = '{"question": "How many orders are there?"}\n{"question": "What is the total of all orders?"}\n'
    assert farm("enqueue", "-", "--target", "shop", stdin=rows).code == 0
    worked = farm("workers", "--burst", timeout_seconds=280)
    assert worked.code == 0, worked.err
    assert "its SQL is poor" in worked.err
    status = farm("status", "--json").json
    assert status["calls"] == 2
    assert status["tasks"]["accepted"] + status["tasks"]["rejected"] == 2
    assert status["tokens"] > 0
