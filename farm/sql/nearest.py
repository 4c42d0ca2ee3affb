"""Existing names that resemble a wrong one."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice

from rapidfuzz import fuzz, process

LIMIT = 3
COMPARED = 3_000
CUTOFF_PERCENT = 60


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three of `known` that resemble `name`, best first; case and underscores do not count."""
    by_key = _keys_of_set(known) if isinstance(known, frozenset) else _keys(known)
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


@lru_cache(maxsize=64)
def _keys_of_set(known: frozenset[str]) -> Mapping[str, str]:
    """A dialect's functions are asked for again and again; sorted, as a set has another order each time."""
    return _keys(sorted(known))


def _keys(known: Iterable[str]) -> Mapping[str, str]:
    return {_key(other): other for other in islice(known, COMPARED)}


def _key(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")
