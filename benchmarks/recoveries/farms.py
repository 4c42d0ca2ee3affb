"""Cases of one machine where more than a worker comes to harm: watchdog, embedded Valkey, its data."""

import signal
import time
from math import inf

from benchmarks.harness.kept import hit
from benchmarks.recoveries.figures import Figure
from benchmarks.recoveries.ledger import GOOD
from benchmarks.recoveries.scene import CONCURRENCY, QUEUE, Scene
from benchmarks.recoveries.workers import TASKS, seconds_until_gone
from farm.queue.connection import connect
from farm.queue.hints import Hints
from farm.services import valkey

ORPHANS_TARGET_SECONDS = 1.0
FARM_TARGET_SECONDS = 20.0
SERVER_TARGET_SECONDS = 5.0
HINTS_TARGET_SECONDS = 2.0
WAITING = 200


def watchdog_killed(count: int, trouble: list[str]) -> list[Figure]:
    """`farm up` itself is killed: nothing of it stays behind, and started again (a second later) it goes on.

    It cannot know that its former workers have ended, so their leases run out first.
    """
    gone, running = [], []
    with Scene() as scene:
        host = scene.start()
        scene.await_workers()
        for _ in range(count):
            questions = scene.ask(TASKS)
            scene.await_running(questions)
            family = [process.pid for process in host.family()]
            at = time.monotonic()
            host.send_signal(signal.SIGKILL)
            gone.append(max(seconds_until_gone(scene, family, at)))
            running.append(scene.seconds_until_running(questions, at))
            scene.settle(questions)
    trouble += scene.trouble
    return [
        Figure(
            what="kill -9 of `farm up`: its workers and servers gone",
            samples=tuple(gone),
            target_seconds=ORPHANS_TARGET_SECONDS,
        ),
        Figure(
            what="kill -9 of `farm up`, started again: tasks running again",
            samples=tuple(running),
            target_seconds=FARM_TARGET_SECONDS,
        ),
    ]


def valkey_killed(count: int, trouble: list[str]) -> list[Figure]:
    """The embedded queue server is killed, and a task enqueued while it is away."""
    samples = []
    for _ in range(count):
        with Scene() as scene:
            host = scene.start()
            scene.await_workers()
            at = time.monotonic()
            for pid in host.redis():
                hit(pid, signal.SIGKILL)
            questions = scene.ask(TASKS, GOOD)
            samples.append(scene.seconds_until_running(questions, at, times=1))
            scene.settle(questions, most_calls=1)
        trouble += scene.trouble
    return [
        Figure(
            what="kill -9 of the embedded Valkey: a task enqueued meanwhile running",
            samples=tuple(samples),
            target_seconds=SERVER_TARGET_SECONDS,
        )
    ]


def wiped(count: int, trouble: list[str]) -> list[Figure]:
    """FLUSHALL while every slot is taken and more tasks wait: their hints must come back."""
    samples = []
    with Scene(workers=1) as scene:
        scene.start()
        scene.await_workers()
        scene.await_running(scene.ask(CONCURRENCY))
        waiting = scene.ask(WAITING, GOOD)
        connection = connect(valkey.url(scene.home("a")))
        hints = Hints(connection)
        try:
            for _ in range(count):
                scene.require(lambda: hints.depth(QUEUE) >= WAITING, "every hint", 30.0)
                at = time.monotonic()
                connection.flushall()
                back = scene.comes(lambda: hints.depth(QUEUE) >= WAITING, 60.0)
                samples.append(time.monotonic() - at if back else inf)
        finally:
            connection.close()
        if set(scene.states(waiting).values()) != {"queued"}:
            scene.trouble.append("tasks that wait are no longer queued after FLUSHALL")
    trouble += scene.trouble
    return [
        Figure(
            what=f"FLUSHALL: the hints of {WAITING} waiting tasks issued again",
            samples=tuple(samples),
            target_seconds=HINTS_TARGET_SECONDS,
        )
    ]
