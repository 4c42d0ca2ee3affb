"""What is odd about the rows of a query that the database took no offence at."""

from collections.abc import Iterator, Sequence
from typing import Any

from farm.sql.evidence import shown
from farm.sql.verdict import Finding, Severity

NAMED_COLUMNS = 5


def oddities(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, more: bool) -> Iterator[Finding]:
    """Warnings of a result that is hardly what was asked for."""
    if not rows:
        yield Finding(
            code="empty_result",
            severity=Severity.WARNING,
            message="the query gives no rows on the target",
            hint="look at its conditions: are the values written as the data have them?",
        )
        return
    empty = [shown(name) for at, name in enumerate(columns) if all(row[at] is None for row in rows)]
    if empty:
        named = ", ".join(empty[:NAMED_COLUMNS]) + (", …" if len(empty) > NAMED_COLUMNS else "")
        where = f"in the first {len(rows)} rows" if more else "in any row"
        yield Finding(
            code="all_null_column",
            severity=Severity.WARNING,
            message=f"there is no value {where} for {named}",
            hint="look at the joins: does every row find its counterpart?",
        )
