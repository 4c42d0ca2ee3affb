"""Waiting for a run that was asked for over HTTP."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

from farm.web.api.running import _ended


class Runs:
    """A run that ends when it is looked at for the third time; notes in which threads it was awaited."""

    def __init__(self) -> None:
        self.looks: list[tuple[int, float]] = []
        self.cancelled: list[int] = []

    def wait(self, run_id: int, *, seconds: float) -> bool:
        self.looks.append((threading.get_ident(), seconds))
        return len(self.looks) > 2

    def cancel(self, run_id: int) -> None:
        self.cancelled.append(run_id)

    def get(self, run_id: int) -> str:
        return f"run {run_id}"


def ended(runs: Runs, *, gone: bool = False) -> Any:
    async def is_disconnected() -> bool:
        return gone

    request: Any = SimpleNamespace(
        app=SimpleNamespace(state=SimpleNamespace(runs=runs)), is_disconnected=is_disconnected
    )
    return asyncio.run(_ended(request, 7))


def test_a_run_is_awaited_without_a_thread_that_pages_need():
    runs = Runs()
    assert ended(runs) == "run 7"
    assert runs.looks == [(threading.get_ident(), 0)] * 3
    assert not runs.cancelled


def test_a_run_that_nobody_waits_for_is_cancelled():
    runs = Runs()
    ended(runs, gone=True)
    assert 7 in runs.cancelled
