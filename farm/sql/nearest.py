"""Existing names that resemble a wrong one."""

from collections.abc import Iterable
from itertools import islice

from rapidfuzz import fuzz, process

LIMIT = 3
COMPARED = 3_000
CUTOFF_PERCENT = 60


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three of `known` that resemble `name`, best first; case and underscores do not count."""
    by_key = {_key(other): other for other in islice(known, COMPARED)}
    wanted = _key(name)
    alike = process.extract(
        wanted, by_key.keys(), scorer=fuzz.ratio, limit=LIMIT, score_cutoff=CUTOFF_PERCENT
    )
    close = [key for key, _, _ in alike]
    if len(close) < LIMIT and len(wanted) >= 3:
        close += [
            key for key in by_key if key not in close and (wanted in key or (len(key) >= 3 and key in wanted))
        ]
    return tuple(by_key[key] for key in close[:LIMIT])


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")
