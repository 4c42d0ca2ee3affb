"""Cases of two hosts that share a Postgres and a Redis: one dies, freezes or is cut off, the other goes on.

A host is a process tree with a FARM_HOME of its own; a cut link wants network namespaces. The first answers
would take an hour and the model's deadline is as long, so that leases alone end what the host held.
"""

import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice
from math import inf

from support.llm import Reply

from benchmarks.harness.farm_tree import FarmTree
from benchmarks.harness.kept import hit
from benchmarks.recoveries import network, servers
from benchmarks.recoveries.figures import Figure
from benchmarks.recoveries.ledger import SQL, Endpoint
from benchmarks.recoveries.scene import Scene, kill

TAKEOVER_TARGET_SECONDS = 20.0
TASKS = 8
STAY_AWAY_SECONDS = 3600.0
LATE_SECONDS = 12.0
"""When the cut-off host's answers come: its link is still cut."""
SLOW = Reply(text="SELECT count(*) AS orders FROM orders", delay_seconds=20.0)
"""What the host that took over is told, in other words, once the link has been whole again for a while."""
AFTER_TAKEOVER_SECONDS = 2.0
BACK_SECONDS = 60.0


@contextmanager
def two_hosts() -> Iterator[Scene]:
    """A scene whose hosts are to share what runs on loopback."""
    with (
        servers.postgres("127.0.0.1") as postgres_port,
        servers.redis("127.0.0.1") as redis_port,
        Scene(
            database_url=f"postgresql://postgres@127.0.0.1:{postgres_port}/postgres",
            redis_url=f"redis://127.0.0.1:{redis_port}/0",
        ) as scene,
    ):
        yield scene


def killed(count: int, trouble: list[str]) -> list[Figure]:
    """All of a host ends at once."""
    with two_hosts() as scene:
        samples = taken_over(scene, count, kill_host, lambda host: host.rest(0))
    trouble += scene.trouble
    return [takeover("a host killed whole", samples)]


def frozen(count: int, trouble: list[str]) -> list[Figure]:
    """All of a host stops at once, and later goes on as if nothing had been."""
    with two_hosts() as scene:
        samples = taken_over(scene, count, freeze_host, thaw_host)
    trouble += scene.trouble
    return [takeover("a host frozen whole", samples)]


def kill_host(host: FarmTree) -> float:
    """kill -9 of every process, the watchdog first, so that nobody cleans up; returns when."""
    host.rest(STAY_AWAY_SECONDS)
    return min([kill(pid) for pid in whole(host)])


def freeze_host(host: FarmTree) -> float:
    """SIGSTOP of every process; returns when."""
    at = time.monotonic()
    for pid in whole(host):
        hit(pid, signal.SIGSTOP)
    return at


def thaw_host(host: FarmTree) -> None:
    """SIGCONT of every process."""
    for pid in whole(host):
        hit(pid, signal.SIGCONT)


def whole(host: FarmTree) -> list[int]:
    """The watchdog and all that it started."""
    return [*([] if host.pid is None else [host.pid]), *(process.pid for process in host.family())]


def taken_over(
    scene: Scene, count: int, strike: Callable[[FarmTree], float], revive: Callable[[FarmTree], object]
) -> list[float]:
    """Strike two hosts in turn; how long each time until all that the struck one held runs on the other."""
    hosts = [scene.start(name, "workers") for name in "ab"]
    asked: list[str] = []
    samples: list[float] = []
    for victim in islice(cycle(hosts), count):
        scene.require(lambda: all(len(workers_of(scene, host)) == 2 for host in hosts), "both hosts", 60.0)
        asked += scene.ask(TASKS)
        scene.await_running(asked)
        lost = lost_with(scene, victim, asked)
        samples.append(scene.seconds_until_running(lost, strike(victim)))
        revive(victim)
        scene.settle(lost)
        start_anew(scene, victim)
    return samples


def start_anew(scene: Scene, host: FarmTree) -> None:
    """Calls that wait for their answers would keep its slots."""
    lives = len(host.ends)
    host.ask_to_end()
    scene.require(lambda: len(host.ends) > lives, f"the end of host {host.name}", 30.0)


def workers_of(scene: Scene, host: FarmTree) -> list[int]:
    """The processes of a host's workers that have signed on."""
    mine = set(host.workers())
    return [worker.pid for worker in scene.living() if worker.pid in mine]


