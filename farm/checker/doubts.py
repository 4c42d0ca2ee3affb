"""Targets whose opening ended the checker: at first they do without an engine, then they are unfit.

Both are believed for a while only, as a full machine or a frozen server may have been the cause.
"""

import time
from dataclasses import dataclass

from farm.targets.target import Target

BELIEVED_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """Why a target is opened without its engine, or not at all."""

    reason: str
    is_unfit: bool
    until: float

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.until


class Doubts:
    """What is held against the targets of one checker."""

    def __init__(self) -> None:
        self._of: dict[Target, Doubt] = {}

    def note(self, target: Target, reason: str) -> None:
        """The process ended, for this reason, while it opened the target."""
        before = self._of.get(target)
        is_unfit = before is not None and not before.is_over
        said = (
            f"the schema of target {target.name!r} cannot be compiled: {reason}"
            if is_unfit
            else f"opening the target's engine failed: {reason}"
        )
        self._of[target] = Doubt(reason=said, is_unfit=is_unfit, until=time.monotonic() + BELIEVED_SECONDS)

    def without_engine(self, target: Target) -> str | None:
        """Why the target is to be opened without its engine; None: it need not."""
        doubt = self._of.get(target)
        return None if doubt is None or doubt.is_over else doubt.reason

    def unfit(self, target: Target) -> str | None:
        """Why the target is not to be opened at all."""
        doubt = self._of.get(target)
        return doubt.reason if doubt is not None and doubt.is_unfit and not doubt.is_over else None

    def forgotten(self, target: Target) -> bool:
        """Whether a doubt about the target has just ended, so that it is to be opened anew."""
        doubt = self._of.get(target)
        if doubt is None or not doubt.is_over:
            return False
        del self._of[target]
        return True
