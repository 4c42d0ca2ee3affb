"""A command line of its own for each test; a test that leaves a process behind has failed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import Cli, wait_until
from support.llm import StubLLM


@pytest.fixture
def lonely_farm(tmp_path: Path) -> Iterator[Cli]:
    """`farm` in an empty home, without a model's endpoint."""
    cli = Cli(folder=tmp_path)
    try:
        yield cli
        wait_until(lambda: not cli.processes(), "everything has ended", timeout_seconds=15)
    finally:
        cli.kill_all()


@pytest.fixture
def farm(lonely_farm: Cli, llm: StubLLM) -> Cli:
    """`farm` in an empty home; its model is the stub endpoint."""
    return lonely_farm.with_settings(OPENAI_BASE_URL=llm.url, FARM_MODEL="stub-model")
