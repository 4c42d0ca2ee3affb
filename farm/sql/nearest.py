"""Existing names that resemble a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

LIMIT = 3
COMPARED = 3_000


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three of `known` that resemble `name`, best first; case and underscores do not count."""
    by_key = {_key(other): other for other in islice(known, COMPARED)}
    wanted = _key(name)
    close = get_close_matches(wanted, by_key, n=LIMIT, cutoff=0.6)
    if len(close) < LIMIT and len(wanted) >= 3:
        close += [
            key for key in by_key if key not in close and (wanted in key or (len(key) >= 3 and key in wanted))
        ]
    return tuple(by_key[key] for key in close[:LIMIT])


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")
