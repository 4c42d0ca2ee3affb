"""Types fit together, where the engine insists: in Postgres."""

from collections.abc import Iterator

from farm.sql.subject import Subject
from farm.sql.types.infer import says
from farm.sql.verdict import Finding

REPORTED = 5


def types_agree(subject: Subject) -> Iterator[Finding]:
    """Operators, arguments, conditions, CASE and string literals; see farm.sql.types.infer."""
    if subject.rules.name != "postgres":
        return
    typing = subject.typing
    for selection in subject.resolution.selections:  # inner ones first, so that no chain of queries is deep
        for origin in selection.columns.origins:
            typing.origin(origin)
    kinds = frozenset(kind for kind in subject.kinds if says(kind))
    for node in reversed(subject.nodes):
        if type(node) in kinds:
            typing.type(node)
    yield from sorted(typing.findings, key=_position)[:REPORTED]


def _position(finding: Finding) -> tuple[int, int]:
    return finding.line or 0, finding.column or 0
