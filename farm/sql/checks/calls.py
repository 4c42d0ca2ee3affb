"""Functions get as many arguments as they take. Postgres' are checked with their types."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.calls import arguments, called, is_distinct
from farm.sql.checks.reading import TYPES_WITH_LENGTH
from farm.sql.dialect import ANY_NUMBER
from farm.sql.subject import Subject
from farm.sql.verdict import Finding
from farm.sql.words import words

_GIVES_ROWS = words("json_each json_tree jsonb_each jsonb_tree generate_series")


def argument_counts(subject: Subject) -> Iterator[Finding]:
    """No more and no fewer arguments than the function takes; a star only in COUNT(*)."""
    takes = subject.rules.argument_counts
    for node in subject.find_all(exp.Anonymous, exp.GroupConcat, exp.Substring, exp.If, exp.Ceil, exp.Floor):
        if node.arg_key == "ifs" or isinstance(node.parent, exp.Dot):
            continue  # WHEN … THEN … of CASE; DuckDB's x.f(y), which is f(x, y)
        name = called(node) or ""
        given = arguments(node)
        if is_distinct(node) and any(_is_star(part, subject) for part in given):
            yield _wrong(subject, node, f"{name} takes no * behind DISTINCT", "name the columns")
            continue
        if any(isinstance(part, exp.Star) for part in given) and subject.rules.name != "duckdb":
            if len(given) > 1 or (name != "count" and takes.get(name, (1, 1))[0]):
                yield _wrong(subject, node, f"{name} takes no * among its arguments", "only COUNT(*) exists")
            continue
        if name == "count" and is_distinct(node) and subject.rules.name != "sqlite":
            continue
        least, most = takes.get(name, (0, ANY_NUMBER))
        if not least <= len(given) <= most:
            wanted = (
                str(least) if least == most else f"{least} or more" if most > 99 else f"{least} to {most}"
            )
            yield _wrong(subject, node, f"{name} has {len(given)} arguments", f"it takes {wanted}")
        elif is_distinct(node) and len(given) != 1 and subject.rules.name == "sqlite":
            yield _wrong(subject, node, f"{name}(DISTINCT …) has {len(given)} arguments", "it takes one")


def _is_star(part: exp.Expr, subject: Subject) -> bool:
    """Whether an argument is a star; of one table Postgres makes a row of it."""
    return part.is_star and not (subject.rules.name == "postgres" and isinstance(part, exp.Column))


def tables_stand_in_from(subject: Subject) -> Iterator[Finding]:
    """What gives rows is no value in SQLite, and what gives a value no table there and in MySQL."""
    if subject.rules.name not in {"sqlite", "mysql"}:
        return
    scalar = subject.rules.functions - _GIVES_ROWS
    for node in subject.find_all(exp.Anonymous):
        if called(node) in _GIVES_ROWS and not isinstance(node.parent, exp.Table | exp.Lateral):
            yield _wrong(
                subject, node, f"{node.name} gives rows and stands in FROM", "join it: FROM t, json_each(t.x)"
            )
        elif isinstance(node.parent, exp.Table) and called(node) in scalar:
            yield _wrong(subject, node, f"{node.name} gives one value and no rows", "call it in SELECT")


def types_are_not_called(subject: Subject) -> Iterator[Finding]:
    """`VARCHAR(x)` is a type with a length, and no call unless the dialect has a function of this name."""
    functions = subject.rules.functions
    for node in subject.find_all(exp.Anonymous):
        name = node.name.upper()
        if name in TYPES_WITH_LENGTH and called(node) not in functions:
            yield _wrong(subject, node, f"{name} is a type here and no function", f"write CAST(… AS {name})")


def _wrong(subject: Subject, node: exp.Expr, message: str, hint: str) -> Finding:
    place = subject.place(node.meta.get("start"))
    return Finding(code="wrong_arguments", message=message, hint=hint, **place)
