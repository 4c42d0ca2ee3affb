"""A worker's side of its checker process: many coroutines ask, one pipe carries, the process may die."""

import asyncio
import json
import signal
import sys
from collections import OrderedDict, deque
from types import TracebackType
from typing import Any, Self

from farm.checker import protocol
from farm.checker.doubts import Doubts
from farm.checker.engines import Scratch
from farm.checker.pipe import Pipe
from farm.checker.request import Ask, Opening
from farm.errors import BadInput, Unavailable
from farm.models.constraint import Form
from farm.sql.verdict import Candidate, Finding, Verdict
from farm.targets.target import Target

TIMEOUT_SECONDS = 5.0
OPEN_TIMEOUT_SECONDS = 60.0
START_TIMEOUT_SECONDS = 60.0
STARTS_TRIED = 3
TARGETS_KEPT = 64
MEMORY_LIMIT_MB = 1024
NOT_WANTED = "none was wanted"
KILLED = 9
NO_SCRATCH = Scratch()


class Checker:
    """Asks one checker process; safe for any number of coroutines of one event loop.

    1. A request joins the queue; frames written in one turn of the loop leave in one write.
    2. Replies come in order, so the first of the queue is the one being worked on.
    3. When it takes longer than `timeout_seconds`, or the process dies, its verdict is `could_not_check`,
       a new process starts, and the rest of the queue is sent again. Their callers notice only the delay.
       Of a process that was killed from outside the first is sent again, too, once.
    4. A target travels once to each process, with its URL, and only through the pipe.
    """

    def __init__(
        self,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        memory_limit_mb: int = MEMORY_LIMIT_MB,
        scratch: Scratch = NO_SCRATCH,
        dry_run: bool = True,
    ) -> None:
        """`scratch`: where Postgres targets without a URL are dry-run."""
        self._no_dry_run = None if dry_run else NOT_WANTED
        self._scratch = scratch
        self._timeout_seconds = timeout_seconds
        self._memory_limit_mb = memory_limit_mb
        self._queue: deque[Ask | Opening] = deque()
        self._ids: OrderedDict[Target, int] = OrderedDict()
        self._next_id = 0
        self._doubts = Doubts()
        self._spared: set[Ask | Target] = set()
        self._outgoing: list[bytes] = []
        self._pipe: Pipe | None = None
        self._launching: asyncio.Task[None] | None = None
        self._head_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.restarts = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def begin(self) -> None:
        """Start the process without waiting for it, as one may have other things to load meanwhile."""
        self._closed = False
        if self._pipe is None:
            self._launch()

    async def start(self) -> None:
        """Wait until the process serves, starting it where need be; raises Unavailable when it does not."""
        self.begin()
        if self._launching is not None:
            await asyncio.shield(self._launching)

    async def assess(self, answer_text: str, target: Target) -> tuple[Candidate, ...]:
        """The judged candidates of a raw answer, at least one; see farm.sql.assess.

        Raises BadInput when the target's DDL cannot be compiled, Unavailable when no process can be started.
        """
        return await self._ask("assess", answer_text, target)

    async def check(self, sql: str, target: Target) -> Verdict:
        """The verdict on one query, taken as it is; raises as `assess` does."""
        return (await self._ask("check", sql, target))[0].verdict

    async def judged(self, sql: str, target: Target) -> Candidate:
        """One query, taken as it is, with its verdict; accepted, also with its key, its lineage and, if the
        target wants another dialect, what it is there. Raises as `assess` does."""
        return (await self._ask("judge", sql, target))[0]

    async def grammar(self, question: str, sql: str, target: Target, *, form: Form) -> str | None:
        """The grammar to hold the next answer to, `sql` having failed; None where there is none that fits, or
        where making it took too long. Raises as `assess` does.
        """
        asked = json.dumps({"question": question, "sql": sql, "form": form})
        found = await self._ask("grammar", asked, target)
        return found[0].sql if found and found[0].verdict.accepted else None

    def deadline_seconds(self) -> float:
        """How long a request made now may take at the very most, all before it taking their whole time."""
        start_seconds = START_TIMEOUT_SECONDS if self._pipe is None else 0.0
        return start_seconds + OPEN_TIMEOUT_SECONDS + (len(self._queue) + 1) * self._timeout_seconds

    @property
    def pid(self) -> int | None:
        """The process that serves now; None while there is none."""
        return self._pipe.pid if self._pipe is not None else None

    async def close(self) -> None:
        """End the process; requests still waiting raise Unavailable."""
        self._closed = True
        if self._launching is not None:
            self._launching.cancel()
            await asyncio.gather(self._launching, return_exceptions=True)
        pipe, self._pipe = self._pipe, None
        self._fail_all("the checker is closed")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if pipe is not None:
            await pipe.end()

    # asking

    async def _ask(self, op: str, text: str, target: Target) -> tuple[Candidate, ...]:
        if self._closed:
            raise Unavailable("the checker is closed; start it first")
        if (unfit := self._doubts.unfit(target)) is not None:
            raise BadInput(unfit)
        loop = asyncio.get_running_loop()
        request = Ask(op=op, text=text, target=target, reply=loop.create_future())
        self._enqueue(request)
        if self._pipe is None:
            self._launch()
        return await request.reply

    def _enqueue(self, request: Ask) -> None:
        """Add a request, behind the opening of its target where the process does not know it yet."""
        if self._doubts.forgotten(request.target) and request.target in self._ids:
            self._send(protocol.forget_frame(self._ids.pop(request.target)))
        if request.target not in self._ids:
            self._push(self._opening(request.target))
        self._ids.move_to_end(request.target)
        self._push(request)

    def _opening(self, target: Target) -> Opening:
        self._next_id += 1
        self._ids[target] = self._next_id
        if len(self._ids) > TARGETS_KEPT:
            _, forgotten = self._ids.popitem(last=False)
            self._send(protocol.forget_frame(forgotten))
        return Opening(target=target)

    def _push(self, request: Ask | Opening) -> None:
        if not self._queue:
            self._head_is_new()
        self._queue.append(request)
        if isinstance(request, Opening):
            self._send(
                protocol.open_frame(
                    self._ids[request.target],
                    request.target,
                    no_dry_run=self._doubts.without_engine(request.target) or self._no_dry_run,
                    scratch=self._scratch,
                )
            )
        else:
            self._send(protocol.ask_frame(request.op, self._ids[request.target], request.text))

    def _send(self, frame: bytes) -> None:
        if self._pipe is None:
            return  # everything that waits is sent when the next process is ready
        if not self._outgoing:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outgoing.append(frame)

    def _flush(self) -> None:
        frames, self._outgoing = self._outgoing, []
        if self._pipe is not None and frames:
            self._pipe.write(b"".join(frames))

    # replies

    def _received(self, frame: dict[str, Any]) -> None:
        if not self._queue:
            return
        request = self._queue.popleft()
        self._spared.discard(_key(request))
        self._head_is_new()
        if "bad_input" in frame:
            request.refuse(BadInput(frame["bad_input"]))
        elif isinstance(request, Ask):
            request.settle(protocol.unpack(frame))

    def _head_is_new(self) -> None:
        loop = asyncio.get_running_loop()
        self._head_since = loop.time()
        if self._timer is None:
            self._timer = loop.call_at(self._head_since + self._timeout_seconds, self._tick)

    def _tick(self) -> None:
        """Runs once per time-out at most, not once per request."""
        self._timer = None
        if not self._queue or self._pipe is None:
            return
        loop = asyncio.get_running_loop()
        limit = self._limit_seconds(self._queue[0])
        if loop.time() >= self._head_since + limit:
            self._replace(f"it took longer than {limit:g} s")
        else:
            # not later than one time-out from now: the next request may have less time than this one
            due = min(self._head_since + limit, loop.time() + self._timeout_seconds)
            self._timer = loop.call_at(due, self._tick)

    def _limit_seconds(self, request: Ask | Opening) -> float:
        return self._timeout_seconds if isinstance(request, Ask) else OPEN_TIMEOUT_SECONDS

    # the process

    def _lost(self, pipe: Pipe, status: int | None) -> None:
        if pipe is self._pipe:
            self._replace(_words(status), from_outside=status == -KILLED)

    def _replace(self, reason: str, *, from_outside: bool = False) -> None:
        """Blame the first request, end the process, and start another one when somebody still waits.

        A process that was killed `from_outside` says nothing about the request, which is tried once more.
        """
        pipe, self._pipe = self._pipe, None
        self._outgoing.clear()
        if pipe is not None:
            pipe.kill()
        self.restarts += 1
        if self._queue and not (from_outside and self._is_spared(self._queue[0])):
            self._blame(self._queue.popleft(), reason)
        if any(isinstance(request, Ask) for request in self._queue) and not self._closed:
            self._launch()

    def _is_spared(self, request: Ask | Opening) -> bool:
        """Whether this is the first time."""
        first = _key(request) not in self._spared
        self._spared.add(_key(request))
        return first

    def _blame(self, request: Ask | Opening, reason: str) -> None:
        self._spared.discard(_key(request))
        if isinstance(request, Ask):
            request.settle((_could_not_check(request, reason),))
        else:
            self._doubts.note(request.target, reason)

    def _launch(self) -> asyncio.Task[None]:
        if self._launching is None or self._launching.done():
            self._launching = asyncio.get_running_loop().create_task(self._launched())
            self._launching.add_done_callback(_seen)
        return self._launching

    async def _launched(self) -> None:
        """Start a process, send it everything that waits; raises Unavailable after a few failed tries."""
        said = ""
        for _ in range(STARTS_TRIED):
            try:
                pipe = await Pipe.open(self._command(), on_frame=self._received, on_end=self._lost)
            except OSError as error:
                said = f" ({error})"
                continue
            if await pipe.is_ready(START_TIMEOUT_SECONDS):
                self._pipe = pipe
                self._send_again()
                return
        reason = f"the checker process does not start{said}; `python -m farm.checker.process` shows why"
        self._fail_all(reason)
        raise Unavailable(reason)

    def _command(self) -> tuple[str, ...]:
        limits = ("--memory-mb", str(self._memory_limit_mb), "--query-seconds", str(self._timeout_seconds))
        return (sys.executable, "-m", "farm.checker.process", *limits)

    def _send_again(self) -> None:
        waiting = [
            request for request in self._queue if isinstance(request, Ask) and not request.reply.done()
        ]
        self._queue.clear()
        self._ids.clear()
        for request in waiting:
            if (unfit := self._doubts.unfit(request.target)) is not None:
                request.refuse(BadInput(unfit))
            else:
                self._enqueue(request)

    def _fail_all(self, reason: str) -> None:
        while self._queue:
            self._queue.popleft().refuse(Unavailable(reason))
        self._ids.clear()


def _key(request: Ask | Opening) -> Ask | Target:
    """What stays the same when the request is sent to another process."""
    return request if isinstance(request, Ask) else request.target


def _seen(task: asyncio.Task[None]) -> None:
    """Fetch the outcome, so that a launch nobody waits for is not reported as never retrieved."""
    if not task.cancelled():
        task.exception()


def _words(status: int | None) -> str:
    if status is not None and status < 0:
        try:
            return f"the checker was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"the checker was ended by signal {-status}"
    return f"the checker ended with status {status}"


def _could_not_check(request: Ask, reason: str) -> Candidate:
    finding = Finding(
        code="could_not_check",
        message=f"the query could not be checked: {reason}",
        hint="write it in a simpler form",
    )
    return Candidate(sql=request.text.strip()[:20_000], verdict=Verdict(findings=(finding,)))
