"""Whether a string literal is a value of the type that its surroundings give it, where that is certain."""

import json
import re
from calendar import monthrange
from decimal import Decimal, InvalidOperation

from farm.sql.words import words

_WHOLE = {"int2": 1 << 15, "int4": 1 << 31, "int8": 1 << 63}
_INTEGER = re.compile(r"\s*[+-]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d+(_\d+)*)\s*\Z")
_NUMBER = re.compile(
    r"\s*[+-]?(\d[\d_]*\.?\d*|\.\d+)([eE][+-]?\d+)?\s*\Z|\s*[+-]?0[xXoObB][0-9a-fA-F_]+\s*\Z"
)
_NOT_FINITE = re.compile(r"\s*(nan|[+-]?inf(inity)?)\s*\Z", re.IGNORECASE)
_TRUTHS = ("true", "false", "yes", "no")
_SHORT_TRUTHS = ("on", "off", "of", "1", "0")
_UUID = re.compile(r"\s*\{?[0-9a-fA-F]{4}(-?[0-9a-fA-F]{4}){7}\}?\s*\Z")
_DAYS = frozenset({"date", "timestamp", "timestamptz"})
_SPECIAL_DAY = re.compile(r"\s*(now|today|tomorrow|yesterday|epoch|-?infinity|allballs)\b.*", re.IGNORECASE)
_ISO_DAY = re.compile(r"\s*(\d{4,5})-(\d{1,2})-(\d{1,2})(?!\d)")
_NEVER_A_DAY = re.compile(r"\s*(\d{1,5}|\d{4}-\d{1,2}|\d{4}[-/]|[^\d]*|.*[%_*?<>=!;].*)\s*\Z", re.DOTALL)
_SPAN = re.compile(r"\s*[+-]?\d+\s*(second|minute|hour|day|week|month|year)s?\s*\Z", re.IGNORECASE)
_WORD = re.compile(r"[a-z]+")
_SPANS = words(  # after deltatktbl in datetime.c
    "ago c cent century d day dec decade h hour hr m microsecond mil millennia millennium millisecond "
    "min minute mon month mseconds msec ms s sec second us usec useconds w week y year yr"
)
_CLOCK = re.compile(r"(?:^|[\sT])(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?", re.IGNORECASE)
_NO_TIME = re.compile(r"\s*(\d{1,3}|\d{4}-\d{1,2}-\d{1,2})\s*\Z")
_INET = re.compile(r"\s*[0-9a-fA-F:.]+(/\d{1,3})?\s*\Z")
_NEVER_A_TIME = re.compile(r"[^\d]*\Z|.*[%_*?<>=!;].*\Z", re.DOTALL)


def is_value(text: str, type_: str) -> bool:
    """False when Postgres would certainly refuse `text` as a `type_`."""
    if type_ in _WHOLE:
        return bool(_INTEGER.match(text)) and _in_range(text, _WHOLE[type_])
    if type_ in {"numeric", "float4", "float8"}:
        return bool(_NUMBER.match(text) or _NOT_FINITE.match(text))
    if type_ == "bool":
        return _is_truth(text.strip().lower())
    if type_ == "uuid":
        return bool(_UUID.match(text))
    if type_ in {"json", "jsonb"}:
        return _is_json(text)
    if type_ in {"inet", "cidr"}:
        return bool(_INET.match(text))
    if type_.startswith("_"):
        return text.lstrip()[:1] in {"{", "["}
    if type_ in _DAYS:
        return _is_day(text)
    if type_ in {"time", "timetz"}:
        if _SPECIAL_DAY.match(text):
            return True
        return not (_NEVER_A_TIME.match(text) or _NO_TIME.match(text)) and _is_clock(text)
    if type_ == "interval":
        return _is_interval(text)
    if type_.endswith("range"):
        return text.strip()[:1] in {"(", "[", "{"} or text.strip().lower() == "empty"
    return True


def _in_range(text: str, bound: int) -> bool:
    try:
        value = Decimal(text.replace("_", ""))
    except InvalidOperation:
        return True
    return -bound <= value < bound


def _is_truth(word: str) -> bool:
    return bool(word) and (word in _SHORT_TRUTHS or any(truth.startswith(word) for truth in _TRUTHS))


def _is_interval(text: str) -> bool:
    plain = text.strip().lower()
    if plain.lstrip("-+") == "infinity" or plain[:1] == "p":  # P1Y2M, of ISO 8601
        return True
    known = all(word in _SPANS or word.removesuffix("s") in _SPANS for word in _WORD.findall(plain))
    return known and not (_NEVER_A_TIME.match(text) or _ISO_DAY.match(text))


def _is_clock(text: str) -> bool:
    """Whether the time of day in a text, if it has one, is one."""
    clock = _CLOCK.search(text)
    if clock is None:
        return True
    hour, minute, second = (int(part or 0) for part in clock.groups())
    return hour <= 24 and minute <= 59 and second <= 60


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    except RecursionError:
        return True
    return True


def _is_day(text: str) -> bool:
    if _SPECIAL_DAY.match(text):
        return True
    if _NEVER_A_DAY.match(text) or _SPAN.match(text):
        return False
    iso = _ISO_DAY.match(text)
    if not _is_clock(text):
        return False
    if iso is None:
        return True
    year, month, day = (int(part) for part in iso.groups())
    return 1 <= month <= 12 and day >= 1 and (year > 9999 or day <= monthrange(max(year, 1), month)[1])
