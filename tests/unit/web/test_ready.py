"""Readiness is told at once, whatever the store does."""

import asyncio
import threading

from farm.web.ready import Readiness


def test_a_store_that_hangs_is_told_and_asked_once_alone():
    let_go, asked = threading.Event(), []

    def hangs() -> None:
        asked.append(1)
        let_go.wait(30)

    async def look() -> list[str | None]:
        readiness = Readiness(hangs, patience_seconds=0.05)
        found = list(await asyncio.gather(*(readiness.trouble() for _ in range(5))))
        found.append(await readiness.trouble())
        let_go.set()
        await readiness.close()
        found.append(await readiness.trouble())
        return found

    assert asyncio.run(look()) == ["the store has not answered for 0.05 s"] * 6 + [None]
    assert len(asked) == 2


def test_what_the_probe_finds_is_told():
    async def look() -> str | None:
        return await Readiness(lambda: "it is gone").trouble()

    assert asyncio.run(look()) == "it is gone"
