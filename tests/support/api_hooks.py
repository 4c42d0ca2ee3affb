"""Bodies that schemathesis has no schema for, so that it cannot make them up; loaded by it, not by tests."""

from hypothesis import strategies
from schemathesis.openapi import media_type

NUMBERS = strategies.lists(strategies.integers(0, 10**6), min_size=1, max_size=5)

media_type(
    "application/x-ndjson",
    NUMBERS.map(
        lambda found: "".join(f'{{"question": "{number}?", "target": "shop"}}\n' for number in found).encode()
    ),
)
media_type(
    "text/csv",
    NUMBERS.map(lambda found: ("question,target\n" + "".join(f"{one}?,shop\n" for one in found)).encode()),
)
