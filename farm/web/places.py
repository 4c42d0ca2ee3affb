"""Places that are taken for long, such as by streams: bounded in all, and for each who takes them."""

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Who takes a place: `name` as the action log has it, which many may share; `browser` is one's own."""

    name: str
    browser: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How many places there are, and how many of them may go to one name and to one browser."""

    in_all: int
    of_name: int
    of_browser: int


class Places:
    """Counts who holds how many; for one thread."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._taken: Counter[tuple[str, str]] = Counter()

    def take(self, holder: Holder) -> bool:
        """Whether there was a place left for this one."""
        bounds, taken = self._bounds, self._taken
        limits = dict(zip(_keys(holder), (bounds.in_all, bounds.of_name, bounds.of_browser), strict=True))
        if any(taken[key] >= limit for key, limit in limits.items()):
            return False
        taken.update(limits.keys())
        return True

    def give_back(self, holder: Holder) -> None:
        """Leave a place; of those who hold none nothing is remembered."""
        for key in _keys(holder):
            self._taken[key] -= 1
            if self._taken[key] <= 0:
                del self._taken[key]


def _keys(holder: Holder) -> tuple[tuple[str, str], ...]:
    return ("all", ""), ("name", holder.name), ("browser", holder.browser)
