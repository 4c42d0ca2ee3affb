"""Checking queries from Python and from files: the same checks that a model's answers meet."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from farm.checker.client import NO_SCRATCH, TIMEOUT_SECONDS, Checker
from farm.checker.engines import Scratch
from farm.errors import BadInput
from farm.settings import Settings
from farm.sql.dialect import DIALECTS
from farm.sql.verdict import Candidate, Verdict
from farm.targets.target import Target

IN_FLIGHT = 64
FIELDS = {"sql", "target", "ddl", "dialect"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A query and the target it is for; `line` is where it stands in its file."""

    sql: str
    target: Target
    line: int = 1


def check(sql: str, target: Target, *, dry_run: bool = True, settings: Settings | None = None) -> Verdict:
    """The verdict on one query, taken as it is, for a target.

    Runs in a process of its own that is ended should it hang or crash. The target's engine prepares what
    passes: SQLite from the schema, Postgres by the target's URL or else on a scratch server as the settings
    say (by default read from the environment); nothing is run. Raises BadInput where the target's DDL cannot
    be read. Not for use inside a running event loop: there, see `check_all`.
    """
    if not isinstance(sql, str) or not isinstance(target, Target):
        raise BadInput('give the query as text and its target as farm.target("shop") gives it')
    _require_no_loop()
    settings = settings or Settings.load()

    async def one() -> Verdict:
        verdicts = check_all(
            [Query(sql=sql, target=target)],
            dry_run=dry_run,
            timeout_seconds=settings.check_timeout_seconds,
            scratch=Scratch.of(settings),
        )
        (verdict,) = [found async for found in verdicts]
        return verdict

    return asyncio.run(one())


def judged(sql: str, target: Target, *, settings: Settings | None = None) -> Candidate:
    """One query, taken as it is, with all that is known of it; see `farm.checker.client.Checker.judged`.

    As `check`, it is not for use inside a running event loop, but may be called in a thread beside one.
    """
    settings = settings or Settings.load()

    async def one() -> Candidate:
        checker = Checker(timeout_seconds=settings.check_timeout_seconds, scratch=Scratch.of(settings))
        async with checker:
            return await checker.judged(sql, target)

    return asyncio.run(one())


async def check_all(
    queries: Iterable[Query],
    *,
    dry_run: bool = True,
    timeout_seconds: float = TIMEOUT_SECONDS,
    scratch: Scratch = NO_SCRATCH,
) -> AsyncIterator[Verdict]:
    """The verdict on each query, in order, all by one warm process.

    `timeout_seconds` is for one query; `scratch` is where Postgres targets without a URL are dry-run. Raises
    BadInput, naming the line, where a target's DDL cannot be read.
    """
    checker = Checker(timeout_seconds=timeout_seconds, scratch=scratch, dry_run=dry_run)
    async with checker:
        waiting: deque[tuple[Query, asyncio.Task[Verdict]]] = deque()
        try:
            for query in queries:
                waiting.append((query, asyncio.create_task(checker.check(query.sql, query.target))))
                if len(waiting) >= IN_FLIGHT:
                    yield await _verdict(*waiting.popleft())
            while waiting:
                yield await _verdict(*waiting.popleft())
        finally:
            for _, unread in waiting:
                unread.cancel()
            await asyncio.gather(*(unread for _, unread in waiting), return_exceptions=True)


def _require_no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "an event loop runs here: await asyncio.to_thread(check, sql, target), or see check_all"
    )


async def _verdict(query: Query, verdict: "asyncio.Task[Verdict]") -> Verdict:
    try:
        return await verdict
    except BadInput as error:
        raise BadInput(f"line {query.line}: {error}") from None


def read_queries(lines: Iterable[str], find_target: Callable[[str | None], Target]) -> Iterator[Query]:
    """Queries from JSONL: `{"sql", "target"}`, or `{"sql", "ddl", "dialect"}` for a schema given in place.

    `find_target` gives the target of that name, or the default one for None. Raises BadInput, naming the
    line, for what cannot be read; UnknownTarget as `find_target` does.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _query(number, line, find_target)


def _query(number: int, line: str, find_target: Callable[[str | None], Target]) -> Query:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"line {number} is no JSON ({error})") from None
    if not isinstance(row, dict) or not isinstance(row.get("sql"), str):
        raise BadInput(f'line {number} holds no query; write {{"sql": "SELECT …", "target": "…"}}')
    if unknown := row.keys() - FIELDS:
        names = ", ".join(sorted(unknown))
        raise BadInput(f"line {number}: there is no field {names}; known are sql, target, ddl, dialect")
    name = row.get("target")
    if name is not None and not isinstance(name, str):
        raise BadInput(f"line {number}: the target {json.dumps(name):.40} is no name")
    if row.get("ddl") is None:
        return Query(sql=row["sql"], target=find_target(name), line=number)
    try:
        target = given(row["ddl"], row.get("dialect"))
    except BadInput as error:
        raise BadInput(f"line {number}: {error}") from None
    return Query(sql=row["sql"], target=target, line=number)


def given(ddl: Any, dialect: Any) -> Target:
    """A target that is described in place; raises BadInput."""
    if not isinstance(ddl, str) or not ddl.strip() or dialect not in DIALECTS:
        known = ", ".join(sorted(DIALECTS))
        raise BadInput(f"ddl needs a dialect beside it, one of {known}")
    return Target(name="given", dialect=dialect, ddl=ddl)
