"""LIMIT and OFFSET count rows: what may stand there, per dialect."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.calls import start_of, written
from farm.sql.subject import Subject
from farm.sql.verdict import Finding


def limits_are_counts(subject: Subject) -> Iterator[Finding]:
    """No column and no text; in MySQL nothing but a whole number."""
    for node in subject.find_all(exp.Limit, exp.Offset, exp.Fetch):
        value = node.args.get("count" if isinstance(node, exp.Fetch) else "expression")
        if value is None:
            continue
        problem = _problem(subject, value.unnest())
        if problem is not None:
            yield Finding(
                code="invalid_limit",
                message=f"{node.key.upper()} {written(value, subject.rules.name)}: {problem}",
                hint="write a whole number",
                **subject.place(start_of(value)),
            )


def _problem(subject: Subject, value: exp.Expr) -> str | None:
    if subject.rules.name == "mysql":
        is_whole = isinstance(value, exp.Literal) and not value.is_string and value.name.isdigit()
        return None if is_whole else "MySQL takes a whole number here"
    if isinstance(value, exp.Literal) and value.is_string:
        text = value.name.strip()
        fine = text.lstrip("+-").isdigit() or subject.rules.name == "sqlite"
        return None if fine else "a text is no number of rows"
    if subject.rules.name == "duckdb" and isinstance(value, exp.Neg):
        return "a number of rows is not negative"
    if any(isinstance(node, exp.Column) for node in _outside_queries(value)):
        return "columns have no value here"
    return None


def _outside_queries(node: exp.Expr) -> Iterator[exp.Expr]:
    stack = [node]
    while stack:
        here = stack.pop()
        if not isinstance(here, exp.Query):
            yield here
            stack.extend(here.iter_expressions())