def lost_with(scene: Scene, host: FarmTree, asked: Iterable[str]) -> list[str]:
    """The questions of the tasks that a host's workers hold."""
    mine = set(host.workers())
    return [held.question for held in scene.held(asked) if held.pid in mine]


def takeover(what: str, samples: Iterable[float]) -> Figure:
    return Figure(
        what=f"{what}: its tasks running on another",
        samples=tuple(samples),
        target_seconds=TAKEOVER_TARGET_SECONDS,
    )


# A link that is cut


def cut(count: int, trouble: list[str]) -> list[Figure]:
    """A host's link to Redis and Postgres is cut and later mended; it lives on, and still reaches its model.

    Some of its answers come while nobody can take them: they must be kept or have been paid for within the
    call that the takeover repeats, and nothing may be there twice.
    """
    if (why := network.missing()) is not None:
        return [Figure(what="a host behind a cut link", left_out=why)]
    network.isolate()
    elsewhere, back = [], []
    with ExitStack() as stack:
        postgres_port = stack.enter_context(servers.postgres("0.0.0.0"))
        redis_port = stack.enter_context(servers.redis("0.0.0.0"))
        database, queue = f"postgresql://postgres@%s:{postgres_port}/postgres", f"redis://%s:{redis_port}/0"
        scene = stack.enter_context(Scene(database_url=database % "127.0.0.1", redis_url=queue % "127.0.0.1"))
        links = [stack.enter_context(network.linked(number)) for number in (1, 2)]
        hosts = [
            scene.start(
                name,
                "workers",
                prefix=link.prefix,
                endpoint=stack.enter_context(Endpoint(scene.ledger, link.namespace)),
                FARM_DATABASE_URL=database % link.address,
                FARM_REDIS_URL=queue % link.address,
            )
            for name, link in zip("ab", links, strict=True)
        ]
        asked: list[str] = []
        for host, link in islice(cycle(zip(hosts, links, strict=True)), count):
            scene.require(lambda: all(len(workers_of(scene, one)) == 2 for one in hosts), "both hosts", 60.0)
            asked += scene.ask(TASKS)
            scene.await_running(asked)
            late = scene.ask(TASKS, Reply(text=SQL, delay_seconds=LATE_SECONDS), SLOW)
            scene.await_running(late)
            workers = workers_of(scene, host)
            lost = lost_with(scene, host, [*asked, *late])
            at = time.monotonic()
            link.cut()
            elsewhere.append(scene.seconds_until_running(lost, at))
            time.sleep(AFTER_TAKEOVER_SECONDS)
            link.mend()
            mended_at = time.monotonic()
            back.append(seconds_until_beating(scene, workers, mended_at))
            scene.settle([*lost, *late])
            scene.trouble += unsaved(scene, late)
            start_anew(scene, host)
        trouble += scene.trouble
    return [
        takeover("a host behind a cut link", elsewhere),
        Figure(what="… its workers' heartbeats in the store, once the link is mended", samples=tuple(back)),
    ]


def seconds_until_beating(scene: Scene, pids: Sequence[int], since: float) -> float:
    """How long until all these workers have shown life to the store again; infinity where one does not."""
    before = {worker.pid: worker.heartbeat_at for worker in scene.living() if worker.pid in pids}

    def beating() -> bool:
        now = {worker.pid: worker.heartbeat_at for worker in scene.living() if worker.pid in before}
        return len(now) == len(before) and all(now[pid] > at for pid, at in before.items())

    return time.monotonic() - since if scene.comes(beating, BACK_SECONDS) else inf


def unsaved(scene: Scene, questions: Sequence[str]) -> list[str]:
    """What is wrong with the stored answers of these tasks: each has one, and its query is from it."""
    rows = scene.query(
        "SELECT t.question, a.raw, q.sql FROM tasks t JOIN answers a ON a.task_id = t.id "
        "JOIN queries q ON q.task_id = t.id"
    )
    stored = {question: [row for row in rows if row.question == question] for question in questions}
    return [
        f"{question} has the stored answers and queries {[(row.raw, row.sql) for row in found]}"
        for question, found in stored.items()
        if [row.raw for row in found] != [row.sql for row in found[:1]]
    ]
