"""A yard for each test, and farms of this machine's over it that are told what to wait for and to do next."""

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
import pytest
from support.llm import StubLLM
from support.yard import PATIENCE_SECONDS, Yard

from farm.store.engine import Store
from farm.watchdog.runner import Runner

Scenario = Generator[Callable[[], Any], None, None]


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("farm.watchdog.runner.LOOK_SECONDS", 0.02)
    monkeypatch.setattr("farm.watchdog.runner.TICK_SECONDS", 0.02)


@pytest.fixture
def yard(tmp_path: Path, sqlite_url: str, redis_url: str, llm: StubLLM) -> Iterator[Yard]:
    with Yard(home=tmp_path, database_url=sqlite_url, redis_url=redis_url, llm=llm) as yard:
        yield yard
    assert [child for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE] == []


@pytest.fixture
def both(tmp_path: Path, database_url: str, redis_url: str, llm: StubLLM) -> Iterator[Yard]:
    """The same, once on SQLite and once on Postgres."""
    with Yard(home=tmp_path, database_url=database_url, redis_url=redis_url, llm=llm) as yard:
        yield yard


@pytest.fixture
def work() -> Callable[..., bool]:
    """Run a farm over a yard while a scenario yields, one after the other, what it waits for."""

    def work(
        yard: Yard,
        scenario: Scenario,
        *,
        store: Store | None = None,
        policy: Any = None,
        drain: bool = True,
        **changes: Any,
    ) -> bool:
        with Runner(yard.settings(**changes), store or yard.store, policy=policy) as runner:
            return runner.work(until=follower(scenario), drain=drain)

    return work


def follower(scenario: Scenario) -> Callable[[], bool]:
    """Whether the scenario is at its end; goes on with it whenever what it waits for has come about."""
    waiting, since = next(scenario), monotonic()

    def until() -> bool:
        nonlocal waiting, since
        while waiting():
            try:
                waiting, since = next(scenario), monotonic()
            except StopIteration:
                return True
        assert monotonic() - since < PATIENCE_SECONDS, "the scenario waits in vain"
        return False

    return until
