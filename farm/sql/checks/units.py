"""Spans of time are written with the units that MySQL has."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.calls import called, start_of
from farm.sql.subject import Subject
from farm.sql.verdict import Finding
from farm.sql.words import words

_SIMPLE = words("MICROSECOND SECOND MINUTE HOUR DAY WEEK MONTH QUARTER YEAR")
_COMPOSITE = words(
    "SECOND_MICROSECOND MINUTE_MICROSECOND MINUTE_SECOND HOUR_MICROSECOND HOUR_SECOND HOUR_MINUTE "
    "DAY_MICROSECOND DAY_SECOND DAY_MINUTE DAY_HOUR YEAR_MONTH"
)
_UNITS = _SIMPLE | _COMPOSITE
_COUNTED = frozenset({"timestampdiff", "timestampadd"})
_WITH_INTERVAL = frozenset({"date_add", "date_sub"})
_HINT = "use MICROSECOND, SECOND, MINUTE, HOUR, DAY, WEEK, MONTH, QUARTER or YEAR"


def units_exist(subject: Subject) -> Iterator[Finding]:
    """In INTERVAL, EXTRACT, TIMESTAMPDIFF and TIMESTAMPADD; DATE_ADD and DATE_SUB take an INTERVAL alone."""
    if subject.rules.name != "mysql":
        return
    for interval in subject.find_all(exp.Interval):
        if not isinstance(interval.this, exp.Tuple):  # INTERVAL(a, b, …) is a function
            yield from _unit(subject, interval, interval.text("unit"), _UNITS)
    for extract in subject.find_all(exp.Extract):
        yield from _unit(subject, extract, extract.name, _UNITS)
    for call in subject.find_all(exp.Anonymous):
        name, given = called(call), call.expressions
        if name in _COUNTED and given and isinstance(given[0], exp.Column | exp.Literal):
            unit = given[0].name if isinstance(given[0], exp.Column) else f"'{given[0].name}'"
            yield from _unit(subject, call, unit.upper().removeprefix("SQL_TSI_"), _SIMPLE)
        elif name in _WITH_INTERVAL and len(given) == 2 and not isinstance(given[1], exp.Interval):
            yield Finding(
                code="wrong_arguments",
                message=f"{name} adds no plain number",
                hint=f"write {name}(…, INTERVAL … DAY)",
                **subject.place(call.meta.get("start")),
            )


def _unit(subject: Subject, node: exp.Expr, unit: str, known: frozenset[str]) -> Iterator[Finding]:
    if unit.upper() in known:
        return
    what = f"there is no unit of time {unit}" if unit else "the INTERVAL has no unit"
    yield Finding(code="foreign_construct", message=what, hint=_HINT, **subject.place(start_of(node)))
