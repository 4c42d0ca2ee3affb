"""A yard for each test: worker processes on one store, one queue server and one scripted endpoint."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.llm import StubLLM
from support.yard import Yard


@pytest.fixture
def yard(tmp_path: Path, sqlite_url: str, redis_url: str, llm: StubLLM) -> Iterator[Yard]:
    with Yard(home=tmp_path, database_url=sqlite_url, redis_url=redis_url, llm=llm) as yard:
        yield yard


@pytest.fixture
def both(tmp_path: Path, database_url: str, redis_url: str, llm: StubLLM) -> Iterator[Yard]:
    """The same, once on SQLite and once on Postgres."""
    with Yard(home=tmp_path, database_url=database_url, redis_url=redis_url, llm=llm) as yard:
        yield yard
