"""Windows are ones that can be computed: their frames, and what stands before OVER."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from farm.sql.calls import is_distinct, start_of, written
from farm.sql.names.owners import innermost
from farm.sql.subject import Subject
from farm.sql.verdict import Finding

_BEHIND = {"PRECEDING": 0, "CURRENT ROW": 1, "FOLLOWING": 2}
_FRAMES = frozenset({"ROWS", "RANGE", "GROUPS"})
_NO_DISTINCT = frozenset({"sqlite", "postgres"})


def windows_are_possible(subject: Subject) -> Iterator[Finding]:
    """A frame ends where it begins or later, RANGE with an offset has one ORDER BY item, no DISTINCT."""
    for window in subject.find_all(exp.Window):
        spec = window.args.get("spec")
        if spec is not None and _ends_too_early(spec):
            yield _finding(
                subject, window, "the window's frame ends before it begins", "begin it with the earlier row"
            )
        if spec is not None and _measures_several(window, spec):
            what = "RANGE with an offset needs exactly one item in ORDER BY"
            yield _finding(subject, window, what, "order by one column, or use ROWS")
        call = innermost(window.this) if window.this is not None else None
        if subject.rules.name == "postgres" and isinstance(window.this, exp.WithinGroup):
            what = f"{written(window.this, 'postgres')} has WITHIN GROUP and OVER"
            yield _finding(subject, window, what, "compute it with GROUP BY in a subquery, and join that")
        if subject.rules.name in _NO_DISTINCT and call is not None and is_distinct(call):
            what = f"{written(call, subject.rules.name)} has DISTINCT and OVER"
            yield _finding(subject, window, what, "count distinct values in a subquery")


def frames_are_whole(subject: Subject) -> Iterator[Finding]:
    """A frame has BETWEEN where it has two bounds, and two bounds where it has BETWEEN."""
    tokens = subject.tokens
    written = [
        tokens[at]
        for at in subject.tokens_of(TokenType.BETWEEN)
        if at and tokens[at - 1].text.upper() in _FRAMES
    ]
    ended = [spec for spec in subject.find_all(exp.WindowSpec) if spec.args.get("end") is not None]
    if len(ended) > len(written):
        yield Finding(
            code="empty_clause",
            message="a window's frame has two bounds, and no BETWEEN",
            hint="write BETWEEN … PRECEDING AND CURRENT ROW",
            **subject.place(start_of(ended[0])),
        )
    if len(written) > len(ended):
        yield Finding(
            code="empty_clause",
            message="a window's BETWEEN has no AND",
            hint="write BETWEEN … PRECEDING AND CURRENT ROW",
            **subject.place(written[0].start),
        )


def _ends_too_early(spec: exp.Expr) -> bool:
    start, end = _bound(spec, "start"), _bound(spec, "end")
    if start == ("UNBOUNDED", "FOLLOWING") or end == ("UNBOUNDED", "PRECEDING"):
        return True
    return spec.args.get("end") is not None and _BEHIND.get(end[1], 2) < _BEHIND.get(start[1], 0)


def _bound(spec: exp.Expr, side: str) -> tuple[str, str]:
    """What a frame's bound counts, and in which direction."""
    value = spec.args.get(side)
    word = value.upper() if isinstance(value, str) else ""
    return word, "CURRENT ROW" if word == "CURRENT ROW" else (spec.args.get(f"{side}_side") or "").upper()


def _measures_several(window: exp.Expr, spec: exp.Expr) -> bool:
    offsets = any(isinstance(spec.args.get(side), exp.Expr) for side in ("start", "end"))
    if (
        not offsets
        or (spec.args.get("kind") or "").upper() != "RANGE"
        or window.args.get("alias") is not None
    ):
        return False
    order = window.args.get("order")
    return order is None or len(order.expressions) != 1


def _finding(subject: Subject, window: exp.Expr, what: str, hint: str) -> Finding:
    return Finding(code="misplaced_window", message=what, hint=hint, **subject.place(start_of(window)))
