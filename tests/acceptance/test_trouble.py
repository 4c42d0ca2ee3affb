"""Whatever goes wrong, there is one clear line on standard error, an exit code, and nothing is lost."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support.cli import COMMAND, Cli, Ended
from support.llm import Fault, StubLLM

from farm import Farm, Task

DDL = "CREATE TABLE orders (id integer PRIMARY KEY, total real)"


@pytest.fixture
def ready_farm(farm: Cli) -> Cli:
    """A farm with one task that waits."""
    with Farm.connect(home=farm.home) as opened:
        opened.add_target("shop", dialect="sqlite", ddl=DDL)
        opened.enqueue([Task(question="How many?", target="shop")])
    return farm.with_settings(FARM_WORKERS="1", FARM_LOG_FILE=str(farm.folder / "log"))


def assert_one_clear_line(ended: Ended, code: int, *words: str) -> None:
    """The last line says what is wrong; only lines of progress may stand above it."""
    assert ended.code == code, ended
    assert ended.out == ""
    complaints = [line for line in ended.err.splitlines() if line.startswith("farm: ")]
    assert len(complaints) == 1, ended.err
    assert "Traceback" not in ended.err
    for word in words:
        assert word in complaints[0]


def assert_nothing_is_lost(farm: Cli, llm: StubLLM) -> None:
    """The task still waits, and is worked once nothing is in the way."""
    with Farm.connect(home=farm.home) as opened:
        assert opened.task(1).state == "queued"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.INVALID_KEY, ("refuses the key", "OPENAI_API_KEY")),
        (Fault.MODEL_NOT_FOUND, ("has no model 'stub-model'", "FARM_MODEL")),
        (Fault.QUOTA, ("quota", "add credit")),
    ],
)
def test_a_model_that_cannot_be_asked_stops_the_farm(
    ready_farm: Cli, llm: StubLLM, fault: Fault, words: tuple[str, ...]
) -> None:
    llm.default = fault
    assert_one_clear_line(ready_farm("workers", "--burst"), 3, *words)
    assert_nothing_is_lost(ready_farm, llm)


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        (
            {"FARM_REDIS_URL": "redis://127.0.0.1:1/0"},
            3,
            ("Redis at redis://127.0.0.1:1/0", "FARM_REDIS_URL"),
        ),
        ({"FARM_REDIS_URL": "http://x"}, 2, ("FARM_REDIS_URL is no Redis URL",)),
        ({"FARM_DATABASE_URL": "postgresql://u:topsecret@127.0.0.1:1/d"}, 3, ("cannot be reached",)),
        ({"FARM_LOCAL_MODEL": "none.gguf", "OPENAI_BASE_URL": ""}, 2, ("FARM_LOCAL_MODEL", "none.gguf")),
    ],
)
def test_a_setting_that_cannot_work_is_named(
    ready_farm: Cli, llm: StubLLM, settings: dict[str, str], code: int, words: tuple[str, ...]
) -> None:
    ended = ready_farm.with_settings(**settings)("workers", "--burst")
    assert_one_clear_line(ended, code, *words)
    assert "topsecret" not in ended.err
    assert_nothing_is_lost(ready_farm, llm)


def test_a_locked_store_is_named(ready_farm: Cli, llm: StubLLM) -> None:
    hurried = ready_farm.with_settings(FARM_BUSY_TIMEOUT_SECONDS="0.2")
    other = sqlite3.connect(ready_farm.home / "farm.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        ended = hurried("enqueue", "-", "--target", "shop", stdin='{"question": "One more?"}')
    finally:
        other.close()
    assert_one_clear_line(ended, 3, "farm.db", "locked by another program")
    assert_nothing_is_lost(ready_farm, llm)


def test_a_read_only_store_is_named(ready_farm: Cli, llm: StubLLM) -> None:
    url = f"sqlite:///file:{ready_farm.home / 'farm.db'}?mode=ro&uri=true"
    ended = ready_farm.with_settings(FARM_DATABASE_URL=url)(
        "enqueue", "-", "--target", "shop", stdin='{"question": "One more?"}'
    )
    assert_one_clear_line(ended, 2, "read-only")
    assert_nothing_is_lost(ready_farm, llm)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on the size of files")
def test_a_full_disk_is_named_and_nothing_is_half_enqueued(ready_farm: Cli, llm: StubLLM) -> None:
    def little_disk() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    rows = "".join(f'{{"question": "Number {number}?"}}\n' for number in range(5_000))
    ended = ready_farm("enqueue", "-", "--target", "shop", stdin=rows, preexec_fn=little_disk)
    assert_one_clear_line(ended, 3, "farm.db", "disk full", "Free some space")
    with Farm.connect(home=ready_farm.home) as opened:
        assert len(opened.tasks()) == 1
    assert_nothing_is_lost(ready_farm, llm)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_output_that_cannot_be_written_is_named(ready_farm: Cli) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "tasks"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=ready_farm.environment,
            cwd=ready_farm.folder,
            check=False,
        )
    assert done.returncode == 3
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_trouble(ready_farm: Cli) -> None:
    with Farm.connect(home=ready_farm.home) as opened:
        opened.enqueue(Task(question=f"{'Long? ' * 200}{number}", target="shop") for number in range(500))
    process = ready_farm.start("tasks", "--limit", "500")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 1
    assert err == ""


def test_the_doctor_names_what_is_wrong_and_hides_secrets(ready_farm: Cli, llm: StubLLM) -> None:
    llm.api_key = "right"
    (ready_farm.folder / "farm.toml").write_text('row_limit = 7\n[targets.shop]\nurl = "sqlite:///none.db"\n')
    sick = ready_farm.with_settings(
        OPENAI_API_KEY="sk-topsecret",
        FARM_REDIS_URL="redis://farm:topsecret@127.0.0.1:1/0",
        FARM_WOKERS="3",
    )
    ended = sick("doctor", "--json")
    assert ended.code == 1
    assert "FARM_WOKERS is no setting; did you mean FARM_WORKERS?" in ended.err
    settings = {setting["name"]: setting for setting in ended.json["settings"]}
    assert settings["OPENAI_API_KEY"] == {
        "name": "OPENAI_API_KEY",
        "value": "********",
        "source": "environment",
    }
    assert settings["FARM_ROW_LIMIT"] == {"name": "FARM_ROW_LIMIT", "value": "7", "source": "farm.toml"}
    assert settings["FARM_CONCURRENCY"]["source"] == "default"
    checks = {check["name"]: check for check in ended.json["checks"]}
    assert {name: check["ok"] for name, check in checks.items()} == {
        "Redis": False,
        "store": True,
        "model of default": False,
        "target shop": False,
    }
    assert "FARM_REDIS_URL" in checks["Redis"]["message"]
    assert "OPENAI_API_KEY" in checks["model of default"]["message"]
    assert "topsecret" not in ended.out + ended.err
