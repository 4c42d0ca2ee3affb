"""Conditions are conditions, where the engine insists."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.subject import Subject
from farm.sql.verdict import Finding


def conditions_are_boolean(subject: Subject) -> Iterator[Finding]:
    """In Postgres no bare number stands beside AND, OR or NOT, nor alone in WHERE or HAVING."""
    if subject.rules.name != "postgres":
        return
    for node in subject.find_all(exp.Connector, exp.Not, exp.Where, exp.Having):
        for part in node.iter_expressions():
            if isinstance(part.unnest(), exp.Literal) and not part.unnest().is_string:
                yield Finding(
                    code="not_boolean",
                    message=f"{part.sql(subject.rules.name)} is a number where Postgres wants a condition",
                    hint="compare it with something, or write TRUE or FALSE",
                )
                return
