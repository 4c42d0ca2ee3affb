from dataclasses import dataclass
from typing import Any

import pytest

from farm.running.pool import RunnerPool
from farm.targets.target import Target

SHOP = Target(name="shop", dialect="sqlite", ddl="", url="sqlite:////shop.db")
DUCK = Target(name="duck", dialect="duckdb", ddl="", url="duckdb:////duck.db")


@dataclass(eq=False)
class FakeRunner:
    """Stands for a child process: whether it was ended is all that counts here."""

    is_closed: bool = False

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def pool(**options: Any) -> RunnerPool:
    return RunnerPool(open_one=lambda target: FakeRunner(), **options)  # type: ignore[arg-type, return-value]


def test_a_runner_is_used_again() -> None:
    runners = pool()
    with runners.lent(SHOP) as first:
        pass
    with runners.lent(SHOP) as second:
        assert second is first


def test_two_at_once_get_two() -> None:
    runners = pool()
    with runners.lent(SHOP) as first, runners.lent(SHOP) as second:
        assert first is not second


def test_no_more_wait_than_allowed() -> None:
    runners = pool(idle_per_target=1)
    with runners.lent(SHOP) as first, runners.lent(SHOP) as second:
        pass
    assert [first.is_closed, second.is_closed] == [True, False]  # type: ignore[attr-defined]


def test_another_url_gets_another_runner() -> None:
    runners = pool()
    with runners.lent(SHOP) as first:
        pass
    moved = Target(name="shop", dialect="sqlite", ddl="", url="sqlite:////other.db")
    with runners.lent(moved) as second:
        assert second is not first


def test_an_idle_one_ends_after_a_while() -> None:
    clock = Clock()
    runners = pool(idle_seconds=60, clock=clock)
    with runners.lent(SHOP) as first:
        pass
    clock.now = 59
    runners.sweep()
    assert not first.is_closed  # type: ignore[attr-defined]
    clock.now = 61
    runners.sweep()
    assert first.is_closed  # type: ignore[attr-defined]


@pytest.mark.parametrize(("target", "ends"), [(SHOP, False), (DUCK, True)])
def test_no_idle_runner_holds_the_lock_on_a_duckdb_file(target: Target, ends: bool) -> None:
    runners = pool()
    with runners.lent(target) as runner:
        pass
    assert runner.is_closed is ends  # type: ignore[attr-defined]


def test_closing_ends_the_idle_ones_and_those_that_come_back() -> None:
    runners = pool()
    with runners.lent(SHOP) as late:
        with runners.lent(SHOP) as idle:
            pass
        runners.close()
        assert idle.is_closed  # type: ignore[attr-defined]
        assert not late.is_closed  # type: ignore[attr-defined]
    assert late.is_closed  # type: ignore[attr-defined]
