"""Whether silence counts: leases may expire only where their workers could have renewed them. Pure."""

from datetime import datetime


class Patience:
    """Waits one lease after the store, or this process, was away, and after the store's clock has jumped."""

    def __init__(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._last: tuple[float, datetime] | None = None
        self._excused_seconds = 0.0
        self._until = float("-inf")

    def allows(self, at: float, store_at: datetime) -> bool:
        """The store was reached at `at` (monotonic seconds) and said `store_at`: may leases expire now?"""
        if self._last is not None:
            passed = at - self._last[0]
            jumped = abs((store_at - self._last[1]).total_seconds() - passed)
            if max(passed - self._excused_seconds, jumped) > self._lease_seconds / 2:
                self._until = at + self._lease_seconds
        self._last, self._excused_seconds = (at, store_at), 0.0
        return at >= self._until

    def excuse(self, seconds: float) -> None:
        """So much of the time since then was spent elsewhere, and says nothing about the store."""
        self._excused_seconds += seconds
