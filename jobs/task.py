"""What a producer may ask: one question for one target. Light to import, safe to pickle."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

QUESTION_LIMIT_CHARS = 8_000
KEY_LIMIT_CHARS = 500
PRIORITIES = range(-100, 101)
COLUMNS = ("question", "target", "key", "model", "priority", "tags", "dialect")
"""What a row of a file may say of a task."""


class InvalidTask(ValueError):
    """The task cannot be asked as it is; the message says what is wrong and how to mend it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One question for one target, with its options.

    `key` is the idempotency key: enqueueing the same key again returns the task that is already there.
    Without one it is derived from target, question and model. A higher `priority` (-100 to 100) goes first.
    `model` names the model whose pool shall work the task; None means the default pool's. `dialect` is the
    one that the query is wanted in; None means the target's own.
    """

    question: str
    target: str
    key: str | None = None
    model: str | None = None
    priority: int = 0
    tags: tuple[str, ...] = field(default=())
    dialect: str | None = None

    def __post_init__(self) -> None:
        for name in ("question", "target", "key", "model", "dialect"):
            value = getattr(self, name)
            _require_storable(f"the {name}", "" if value is None else value)
        if not isinstance(self.tags, tuple):
            raise InvalidTask(f"tags {self.tags!r:.80} are no tuple of strings; write tags=('monthly',)")
        for tag in self.tags:
            _require_storable("a tag", tag)
        if not isinstance(self.question, str) or not self.question.strip():
            raise InvalidTask("the question is empty; write what the report shall show")
        if len(self.question) > QUESTION_LIMIT_CHARS:
            raise InvalidTask(
                f"the question has {len(self.question):,} characters; keep it under {QUESTION_LIMIT_CHARS:,}"
            )
        if not isinstance(self.target, str) or not self.target.strip():
            raise InvalidTask("the target is missing; name a database that `farm target list` shows")
        if self.key and len(self.key) > KEY_LIMIT_CHARS:
            raise InvalidTask(f"the key has {len(self.key):,} characters; keep it under {KEY_LIMIT_CHARS}")
        if isinstance(self.priority, bool) or not isinstance(self.priority, int):
            raise InvalidTask(f"priority {self.priority!r:.80} is not a whole number from -100 to 100")
        if self.priority not in PRIORITIES:
            raise InvalidTask(f"priority {self.priority} is outside -100 to 100")

    @property
    def idempotency_key(self) -> str:
        """`key`, or a digest of target, question, model and dialect (SHA-256, first 32 hex digits)."""
        if self.key:
            return self.key
        parts = [self.target, " ".join(self.question.split()), self.model or ""]
        text = "\x1f".join([*parts, self.dialect] if self.dialect else parts)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @classmethod
    def from_mapping(cls, row: Mapping[str, Any]) -> "Task":
        """Read a task from a JSONL object or a CSV row; raises InvalidTask naming the column at fault."""
        unknown = sorted(set(row) - set(COLUMNS))
        if unknown:
            raise InvalidTask(f"unknown column {unknown[0]!r}; known are {', '.join(COLUMNS)}")
        return cls(
            question=_text(row, "question") or "",
            target=_text(row, "target") or "",
            key=_text(row, "key"),
            model=_text(row, "model"),
            priority=_priority(row.get("priority")),
            tags=_tags(row.get("tags")),
            dialect=_text(row, "dialect"),
        )


def _text(row: Mapping[str, Any], column: str) -> str | None:
    value = row.get(column)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidTask(f"column {column!r} holds {type(value).__name__}, not text")
    return value


def _require_storable(what: str, value: Any) -> None:
    """Raise InvalidTask for what is no text, or text that a database or UTF-8 cannot hold."""
    if not isinstance(value, str):
        raise InvalidTask(f"{what} is {type(value).__name__}, not text")
    if "\0" in value:
        raise InvalidTask(f"{what} contains a NUL character, which no database stores; remove it")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidTask(f"{what} contains half a character (a lone surrogate); remove it") from None


def _priority(value: Any) -> int:
    """A whole number, or text that spells one; Task itself refuses what else stands there."""
    if value is None or value == "":
        return 0
    if isinstance(value, float) and value.is_integer():
        return int(value)  # as JSON may write it
    try:
        return int(value) if isinstance(value, str) else value
    except ValueError:
        raise InvalidTask(f"priority {value!r:.80} is not a whole number from -100 to 100") from None


def _tags(value: Any) -> tuple[str, ...]:
    """A JSON list of strings, or one string with tags separated by commas."""
    if value is None:
        return ()
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise InvalidTask(f"tags {value!r:.80} are neither a list of strings nor one string with commas")
    return tuple(part.strip() for part in parts if part.strip())
