"""Values of a result as JSON and back: what JSON has no type for is kept as {"type": text}."""

import base64
import json
import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from farm.storable import storable

KEPT_LIMIT_BYTES = 4 << 20
"""What the store keeps of one result."""


def to_json(value: Any) -> Any:
    """A value of any driver as JSON that every database stores; exact, but for kinds it does not know."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": str(value)}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"bytes": base64.b64encode(bytes(value)).decode()}
    for name, (kind, write, _) in KINDS.items():
        if isinstance(value, kind):
            return {name: write(value)}
    if isinstance(value, list | tuple | dict):
        return {"json": plain_text(value)}
    return {"text": to_json(str(value))}


def from_json(value: Any) -> Any:
    """What `to_json` was given."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((name, text),) = value.items()
    if name in KINDS:
        return KINDS[name][2](text)
    if name == "bytes":
        return base64.b64decode(text)
    if name == "json":
        return json.loads(text)
    return float(text) if name == "float" else text


def plain_text(value: Any) -> str:
    """An array or a document as JSON text; what is no JSON in it becomes text."""
    said = json.dumps(value, ensure_ascii=False, default=text_of)
    return said.encode("utf-8", "replace").decode()


def text_of(value: Any) -> str:
    """A value as people read it, and as exports write it; None becomes empty text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"\\x{bytes(value).hex()}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | tuple | dict):
        return plain_text(value)
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() else str(value)
    return str(value)


def fitting(
    rows: Sequence[Sequence[Any]], *, limit_bytes: int = KEPT_LIMIT_BYTES
) -> tuple[list[list[Any]], bool]:
    """The first rows that fit, as JSON values, and whether some had to be left."""
    kept: list[list[Any]] = []
    room_bytes = limit_bytes
    for row in rows:
        values = [to_json(value) for value in row]
        room_bytes -= len(json.dumps(values))
        if room_bytes < 0:
            return kept, True
        kept.append(values)
    return kept, False


KINDS: dict[str, tuple[type, Callable[[Any], str], Callable[[str], Any]]] = {
    "decimal": (Decimal, str, Decimal),
    "datetime": (datetime, datetime.isoformat, datetime.fromisoformat),
    "date": (date, date.isoformat, date.fromisoformat),
    "time": (time, time.isoformat, time.fromisoformat),
    "interval": (
        timedelta,
        lambda value: f"{value.days} {value.seconds} {value.microseconds}",
        lambda text: timedelta(*map(int, text.split())),
    ),
    "uuid": (UUID, str, UUID),
}
"""Name, type, to text and back; datetime stands before date, which it is a kind of."""
