"""What the columns of a result are: times, numbers that measure, or words that tell rows apart."""

import contextlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

Role = Literal["time", "number", "category", "other"]
Row = Sequence[Any]

YEAR = re.compile(r"(1[6-9]|2[0-2])\d\d")
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])")
MOMENT = re.compile(r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])[ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
ID_NAME = re.compile(r"(^|_)(id|key|code|number|no|zip|postcode|phone)$", re.IGNORECASE)
CALENDAR_NAME = re.compile(
    r"(^|_)(year|month|quarter|week|weekday|day|hour|decade|jahr|monat)(_|$)", re.IGNORECASE
)
LONGEST_TEXT_CHARS = 200
NOTHING = "(none)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A column by its place. `distinct`: how many values it has, without NULL.

    A category is `is_ordered` where it is a part of the calendar, `is_id` where it is another number.
    """

    place: int
    name: str
    role: Role
    distinct: int
    is_ordered: bool = False
    is_id: bool = False

    @property
    def field(self) -> str:
        """Its name in a specification: names of columns may repeat, and hold dots, brackets and quotes."""
        return f"c{self.place}"


def read_columns(names: Sequence[str], rows: Sequence[Row]) -> tuple[Column, ...]:
    """The columns with their roles, as names and values tell them."""
    return tuple(_column(place, str(name), [row[place] for row in rows]) for place, name in enumerate(names))


def _column(place: int, name: str, values: Sequence[Any]) -> Column:
    there = [value for value in values if value is not None]
    distinct = len({repr(value) for value in there})
    role: Role = _role(name, there, distinct)
    counts = role == "category" and bool(there) and all(is_number(value) for value in there)
    ordered = counts and CALENDAR_NAME.search(name) is not None
    return Column(
        place=place, name=name, role=role, distinct=distinct, is_ordered=ordered, is_id=counts and not ordered
    )


def _role(name: str, values: Sequence[Any], distinct: int) -> Role:
    if not values:
        return "other"
    if all(_is_time(value) for value in values) or _are_years(name, values):
        return "time"
    if all(is_number(value) for value in values):
        whole = all(_is_whole(value) for value in values)
        if CALENDAR_NAME.search(name) and whole:
            return "category"
        return "category" if ID_NAME.search(name) and whole else "number"
    if all(isinstance(value, str | bool | int | Decimal | date) for value in values):
        short = all(len(str(value)) <= LONGEST_TEXT_CHARS for value in values)
        return "category" if short else "other"
    return "other"


def is_number(value: Any) -> bool:
    """Whether a value can be measured; True and False cannot."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    """Whether a number has no fraction; what is not finite does not count."""
    if isinstance(value, Decimal):
        return not value.is_finite() or value == value.to_integral_value()
    return isinstance(value, int) or not math.isfinite(value) or value.is_integer()


def _is_time(value: Any) -> bool:
    if isinstance(value, date):
        return True
    return isinstance(value, str) and any(form.fullmatch(value) for form in (MONTH, DAY, MOMENT))


def _are_years(name: str, values: Sequence[Any]) -> bool:
    texts = [str(value) for value in values if isinstance(value, str | int) and not isinstance(value, bool)]
    if len(texts) < len(values) or not all(YEAR.fullmatch(text) for text in texts):
        return False
    return "year" in name.lower() or all(isinstance(value, str) for value in values)


def plotted(value: Any, role: Role) -> Any:
    """A value as a specification holds it: times in UTC, numbers as floats, words as text."""
    if role == "number":
        return _float(value)
    if value is None:
        return None if role == "time" else NOTHING
    if role == "time":
        return _moment(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, int) and abs(value) < 2**53 else str(value)


def _float(value: Any) -> float | int | None:
    if value is None:
        return None
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    try:
        number = float(value)
    except (OverflowError, ValueError):  # an integer of hundreds of digits; a signalling NaN
        return None
    return number if math.isfinite(number) else None


def _moment(value: Any) -> str | None:
    """ISO 8601 with a Z: browsers take a time without a zone for local. One without a zone stays as told."""
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day)
    else:
        text = str(value).replace(" ", "T")
        if len(text) in (4, 7):
            text += "-01-01"[: 10 - len(text)] if len(text) == 4 else "-01"
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
    if moment.tzinfo is not None:
        with contextlib.suppress(OverflowError):  # the last hours of the year 9999
            moment = moment.astimezone(UTC)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
