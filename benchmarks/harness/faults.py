"""Doing to the site what was planned, one fault after the other, and noting what it befell."""

import contextlib
import heapq
import itertools
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence

import psycopg
from redis.exceptions import RedisError

from benchmarks.harness import postgres
from benchmarks.harness.endpoint import Endpoint
from benchmarks.harness.evidence import Hit
from benchmarks.harness.farm_tree import FarmTree
from benchmarks.harness.kept import hit
from benchmarks.harness.schedule import Fault, Kind
from benchmarks.harness.site import Site

AIMED_SHARE = 0.7
RETRY_SECONDS = 0.25
MOST_SECONDS_LATE = 120.0
IDLE_SECONDS = 1.5
MOST_IDLE_SECONDS = 20.0
FULL_BYTES = 1

Undo = Callable[[], object]


class Faults:
    """Applies planned faults when they are due; `tick` often. What cannot be hit now is tried again soon.

    The plan's clock stands still while the model is not asked (for MOST_IDLE_SECONDS at most), so that faults
    meet a farm at work, also where the machine is slow to bring one up. What lasts, lasts by the real clock.
    """

    def __init__(self, planned: Sequence[Fault], site: Site, endpoint: Endpoint) -> None:
        self._due = [(fault.at_seconds, number, fault) for number, fault in enumerate(planned)]
        heapq.heapify(self._due)
        self._numbers = itertools.count(len(planned))
        self._undoing: list[tuple[float, int, Undo]] = []
        self._site = site
        self._endpoint = endpoint
        self._elapsed_seconds = self._planned_seconds = self._store_troubled_until = 0.0
        self._payments, self._paid_at = 0, 0.0
        self.applied: Counter[Kind] = Counter()
        self.missed: list[Fault] = []
        self.hits: list[Hit] = []

    @property
    def planned_seconds(self) -> float:
        """How far the plan has come."""
        return self._planned_seconds

    @property
    def over(self) -> bool:
        """Whether all has been done and undone."""
        return not self._due and not self._undoing

    def tick(self, elapsed_seconds: float) -> None:
        """Undo what has lasted long enough, then do what is due."""
        self._turn_clocks(elapsed_seconds)
        while self._undoing and self._undoing[0][0] <= elapsed_seconds:
            heapq.heappop(self._undoing)[2]()
        while self._due and self._due[0][0] <= self._planned_seconds:
            _, number, fault = heapq.heappop(self._due)
            if self._apply(fault):
                self.applied[fault.kind] += 1
            elif self._planned_seconds - fault.at_seconds > MOST_SECONDS_LATE:
                self.missed.append(fault)
            else:
                heapq.heappush(self._due, (self._planned_seconds + RETRY_SECONDS, number, fault))

    def _turn_clocks(self, elapsed_seconds: float) -> None:
        payments = self._endpoint.paid
        if payments > self._payments:
            self._payments, self._paid_at = payments, elapsed_seconds
        if not IDLE_SECONDS < elapsed_seconds - self._paid_at < MOST_IDLE_SECONDS:
            self._planned_seconds += elapsed_seconds - self._elapsed_seconds
        self._elapsed_seconds = elapsed_seconds

    def undo_all(self) -> None:
        """Leave nothing stopped, full or locked."""
        for _, _, undo in self._undoing:
            with contextlib.suppress(Exception):
                undo()
        self._undoing.clear()

    def _apply(self, fault: Fault) -> bool:
        match fault.kind:
            case Kind.KILL_WORKER:
                return self._kill(fault, self._workers(fault.choice))
            case Kind.KILL_CHECKER:
                return self._kill(fault, [pid for farm in self._site.farms for pid in farm.checkers()])
            case Kind.KILL_FARM:
                return self._kill_farm(fault)
            case Kind.KILL_REDIS:
                return self._kill(fault, self._redis())
            case Kind.STOP_WORKER:
                return self._stop(fault, self._workers(fault.choice))
            case Kind.STOP_REDIS:
                return self._stop(fault, self._redis())
            case Kind.PAUSE_REDIS | Kind.FILL_REDIS | Kind.WIPE_REDIS:
                return self._trouble_redis(fault)
            case Kind.LOCK_STORE | Kind.RESTART_STORE | Kind.FILL_DISK:
                return self._trouble_store(fault)

    def _later(self, at_seconds: float, undo: Undo) -> None:
        heapq.heappush(self._undoing, (at_seconds, next(self._numbers), undo))

    def _note(self, kind: Kind, pids: Sequence[int], lasts_seconds: float = 0.0) -> None:
        at = time.time()
        self.hits.append(Hit(kind=kind, at=at, until=at + lasts_seconds, pids=frozenset(pids)))

    # Processes

    def _workers(self, choice: float) -> list[int]:
        """Mostly those that wait for the model just now, so that most kills land inside a call."""
        running = [pid for farm in self._site.farms for pid in farm.workers()]
        asking = sorted(set(running) & set(self._endpoint.asking()))
        return asking if asking and choice * 97 % 1 < AIMED_SHARE else running

    def _redis(self) -> list[int]:
        server = self._site.servers.get("valkey")
        if server is not None:
            return [server.pid] if server.pid is not None else []
        return [pid for farm in self._site.farms for pid in farm.redis()]

    def _kill(self, fault: Fault, pids: Sequence[int]) -> bool:
        if not pids:
            return False
        pid = _picked(pids, fault.choice)
        self._note(fault.kind, [pid])
        return hit(pid, signal.SIGKILL)

    def _kill_farm(self, fault: Fault) -> bool:
        """Its watchdog, on which all the rest of it hangs."""
        running = [farm for farm in self._site.farms if farm.pid is not None and farm.workers()]
        if not running:
            return False
        farm: FarmTree = running[int(fault.choice * len(running))]
        self._note(fault.kind, [member.pid for member in farm.family()])
        return farm.send_signal(signal.SIGKILL)

    def _stop(self, fault: Fault, pids: Sequence[int]) -> bool:
        if not pids:
            return False
        pid = _picked(pids, fault.choice)
        self._note(fault.kind, [pid], fault.lasts_seconds)
        if not hit(pid, signal.SIGSTOP):
            return False
        place = len(self.hits) - 1
        self._later(self._elapsed_seconds + fault.lasts_seconds, lambda: self._let_go_on(pid, place))
        return True

    def _let_go_on(self, pid: int, place: int) -> None:
        stopped = self.hits[place]
        self.hits[place] = Hit(kind=stopped.kind, at=stopped.at, until=time.time(), pids=stopped.pids)
        hit(pid, signal.SIGCONT)

    # Servers

    def _trouble_redis(self, fault: Fault) -> bool:
        try:
            with self._site.redis() as client:
                if fault.kind is Kind.WIPE_REDIS:
                    client.flushall()
                elif fault.kind is Kind.PAUSE_REDIS:
                    client.client_pause(int(fault.lasts_seconds * 1000))
                else:
                    client.config_set("maxmemory", FULL_BYTES)
                    self._later(self._elapsed_seconds + fault.lasts_seconds, self._make_room_in_redis)
        except (RedisError, OSError):
            return False
        self._note(fault.kind, [], fault.lasts_seconds)
        return True

    def _make_room_in_redis(self) -> None:
        try:
            with self._site.redis() as client:
                client.config_set("maxmemory", 0)
        except (
            RedisError,
            OSError,
        ):  # it was killed meanwhile, and is empty of such settings; or it is stopped
            self._later(self._elapsed_seconds + RETRY_SECONDS, self._make_room_in_redis)

    def _trouble_store(self, fault: Fault) -> bool:
        if self._elapsed_seconds < self._store_troubled_until:
            return False
        ends_at = self._elapsed_seconds + fault.lasts_seconds
        if fault.kind is Kind.LOCK_STORE:
            try:
                lock = self._site.lock()
            except (sqlite3.Error, psycopg.Error):
                return False
            self._later(ends_at, lambda: lock.__exit__(None, None, None))
        elif fault.kind is Kind.RESTART_STORE:
            postgres.crash(self._site.servers["postgres"], fault.lasts_seconds)
        else:
            self._site.disk.fill()
            self._later(ends_at, self._site.disk.free)
        self._store_troubled_until = ends_at + RETRY_SECONDS
        self._note(fault.kind, [], fault.lasts_seconds)
        return True


def _picked(pids: Sequence[int], choice: float) -> int:
    return sorted(pids)[int(choice * len(pids))]
