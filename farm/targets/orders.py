"""What passes between a process and the child that runs its queries (farm.targets.child)."""

from dataclasses import dataclass

from farm.errors import QueryCancelled, QueryFailed, TargetTrouble

MEMORY_LIMIT_BYTES = 1 << 30
KINDS: dict[str, type[TargetTrouble]] = {
    kind.__name__: kind for kind in (TargetTrouble, QueryFailed, QueryCancelled)
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What the child opens; the URL, a secret, goes through the pipe alone."""

    url: str
    target_name: str
    search_path: str | None = None
    memory_limit_bytes: int = MEMORY_LIMIT_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """One query for the child; the answer is a Result or a Failure."""

    sql: str
    row_limit: int
    timeout_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamOrder:
    """One query whose rows are wanted as they come: the answers are a Head, Chunks, and an Ending or Failure.

    `row_limit` None: all of them. `timeout_seconds` is for the whole of it.
    """

    sql: str
    row_limit: int | None
    timeout_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelOrder:
    """Stop the query that runs; there is no answer but that query's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The columns of a stream."""

    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """Some rows of a stream, as a pickled list of tuples."""

    packed: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """The end of a stream. `truncated`: there were more rows than the limit."""

    truncated: bool
    elapsed_ms: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A TargetTrouble in the child, and which one."""

    said: str
    kind: str = TargetTrouble.__name__

    @classmethod
    def of(cls, trouble: TargetTrouble) -> "Failure":
        return cls(said=str(trouble), kind=type(trouble).__name__)

    def error(self) -> TargetTrouble:
        return KINDS.get(self.kind, TargetTrouble)(self.said)
