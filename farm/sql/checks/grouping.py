"""What a grouped query shows has one value for each group."""

from collections.abc import Iterator

from sqlglot import exp

from farm.sql.calls import written
from farm.sql.grouping import Grouping, Ungrouped, grouped_selections
from farm.sql.names.sources import Selection
from farm.sql.subject import Subject
from farm.sql.verdict import Finding

REPORTED = 3


def columns_are_grouped(subject: Subject) -> Iterator[Finding]:
    """Columns outside of aggregates are in GROUP BY; SQLite takes any row's value instead."""
    rules = subject.rules
    if rules.grouping == "free":
        return
    for selection in grouped_selections(subject):
        grouping = Grouping(selection=selection, resolution=subject.resolution, rules=rules)
        found = list(grouping.ungrouped())[:REPORTED]
        for ungrouped in found:
            yield _finding(subject, selection, ungrouped)
        if found:
            return


def _finding(subject: Subject, selection: Selection, ungrouped: Ungrouped) -> Finding:
    column = written(ungrouped.node, subject.rules.name)
    group = selection.node.args.get("group")
    what = "is not in GROUP BY and not in an aggregate"
    if group is None:
        what = "stands beside an aggregate, and there is no GROUP BY"
    if ungrouped.inside:
        column = f"{column} in the subquery"
    start = next((n.meta["start"] for n in ungrouped.node.walk() if "start" in n.meta), None)
    hint = "name the columns instead of *" if isinstance(ungrouped.node, exp.Star) else _hint(column)
    return Finding(code="not_grouped", message=f"{column} {what}", hint=hint, **subject.place(start))


def _hint(column: str) -> str:
    return f"add it to GROUP BY, or take MIN({column}) or MAX({column})"
