"""The model of a case: it answers as planned, and notes when each question is asked."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable

from support.llm import Reply, StubLLM

from benchmarks.recoveries import network

SQL = "SELECT count(*) FROM orders"
GOOD = Reply(text=SQL)
NEVER = Reply(text=SQL, delay_seconds=3600.0)
"""An answer that is still thought about when the run is over."""


class Ledger:
    """When each question was asked (monotonic seconds), at whatever endpoint, and what is said to it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan: dict[str, tuple[Reply, ...]] = {}
        self._asked: defaultdict[str, list[float]] = defaultdict(list)

    def plan(self, questions: Iterable[str], replies: tuple[Reply, ...]) -> None:
        """What is said to each call of these questions, the last of them for ever."""
        with self._lock:
            self._plan |= dict.fromkeys(questions, replies)

    def reply(self, question: str, _: int) -> Reply:
        """Note a request, and say what is planned."""
        at = time.monotonic()
        with self._lock:
            self._asked[question].append(at)
            replies = self._plan.get(question, (GOOD,))
            return replies[min(len(self._asked[question]), len(replies)) - 1]

    def asked(self, question: str) -> list[float]:
        """When it was asked, in order."""
        with self._lock:
            return list(self._asked[question])


class Endpoint(StubLLM):
    """Serves a ledger on the loopback interface: this process's, or that of a network namespace."""

    def __init__(self, ledger: Ledger, namespace: str | None = None) -> None:
        super().__init__(ledger.reply)
        self.keep_requests = False
        self._namespace = namespace

    def _run(self) -> None:
        if self._namespace is not None:
            network.enter(self._namespace)
        super()._run()
