"""`farm status`, `farm tasks`: how everything stands."""

import json
import re
from collections.abc import Callable

import pytest
from support.cli import Ended

from farm import Farm
from farm.cli.standing import duration
from farm.queue.connection import connect
from farm.store import workers

Run = Callable[..., Ended]


def test_an_empty_farm_stands_still(farm: Run) -> None:
    out = farm("status").out
    assert out.startswith(
        "tasks   0 queued · 0 leased · 0 accepted · 0 rejected · 0 dead\nspent   0 model calls"
    )
    assert "no worker is alive; `farm up` starts some" in out
    assert farm("tasks").out == "no task matches\n"
    assert farm("scale", "default=0").code == 0
    assert "all queues are scaled to 0" in farm("status").out


def test_status_counts_tasks_spending_and_queues(farm: Run, worked: Farm) -> None:
    said = farm("status")
    assert "tasks   1 queued · 0 leased · 1 accepted · 1 rejected · 0 dead" in said.out
    assert "spent   2 model calls · 220 tokens · $1.0000" in said.out
    assert "default\t1\t0 s\truns" in said.out
    assert "`farm tasks --state rejected`" in said.err
    worked.pause("default")
    assert re.search(r"default\t1\t\d+ s\tpaused", farm("status").out)


def test_status_for_scripts_keeps_its_shape(farm: Run, worked: Farm) -> None:
    status = farm("status", "--json").json
    assert status["tasks"] == {"queued": 1, "leased": 0, "accepted": 1, "rejected": 1, "dead": 0}
    (queue,) = status["queues"]
    assert (queue["name"], queue["depth"], queue["paused"]) == ("default", 1, False)
    assert status["workers"] == []
    assert status["cost_usd"] == 1.0


def test_a_worker_is_listed_by_its_slot(farm: Run, opened: Farm) -> None:
    with opened.store.write() as connection:
        workers.register(
            connection, name="default-1.box.77-1-ab", slot="default-1", host="box", pid=77, queue="default"
        )
    (line,) = [line for line in farm("status").out.splitlines() if "box" in line]
    assert line.split("\t")[:3] == ["default-1", "box", "77"]
    (worker,) = farm("status", "--json").json["workers"]
    assert worker["name"] == "default-1.box.77-1-ab"


@pytest.mark.usefixtures("worked")
def test_tasks_are_listed_newest_first_with_their_reasons(farm: Run) -> None:
    header, *rows = farm("tasks").out.splitlines()
    assert header.split("\t") == ["id", "state", "target", "question", "reason"]
    assert [row.split("\t")[:2] for row in rows] == [["3", "queued"], ["2", "rejected"], ["1", "accepted"]]
    assert rows[1].endswith("Nonsense [please]?\tsyntax: it does not parse")


@pytest.mark.usefixtures("worked")
def test_tasks_can_be_narrowed(farm: Run) -> None:
    def ids(*words: str) -> list[int]:
        return [task["task_id"] for task in farm("tasks", "--json", *words).json_lines]

    assert ids("--state", "rejected") == [2]
    assert ids("--batch", "1", "--limit", "1") == [3]
    assert ids("--batch", "2") == []
    assert ids("--target", "shop") == [3, 2, 1]
    assert ids("--target", "elsewhere") == []


def test_an_unknown_state_is_refused_with_those_there_are(farm: Run) -> None:
    said = farm("tasks", "--state", "lost")
    assert said.code == 2
    assert "'queued'" in said.err


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (200_000, "2 d")]
)
def test_time_spans_are_told_in_their_largest_sensible_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.usefixtures("opened")
def test_what_was_set_aside_in_redis_is_told(
    farm: Run, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert json.loads(farm("status", "--json").out)["set_aside"] is None, "there is no server yet"
    monkeypatch.setenv("FARM_REDIS_URL", redis_url)
    assert json.loads(farm("status", "--json").out)["set_aside"] == 0
    connection = connect(redis_url)
    connection.rpush("farm:refused", "junk", "more junk")
    connection.close()
    assert json.loads(farm("status", "--json").out)["set_aside"] == 2
    assert "2 things in Redis could not be used" in farm("status").err
    monkeypatch.setenv("FARM_REDIS_URL", "redis://127.0.0.1:1/0")
    assert json.loads(farm("status", "--json").out)["set_aside"] is None
