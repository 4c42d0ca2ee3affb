"""What waits in a checker's queue."""

import asyncio
from dataclasses import dataclass

from farm.sql.verdict import Candidate
from farm.targets.target import Target


@dataclass(kw_only=True, eq=False, slots=True)
class Ask:
    """One question to the checker. The caller may have given up waiting: then `reply` is cancelled."""

    op: str
    text: str
    target: Target
    reply: asyncio.Future[tuple[Candidate, ...]]

    def settle(self, candidates: tuple[Candidate, ...]) -> None:
        if not self.reply.done():
            self.reply.set_result(candidates)

    def refuse(self, error: Exception) -> None:
        if not self.reply.done():
            self.reply.set_exception(error)


@dataclass(kw_only=True, eq=False, slots=True)
class Opening:
    """A target on its way to the process, ahead of the first question about it."""

    target: Target

    def refuse(self, error: Exception) -> None:
        """Nobody waits for an opening; the questions behind it get the same error."""
