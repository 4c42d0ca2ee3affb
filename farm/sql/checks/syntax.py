"""The text parses, as exactly one statement without open parameters."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from farm.sql.subject import Subject
from farm.sql.verdict import Finding

_OPEN = (exp.Select, exp.SetOperation, exp.Array)


def parses(subject: Subject) -> Iterator[Finding]:
    """The dialect's grammar accepts the text."""
    try:
        _ = subject.statements
    except ParseError as error:
        detail = error.errors[0] if error.errors else {}
        near = str(detail.get("highlight") or "").strip()
        yield Finding(
            code="syntax_error",
            message=f"syntax error near {near!r}" if near else "syntax error: the query ends too early",
            line=detail.get("line"),
            column=_column(detail.get("col"), near),
            hint=_hint(str(detail.get("description") or "")),
        )
    except SqlglotError as error:
        yield Finding(code="syntax_error", message=f"the query cannot be parsed: {str(error)[:120]}")
    except (AttributeError, TypeError, ValueError, IndexError, KeyError):  # the parser's way to say no, too
        yield Finding(code="syntax_error", message="the query cannot be parsed")


def sources_are_closed(subject: Subject) -> Iterator[Finding]:
    """What stands in FROM is a table or has parentheses around it; the parser does without."""
    for clause in subject.find_all(exp.From, exp.Join):
        if isinstance(clause.this, _OPEN):
            yield Finding(
                code="syntax_error",
                message="what stands in FROM is neither a table nor a query in parentheses",
                hint="write FROM (SELECT …) AS name",
            )
            return


def _hint(description: str) -> str | None:
    """The parser's own words, unless they speak of its classes."""
    return "something is missing here" if "<class" in description else description or None


def _column(end: int | None, highlight: str) -> int | None:
    """sqlglot names the column at which the offending word ends."""
    return None if end is None else max(1, end - len(highlight) + 1)


def one_statement(subject: Subject) -> Iterator[Finding]:
    """Exactly one statement, a trailing semicolon allowed."""
    count = len(subject.statements)
    if count == 0:
        yield Finding(code="no_sql", message="there is no SQL statement, only comments or semicolons")
    elif count > 1:
        yield Finding(
            code="several_statements",
            message=f"there are {count} statements; a report is exactly one",
            hint="combine them into one SELECT, for example with a WITH clause",
        )


def no_parameters(subject: Subject) -> Iterator[Finding]:
    """A stored report runs without anybody filling in `?`, `:name` or `$1`."""
    parameter = next(subject.find_all(exp.Placeholder, exp.Parameter, exp.SessionParameter), None)
    if parameter is not None:
        yield Finding(
            code="parameter",
            message=f"the query waits for a parameter ({parameter.sql(subject.rules.name)})",
            hint="write the value itself into the query",
        )
