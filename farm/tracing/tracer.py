"""Spans as the rest of the farm sees them: two small interfaces, and the tracer that traces nothing.

Attributes are bounded in number and length. They name things (ids, codes, counts) and never carry questions,
prompts, answers, queries, rows or messages of errors.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from enum import Enum
from typing import Protocol, Self

Value = str | bool | int | float | tuple[str, ...]
Attributes = Mapping[str, Value]
NONE: Attributes = {}

ERROR_TYPE = "error.type"


class Kind(Enum):
    """What a span is to others: a call that is served or made, a message taken, or none of these."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    CONSUMER = "consumer"


class Span(Protocol):
    """Something that takes time."""

    @property
    def log_fields(self) -> Mapping[str, str]:
        """What a line of the log names so that it is found from the trace; empty where nothing is traced."""

    def rename(self, name: str) -> None:
        """Give it the name that is known only now."""

    def set(self, attributes: Attributes) -> None:
        """Add these attributes."""

    def fail(self, kind: str) -> None:
        """It ended in an error of this kind: one word, as in `error.type`. The first one told stands."""


class Tracer(Protocol):
    """Makes spans, each a child of the one around it in the same coroutine or thread."""

    def span(
        self, name: str, attributes: Attributes = NONE, *, kind: Kind = Kind.INTERNAL
    ) -> AbstractContextManager[Span]:
        """A span from entering to leaving; an exception that leaves it is an error of its type's name."""

    async def close(self) -> None:
        """Send what is left, within seconds; what cannot be sent by then is dropped."""


class _NoSpan:
    """Both the tracer and all its spans; holds nothing."""

    log_fields: Mapping[str, str] = {}

    def span(self, name: str, attributes: Attributes = NONE, *, kind: Kind = Kind.INTERNAL) -> Self:
        return self

    async def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def rename(self, name: str) -> None:
        pass

    def set(self, attributes: Attributes) -> None:
        pass

    def fail(self, kind: str) -> None:
        pass


OFF: Tracer = _NoSpan()
"""Traces nothing."""
