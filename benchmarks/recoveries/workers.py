"""Cases of one machine where a worker comes to harm: killed, stopped, poisoned, stuck."""

import itertools
import signal
import time
from collections import defaultdict
from collections.abc import Sequence
from math import inf

from support.llm import Reply

from benchmarks.harness.kept import hit
from benchmarks.recoveries.figures import Figure
from benchmarks.recoveries.ledger import GOOD
from benchmarks.recoveries.scene import POLL_SECONDS, QUEUE, Held, Scene, is_alive, kill

KILL_TARGET_SECONDS = 5.0
HANG_TARGET_SECONDS = 20.0
TASKS = 4
POOLS = 6
FROZEN = 4
PHASE_SECONDS = 2.0
DYING = "support.hooks:die_of_poison"
STUCK = "support.hooks:call_for_ever"


def killed_alone(count: int, trouble: list[str]) -> list[Figure]:
    """The only worker of a pool is killed while it waits for the model: it must be started again.

    Each slot is killed once, as a slot that is killed again and again waits longer each time, and rests.
    """
    samples: list[float] = []
    while len(samples) < count:
        names = pools(min(POOLS, count - len(samples)))
        with Scene(workers=1, pools=dict.fromkeys(names[1:], 1)) as scene:
            scene.start()
            scene.await_workers()
            asked = {name: scene.ask(TASKS, pool=name) for name in names}
            for name in names:
                scene.await_running(asked[name])
                at = kill(scene.held(asked[name])[0].pid)
                samples.append(scene.seconds_until_running(asked[name], at))
            for questions in asked.values():
                scene.settle(questions)
        trouble += scene.trouble
    return [
        Figure(
            what="kill -9 of a pool's only worker: tasks running again",
            samples=tuple(samples),
            target_seconds=KILL_TARGET_SECONDS,
        )
    ]


