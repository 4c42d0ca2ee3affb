"""What a log line holds, and what it never does; each case in a process of its own, as logging is global."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from farm import logs
from farm.errors import BadSetting

BEGIN = """
import logging, sys
from pathlib import Path
import structlog
from farm import logs
log = structlog.stdlib.get_logger("farm.test")
plain = logging.getLogger("farm.plain")
"""


def run(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def lines(program: str, **environment: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(program, **environment).splitlines()]


def test_off_a_terminal_each_line_is_json_with_worker_task_and_attempt():
    program = """
logs.configure(level="INFO", format="auto", worker="default-1")
log.info("ready")
with structlog.contextvars.bound_contextvars(task=7, attempt=2):
    log.warning("settled", state="accepted", odd="Ærø \\n 🛒")
    plain.warning("waiting for %s", "the store")
log.info("idle")
log.debug("too fine")
"""
    ready, settled, waiting, idle = lines(program)
    assert (ready["event"], ready["level"], ready["logger"], ready["worker"]) == (
        "ready",
        "info",
        "farm.test",
        "default-1",
    )
    assert ready["timestamp"].endswith("Z")
    assert (settled["task"], settled["attempt"], settled["worker"]) == (7, 2, "default-1")
    assert (settled["state"], settled["odd"]) == ("accepted", "Ærø \n 🛒")
    assert (waiting["event"], waiting["logger"], waiting["task"]) == (
        "waiting for the store",
        "farm.plain",
        7,
    )
    assert "task" not in idle
    assert "attempt" not in idle


def test_tasks_in_flight_do_not_mix_their_names():
    program = """
import asyncio
logs.configure(level="INFO", format="json", worker="w")
async def work(task):
    with structlog.contextvars.bound_contextvars(task=task):
        await asyncio.sleep(0.01 * (5 - task))
        log.info("done", same=task)
async def main():
    await asyncio.gather(*(work(task) for task in range(5)))
asyncio.run(main())
"""
    found = lines(program)
    assert len(found) == 5
    assert all(line["task"] == line["same"] for line in found)


def test_an_error_is_one_line_with_its_traceback():
    program = """
logs.configure(level="INFO", format="json")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("failed")
    plain.exception("failed too")
"""
    for line in lines(program):
        assert "ZeroDivisionError" in line["exception"]


def test_for_people_the_format_is_plain_text():
    shown = run('logs.configure(level="INFO", format="console", worker="w1"); log.info("ready", task=7)')
    assert "ready" in shown
    assert "worker=w1" in shown
    assert "\x1b" not in shown, "no colours off a terminal"


def test_a_log_file_is_made_with_its_folder_and_appended_to(tmp_path: Path):
    path = tmp_path / "logs" / "farm.log"
    for number in (1, 2):
        assert not run(
            f"logs.configure(level='INFO', format='auto', path=Path({str(path)!r})); log.info('{number}')"
        )
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()] == ["1", "2"]


@pytest.mark.skipif(sys.platform == "win32", reason="no open file can be moved there")
def test_a_log_file_that_was_moved_away_is_begun_anew(tmp_path: Path):
    path = tmp_path / "farm.log"
    said = run(f"""
path = Path({str(path)!r})
import os; os.umask(0)
logs.configure(level='INFO', format='json', path=path)
log.info('first')
path.rename(path.with_suffix('.1'))
log.info('second')
path.unlink()
path.mkdir()
log.info('nowhere')
path.rmdir()
log.info('third')
""")
    assert "IsADirectoryError" in said
    assert "first" in path.with_suffix(".1").read_text()
    assert "third" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_file_that_cannot_be_written_is_a_bad_setting(tmp_path: Path):
    with pytest.raises(BadSetting, match=r"log_file: .* cannot be written"):
        logs.configure(level="INFO", format="auto", path=tmp_path)


def test_configuring_twice_logs_once():
    program = "for _ in range(3): logs.configure(level='INFO', format='json')\nlog.info('once')"
    assert len(lines(program)) == 1


SECRET = "sk-planted-hush"


def test_chatty_libraries_stay_silent_even_when_debugging():
    program = """
