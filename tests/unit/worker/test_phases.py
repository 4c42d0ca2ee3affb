"""Which phase lies furthest behind its deadline, by a clock that only moves by hand."""

import asyncio

import pytest

from farm.worker.phases import Overdue, Phases


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_overdue_before_its_deadline_and_after_its_end():
    clock = Clock()
    phases = Phases(clock)

    async def run() -> None:
        assert phases.most_overdue() is None
        with phases.phase("the check", deadline_seconds=5):
            clock.now = 5.0
            assert phases.most_overdue() is None
            clock.now = 6.5
            found = phases.most_overdue()
            assert found is not None
            assert found.seconds == 1.5
        assert phases.most_overdue() is None

    asyncio.run(run())


def test_the_phase_furthest_behind_is_told_with_its_task():
    clock = Clock()
    phases = Phases(clock)

    async def work(deadline_seconds: float) -> None:
        with phases.phase("the model call", deadline_seconds=deadline_seconds):
            await asyncio.sleep(3600)

    async def run() -> Overdue | None:
        tasks = [
            asyncio.create_task(work(seconds), name=f"task {number}")
            for number, seconds in enumerate((30, 10, 20), start=1)
        ]
        await asyncio.sleep(0)
        clock.now = 100.0
        found = phases.most_overdue()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return found

    assert asyncio.run(run()) == Overdue(what="the model call of task 2", seconds=90.0)
    assert phases.most_overdue() is None


def test_a_phase_that_fails_is_over():
    clock = Clock()
    phases = Phases(clock)

    async def run() -> None:
        with phases.phase("the check", deadline_seconds=0):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(run())
    clock.now = 1.0
    assert phases.most_overdue() is None