def killed_of_two(count: int, trouble: list[str]) -> list[Figure]:
    """One of a pool's two workers is killed: the other one takes its tasks. Each slot is killed once."""
    samples: list[float] = []
    while len(samples) < count:
        names = pools(min(POOLS // 2, -(-(count - len(samples)) // 2)))
        with Scene(workers=2, pools=dict.fromkeys(names[1:], 2)) as scene:
            scene.start()
            scene.await_workers()
            asked = {name: spread(scene, name) for name in names}
            killed: set[str] = set()
            for name in itertools.chain(names, names):
                await_pair(scene, name)
                victim = next(held for held in scene.held(asked[name]) if held.slot not in killed)
                killed.add(victim.slot)
                lost = [held.question for held in scene.held(asked[name]) if held.worker == victim.worker]
                samples.append(scene.seconds_until_running(lost, kill(victim.pid)))
            for questions in asked.values():
                scene.settle(questions)
        trouble += scene.trouble
    return [
        Figure(
            what="kill -9 of one of two workers: its tasks running again",
            samples=tuple(samples[:count]),
            target_seconds=KILL_TARGET_SECONDS,
        )
    ]


def pools(count: int) -> list[str]:
    """The names of so many pools, the default one first."""
    return [QUEUE, *(f"pool{number}" for number in range(2, count + 1))]


def spread(scene: Scene, pool: str) -> list[str]:
    """Tasks that both workers of a pool have in work; as they share one queue, it may take a few."""
    questions: list[str] = []
    while True:
        questions += scene.ask(TASKS, pool=pool)
        scene.await_running(questions)
        if len({held.slot for held in scene.held(questions)}) == 2:
            return questions


def await_pair(scene: Scene, pool: str) -> None:
    """Wait until a pool has its two workers."""

    def is_whole() -> bool:
        return [worker.queue for worker in scene.living()].count(pool) == 2

    scene.require(is_whole, f"the two workers of {pool}", 60.0)


def frozen(count: int, trouble: list[str]) -> list[Figure]:
    """Workers are stopped (SIGSTOP) together: silent, but alive, with the tasks that they hold."""
    elsewhere: list[float] = []
    ended: list[float] = []
    while len(ended) < count:
        many = min(FROZEN, count - len(ended))
        with Scene(workers=many + 2) as scene:
            scene.start()
            scene.await_workers()
            questions = scene.ask(3 * (many + 2))
            scene.await_running(questions)
            holding: dict[int, list[str]] = defaultdict(list)
            for held in scene.held(questions):
                holding[held.pid].append(held.question)
            victims = list(holding)[:many]
            at = time.monotonic()
            for pid in victims:
                hit(pid, signal.SIGSTOP)
            ended += seconds_until_gone(scene, victims, at)
            elsewhere += [scene.seconds_until_running(holding[pid], at) for pid in victims]
            scene.settle([question for pid in victims for question in holding[pid]])
        trouble += scene.trouble
    return [
        Figure(
            what="SIGSTOP of a worker: its tasks running elsewhere",
            samples=tuple(elsewhere),
            target_seconds=HANG_TARGET_SECONDS,
        ),
        Figure(
            what="SIGSTOP of a worker: the frozen process ended",
            samples=tuple(ended),
            target_seconds=HANG_TARGET_SECONDS,
        ),
    ]


def seconds_until_gone(
    scene: Scene, pids: Sequence[int], since: float, most_seconds: float = 60.0
) -> list[float]:
    """How long after `since` each process had ended; infinity where it did not."""
    gone: dict[int, float] = {}
    while len(gone) < len(pids) and time.monotonic() < since + most_seconds:
        for pid in pids:
            if pid not in gone and not is_alive(pid):
                gone[pid] = time.monotonic() - since
        for host in scene.hosts:
            host.tend()
        time.sleep(POLL_SECONDS)
    return [gone.get(pid, inf) for pid in pids]


def poisoned(count: int, trouble: list[str]) -> list[Figure]:
    """A task that kills whoever works it, among others: dead after three attempts, and the others done."""
    samples = []
    for _ in range(count):
        with Scene(FARM_INITIALIZER=DYING) as scene:
            scene.start()
            scene.await_workers()
            innocent = scene.ask(TASKS, Reply(text=GOOD.text, delay_seconds=1.0))
            poison = scene.ask(1, Reply(text="```sql\nSELECT 'poison' FROM orders\n```"))
            at = time.monotonic()
            dead = scene.comes(lambda: scene.states(poison) == {poison[0]: "dead"}, 60.0)  # noqa: B023
            samples.append(time.monotonic() - at if dead else inf)
            scene.settle(innocent, most_calls=3)
            if len(scene.ledger.asked(poison[0])) != 1:
                scene.trouble.append("the poison's answer was paid for again, though it was stored")
        trouble += scene.trouble
    return [Figure(what="a task that kills its workers: dead", samples=tuple(samples), target_seconds=20.0)]


def overdue(count: int, trouble: list[str]) -> list[Figure]:
    """A model call that no deadline ends, in a worker whose event loop still turns."""
    ended, running = [], []
    for _ in range(count):
        with Scene(workers=1, deadline_seconds=PHASE_SECONDS, FARM_INITIALIZER=STUCK) as scene:
            scene.start(FARM_TEST_MARKER=str(scene.folder / "marker"))
            scene.await_workers()
            questions = scene.ask(1, GOOD)
            scene.require(lambda: scene.held(questions), "the claim", 30.0)  # noqa: B023
            overdue_at = time.monotonic() + PHASE_SECONDS
            stuck: Held = scene.held(questions)[0]
            ended += seconds_until_gone(scene, [stuck.pid], overdue_at)
            running.append(scene.seconds_until_running(questions, overdue_at, times=1))
            scene.settle(questions)
        trouble += scene.trouble
    return [
        Figure(
            what="a model call past its deadline: its worker ended",
            samples=tuple(ended),
            target_seconds=HANG_TARGET_SECONDS,
        ),
        Figure(
            what="a model call past its deadline: its task running again",
            samples=tuple(running),
            target_seconds=HANG_TARGET_SECONDS,
        ),
    ]
