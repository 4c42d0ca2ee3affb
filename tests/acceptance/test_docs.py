"""The docs say what the code does: settings, commands, links, and every block that can be run."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from pydantic import BaseModel
from sqlalchemy import create_engine, inspect, text
from support import store
from support.cli import ROOT, Cli, wait_until
from support.llm import StubLLM

from farm.cli.main import app
from farm.health.sources import variable
from farm.settings import ModelSettings, PoolSettings, Settings, TargetSettings
from farm.store.tables import Base

DOCS = [
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
]
README = (ROOT / "README.md").read_text("utf-8")


def sections(name: str, level: str) -> dict[str, str]:
    """The text below each heading of a level."""
    parts = re.split(rf"^{level} (.+)$", (ROOT / "docs" / name).read_text("utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def blocks(markdown: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", markdown, flags=re.MULTILINE | re.DOTALL)


def commands(group: Any = None, prefix: str = "farm") -> Iterator[tuple[str, Any]]:
    for name, command in (group or typer.main.get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def test_every_setting_has_its_heading_and_its_default_and_no_other_stands_there() -> None:
    found = {name: body for name, body in sections("settings.md", "###").items() if name.isupper()}
    assert set(found) == {variable(field) for field in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        if field.default_factory is None and field.default is not None:
            body = " ".join(found[variable(name)].split())
            assert re.search(rf"[Dd]efault `?{re.escape(str(field.default))}\b", body), f"{name}: {body}"


@pytest.mark.parametrize(
    ("heading", "entries"),
    [("FARM_POOLS", PoolSettings), ("FARM_MODELS", ModelSettings), ("FARM_TARGETS", TargetSettings)],
)
def test_every_entry_of_a_table_setting_is_told(heading: str, entries: type[BaseModel]) -> None:
    body = sections("settings.md", "###")[heading]
    for name in entries.model_fields:
        assert re.search(rf"\b{name}\b", body), name


def test_the_examples_of_settings_are_read(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, block in enumerate(blocks((ROOT / "docs" / "settings.md").read_text("utf-8"), "toml")):
        path = tmp_path / f"{number}.toml"
        path.write_text(block, "utf-8")
        monkeypatch.setenv("FARM_CONFIG", str(path))
        assert Settings.load().model_fields_set


def test_every_command_has_its_heading_with_its_options_and_no_other_stands_there() -> None:
    found = sections("cli.md", "##")
    assert set(found) == {name for name, _ in commands()}
    for name, command in commands():
        for parameter in command.params:
            for option in parameter.opts:
                told = option in ("--help", "--json") or not option.startswith("-")
                assert told or option in found[name], f"{name} {option}"


def test_no_doc_names_a_command_or_a_setting_that_is_not_there() -> None:
    known = {name for name, _ in commands()}
    words = {word for name in known for word in (name, name.rsplit(" ", 1)[0])}
    settings = {variable(field) for field in Settings.model_fields}
    beside = {"FARM_CONFIG", "FARM_SECRETS_DIR", "FARM_TARGETS__SHOP__URL", "FARM_TEST_POSTGRES_URL"}
    for path in DOCS:
        content = path.read_text("utf-8")
        for name in re.findall(r"\bFARM_[A-Z_]*[A-Z]", content):
            assert name in settings | beside, f"{path.name} names {name}"
        for name in re.findall(r"(?:`|^)(farm [a-z]+)", content, flags=re.MULTILINE):
            assert name in words, f"{path.name} names `{name}`"


def test_every_link_leads_somewhere() -> None:
    for path in DOCS:
        for link in re.findall(r"\]\((?!https://)([^)#]+)\)", path.read_text("utf-8")):
            assert (path.parent / link).exists(), f"{path.name} links to {link}"


def test_every_exit_code_is_told() -> None:
    from farm.cli.shared import Exit

    rows = re.findall(r"^\| (\d+) \|", (ROOT / "docs" / "cli.md").read_text("utf-8"), flags=re.MULTILINE)
    assert [int(row) for row in rows] == [code.value for code in Exit]


def test_every_table_and_column_of_the_store_is_told() -> None:
    content = (ROOT / "docs" / "store.md").read_text("utf-8")
    lines = [line for line in content.splitlines() if line.startswith("| `")]
    rows = {row[0]: set(row) for line in lines if (row := re.findall(r"`(\w+)`", line))}
    for name, table in Base.metadata.tables.items():
        assert rows[name] >= {column.name for column in table.columns}, name


def test_the_queries_of_the_store_page_run_on_both_databases(database_url: str) -> None:
    store.opened(database_url).close()
    content = (ROOT / "docs" / "store.md").read_text("utf-8")
    views = sections("store.md", "##")["Views"]
    engine = create_engine(database_url)
    with engine.connect() as connection:
        for query in blocks(content, "sql"):
            assert connection.execute(text(query)).all() == []
        told = dict(re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", views, flags=re.MULTILINE))
        assert set(told) == set(inspect(connection).get_view_names())
        for view, columns in told.items():
            known = list(connection.execute(text(f"SELECT * FROM {view}")).keys())
            assert known == re.findall(r"`(\w+)`", columns), view
    engine.dispose()


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120


def test_the_readmes_python_block_runs(farm: Cli, llm: StubLLM) -> None:
    (block,) = blocks(README, "python")
    llm.default = "SELECT count(*) FROM orders"
    with sqlite3.connect(farm.folder / "shop.db") as shop:
        shop.execute("CREATE TABLE orders (id integer PRIMARY KEY, total real)")
    shop.close()
    program = subprocess.Popen(
        [sys.executable, "-c", block],
        env=farm.environment,
        cwd=farm.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: program.poll() is not None or enqueued(farm), "its questions are enqueued")
    worked = farm("workers", "--burst")
    assert worked.code == 0, worked.err
    out, err = program.communicate(timeout=30)
    assert program.returncode == 0, err
    assert out.splitlines() == [
        "Revenue per month in 2025? accepted SELECT count(*) FROM orders",
        "Which ten customers bought the most? accepted SELECT count(*) FROM orders",
    ]


def enqueued(farm: Cli) -> bool:
    try:
        with sqlite3.connect(f"file:{farm.home / 'farm.db'}?mode=ro", uri=True) as kept:
            found = bool(kept.execute("SELECT count(*) FROM tasks").fetchone()[0])
        kept.close()
    except sqlite3.OperationalError:
        return False
    return found
