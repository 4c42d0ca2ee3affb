"""What somebody wants to run: a report with other values in the places of its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass

from farm.sql.parameters import Parameter, bind, parameters
from farm.store.reports import Report
from farm.targets.target import Target

PREFIX = "p_"
INPUT_TYPES = {"date": "date", "month": "month", "number": "text", "whole": "number"}
HINTS = {
    "moment": "a date and time, such as 2025-01-31 14:30:00",
    "interval": "a time span, such as 30 days",
    "year": "a year",
    "number": "a number",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterField:
    """A parameter as a field of a form; `input_type` is the browser's."""

    parameter: Parameter
    name: str
    value: str
    input_type: str
    hint: str | None


def own_sql(report: Report, target: Target) -> tuple[str, str]:
    """The query in the target's own dialect, and that dialect."""
    if report.original_sql is not None and report.original_dialect is not None:
        return report.original_sql, report.original_dialect
    return report.sql, target.dialect


def values(given: Mapping[str, str]) -> dict[str, str]:
    """The parameters in an address or a form, without the prefix."""
    return {
        name.removeprefix(PREFIX): value
        for name, value in given.items()
        if name.startswith(PREFIX) and isinstance(value, str)
    }


def changed(sql: str, dialect: str, given: Mapping[str, str]) -> dict[str, str]:
    """Those of the values that differ from what the query says by itself."""
    own = {parameter.name: parameter.default for parameter in parameters(sql, dialect)}
    return {name: value for name, value in given.items() if own.get(name) != value}


def bound(sql: str, dialect: str, given: Mapping[str, str]) -> str:
    """The query with these values; raises BadInput for one that does not fit."""
    return bind(sql, dialect, given) if given else sql


def fields(sql: str, dialect: str, given: Mapping[str, str]) -> tuple[ParameterField, ...]:
    """The fields of a form, filled in."""
    return tuple(
        ParameterField(
            parameter=parameter,
            name=f"{PREFIX}{parameter.name}",
            value=given.get(parameter.name, parameter.default),
            input_type=INPUT_TYPES.get(parameter.kind, "text"),
            hint=HINTS.get(parameter.kind),
        )
        for parameter in parameters(sql, dialect)
    )


def prefixed(given: Mapping[str, str]) -> dict[str, str]:
    """Values as the fields of an address."""
    return {f"{PREFIX}{name}": value for name, value in given.items()}