logs.configure(level="DEBUG", format="json")
for name in logs.CHATTY:
    logging.getLogger(name).debug("Request options: %s", {"Authorization": "Bearer sk-planted-hush"})
    logging.getLogger(name + ".deeper").info("sk-planted-hush")
log.debug("ours")
"""
    assert [line["event"] for line in lines(program)] == ["ours"]


LEAKY = """
import os
from datetime import UTC, datetime
from farm import Farm, Settings
from farm.store import tasks
from farm.store.engine import Store
from farm.targets.target import Target

hush = os.environ["OPENAI_API_KEY"]
logs.configure(level="DEBUG", format="json", worker="w1")

def attempt(what):
    try:
        what()
    except Exception as error:
        log.error("failed", error=str(error), exc_info=True)
        plain.exception("failed %r", error)
    else:
        raise SystemExit("nothing failed")

def save(farm):
    row = dict.fromkeys(("prompt_tokens", "completion_tokens", "latency_ms"), 1)
    row |= dict.fromkeys(("model", "finish_reason", "prompt_version", "prompt_hash"), "x")
    row |= dict(task_id=9, call_no=1, raw=hush, cost_usd=None, parameters={}, created_at=datetime.now(UTC))
    with farm.store.write() as connection:
        tasks.save_answers(connection, [row])

settings = Settings.load()
log.info("settings", settings=settings, pools=settings.all_pools(), targets=settings.targets)
log.info(str(settings))
log.info("target", target=Target(name="t", dialect="postgres", ddl="", url=f"postgresql://u:{hush}@h/d"))
attempt(lambda: Farm.connect(settings))
attempt(lambda: Settings.load(database_url=[hush]))
attempt(lambda: Store.open(f"mysql://u:{hush}@h/d"))
attempt(lambda: Farm.connect(settings.model_copy(update={"redis_url": settings.database_url})))
farm = Farm.connect(settings.model_copy(update={"database_url": None, "redis_url": None}))
attempt(lambda: farm.add_target("a", dialect="postgres", url=f"postgresql://u:{hush}@nowhere.invalid/d"))
attempt(lambda: farm.add_target("b", dialect="sqlite", url=f"mysql://u:{hush}@h/d"))
attempt(lambda: save(farm))
"""


def test_a_planted_secret_never_shows(tmp_path: Path):
    """Every way a secret could reach a line: settings, URLs in errors, parameters of a failed statement."""
    shown = run(
        LEAKY,
        FARM_HOME=str(tmp_path),
        FARM_DATABASE_URL=f"postgresql://u:{SECRET}@nowhere.invalid/farm",
        FARM_REDIS_URL=f"redis://:{SECRET}@nowhere.invalid/0",
        FARM_SCRATCH_POSTGRES_URL=f"postgresql://u:{SECRET}@nowhere.invalid/scratch",
        FARM_TARGETS__SHOP__URL=f"postgresql://u:{SECRET}@nowhere.invalid/shop",
        OPENAI_API_KEY=SECRET,
    )
    assert shown.count('"event": "failed"') == 7
    leaks = [shown[max(0, found.start() - 200) : found.end()] for found in re.finditer(SECRET, shown)]
    assert leaks == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such modes")
def test_a_new_log_file_is_its_owners_alone(tmp_path: Path):
    path = tmp_path / "logs" / "farm.log"
    run(f"import os; os.umask(0); logs.configure(level='INFO', format='json', path=Path({str(path)!r}))")
    assert (path.stat().st_mode & 0o077, path.parent.stat().st_mode & 0o077) == (0, 0)


@pytest.mark.parametrize("format", ["json", "console"])
def test_a_secret_is_hidden_wherever_it_was_logged(format: str):
    program = f"""
secret = 'sk-canary "quoted"/ü'
logs.configure(level="INFO", format={format!r}, secrets=[secret])
log.info(secret, key=secret, within={{"deep": [secret]}})
plain.warning("%s", secret)
try:
    raise ValueError(secret) from KeyError(secret)
except ValueError:
    log.exception("failed")
    plain.exception("failed")
logging.getLogger("rq.job").error("their %r", [secret])
"""
    said = run(program)
    assert "canary" not in said
    assert said.count("***") >= 9
