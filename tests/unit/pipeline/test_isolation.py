"""Who works beside whom."""

import asyncio

from farm.pipeline.isolation import Isolation


class Yard:
    """Records who is inside, in order."""

    def __init__(self) -> None:
        self.isolation = Isolation()
        self.inside: list[str] = []
        self.leave: dict[str, asyncio.Event] = {}

    def start(self, name: str, *, alone: bool) -> "asyncio.Task[None]":
        self.leave[name] = asyncio.Event()
        return asyncio.get_running_loop().create_task(self._be(name, alone))

    async def _be(self, name: str, alone: bool) -> None:
        async with self.isolation.alone() if alone else self.isolation.shared():
            self.inside.append(name)
            await self.leave[name].wait()
            self.inside.remove(name)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_one_alone_waits_for_those_inside_and_keeps_later_ones_out():
    async def run() -> None:
        yard = Yard()
        tasks = [yard.start("a", alone=False), yard.start("b", alone=False)]
        await settle()
        tasks += [yard.start("solo", alone=True), yard.start("late", alone=False)]
        await settle()
        assert yard.inside == ["a", "b"]
        yard.leave["a"].set()
        await settle()
        assert yard.inside == ["b"]
        yard.leave["b"].set()
        await settle()
        assert yard.inside == ["solo"]
        yard.leave["solo"].set()
        await settle()
        assert yard.inside == ["late"]
        yard.leave["late"].set()
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_two_who_want_to_be_alone_follow_one_another():
    async def run() -> None:
        yard = Yard()
        tasks = [yard.start("x", alone=True), yard.start("y", alone=True)]
        await settle()
        assert yard.inside == ["x"]
        yard.leave["x"].set()
        await settle()
        assert yard.inside == ["y"]
        yard.leave["y"].set()
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_who_gives_up_waiting_holds_nobody_back():
    async def run() -> None:
        yard = Yard()
        first = yard.start("a", alone=False)
        await settle()
        impatient, late = yard.start("solo", alone=True), yard.start("late", alone=False)
        await settle()
        impatient.cancel()
        await settle()
        assert yard.inside == ["a", "late"]
        for name in ("a", "late"):
            yard.leave[name].set()
        await asyncio.gather(first, late)
        another = yard.start("next", alone=True)
        yard.leave["next"].set()
        await another

    asyncio.run(run())


def test_who_steps_aside_lets_others_in_and_takes_the_place_again_after_them():
    async def run() -> None:
        yard = Yard()
        waited, back = asyncio.Event(), asyncio.Event()

        async def wait_for_a_server() -> None:
            async with yard.isolation.alone() as place:
                await place.aside(waited.wait())
                back.set()

        waiting = asyncio.create_task(wait_for_a_server())
        others = [yard.start("a", alone=False)]
        await settle()
        assert yard.inside == ["a"]
        waited.set()
        others.append(yard.start("late", alone=False))
        await settle()
        assert not back.is_set(), "somebody is there"
        yard.leave["a"].set()
        await settle()
        assert back.is_set()
        await waiting
        await settle()
        assert yard.inside == ["late"]
        yard.leave["late"].set()
        await asyncio.gather(*others)

    asyncio.run(run())


def test_who_is_cancelled_aside_has_left_for_good():
    async def run() -> None:
        yard = Yard()

        async def wait_for_ever() -> None:
            async with yard.isolation.shared() as place:
                await place.aside(asyncio.sleep(3600))

        waiting = asyncio.create_task(wait_for_ever())
        await settle()
        waiting.cancel()
        await settle()
        solo = yard.start("solo", alone=True)
        await settle()
        assert yard.inside == ["solo"]
        yard.leave["solo"].set()
        await solo

    asyncio.run(run())
