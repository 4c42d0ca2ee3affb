"""Function calls as they were written.

sqlglot renames functions and reorders their arguments; told not to, it leaves a plain call for all but those
with a grammar of their own.
"""

from collections.abc import Iterable, Sequence

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from farm.sql.dialect import Rules

_OWN_GRAMMAR: dict[type[exp.Expr], str] = {
    exp.ArgMax: "arg_max",
    exp.ArgMin: "arg_min",
    exp.Ceil: "ceil",
    exp.Chr: "chr",
    exp.Exists: "exists",
    exp.Extract: "extract",
    exp.Floor: "floor",
    exp.GroupConcat: "group_concat",
    exp.If: "if",
    exp.Initcap: "initcap",
    exp.JSONArrayAgg: "json_agg",
    exp.JSONObject: "json_object",
    exp.JSONObjectAgg: "json_objectagg",
    exp.Max: "max",
    exp.Min: "min",
    exp.Normalize: "normalize",
    exp.Overlay: "overlay",
    exp.StrPosition: "position",
    exp.Substring: "substring",
    exp.Trim: "trim",
}
_BARE: dict[type[exp.Expr], str] = {
    exp.CurrentDate: "current_date",
    exp.CurrentTime: "current_time",
    exp.CurrentTimestamp: "current_timestamp",
    exp.CurrentUser: "current_user",
    exp.CurrentRole: "current_role",
    exp.CurrentCatalog: "current_catalog",
    exp.CurrentSchema: "current_schema",
    exp.SessionUser: "session_user",
    exp.Localtime: "localtime",
    exp.Localtimestamp: "localtimestamp",
}

_NAMED = _OWN_GRAMMAR | _BARE
CALLS: tuple[type[exp.Expr], ...] = (exp.Anonymous, *_OWN_GRAMMAR)
_UNIT_FIRST = frozenset({"timestampdiff", "timestampadd", "get_format"})


def keep_as_written(closing: Iterable[Token]) -> None:
    """Mark every call so that the parser leaves it alone, by the `closing` parentheses: its own switch is a
    comment after that of the call."""
    for token in closing:
        token.comments.append(exp.SQLGLOT_ANONYMOUS)


def called(node: exp.Expr) -> str | None:
    """The folded name of the function that a node calls, None when it is no call."""
    kind = type(node)
    if kind is exp.Anonymous:
        return node.name.lower()
    return _NAMED.get(kind)


def is_call(kind: type[exp.Expr]) -> bool:
    """Whether nodes of this type call a function."""
    return kind is exp.Anonymous or kind in _NAMED


def is_bare(node: exp.Expr) -> bool:
    """Whether a node is a call that is written without parentheses, as CURRENT_DATE is."""
    return type(node) in _BARE


def arguments(node: exp.Expr) -> Sequence[exp.Expr]:
    """What a call's parentheses hold, without DISTINCT and without an ORDER BY of its own."""
    if isinstance(node, exp.Anonymous):
        return [inner for part in node.expressions for inner in _plain(part)]
    if isinstance(node, exp.GroupConcat):
        parts = [*_plain(node.this), node.args.get("separator")]
        return [part for part in parts if part is not None]
    if isinstance(node, exp.Initcap):
        return [node.this]  # the parser adds the separators that other dialects take
    return list(node.iter_expressions())


def _plain(part: exp.Expr) -> Sequence[exp.Expr]:
    while isinstance(part, exp.Order | exp.Limit | exp.IgnoreNulls | exp.RespectNulls | exp.HavingMax):
        part = part.this
    if isinstance(part, exp.Distinct):
        return [inner for each in part.expressions for inner in _plain(each)]
    return [part]


def names_a_unit(node: exp.Expr) -> bool:
    """Whether a node is the unit in `TIMESTAMPDIFF(YEAR, a, b)`, which looks like a column."""
    call = node.parent
    if not isinstance(call, exp.Anonymous) or call.name.lower() not in _UNIT_FIRST:
        return False
    return call.expressions[0] is node


def is_distinct(node: exp.Expr) -> bool:
    """Whether a call has DISTINCT in front of its arguments."""
    part = next(iter(node.expressions), None) if isinstance(node, exp.Anonymous) else node.args.get("this")
    while isinstance(part, exp.Order):
        part = part.this
    return isinstance(part, exp.Distinct)


def written(node: exp.Expr, dialect: str, *, limit: int = 60) -> str:
    """A node as text for a message, cut at `limit` characters."""
    text = node.sql(dialect, comments=False, normalize_functions=False)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def start_of(node: exp.Expr) -> int | None:
    """The character offset at which a node begins, as far as its names tell."""
    starts = (inner.meta["start"] for inner in node.walk() if "start" in inner.meta)
    return min(starts, default=None)


def aggregates_rows(node: exp.Expr, rules: Rules) -> bool:
    """Whether a node calls an aggregate. SQLite's max(a, b) and min(a, b) compare their arguments."""
    if isinstance(node, exp.GroupConcat):  # string_agg and group_concat alike
        return True
    name = called(node)
    if name is None or name not in rules.aggregates:
        return False
    return name not in {"max", "min"} or rules.name == "duckdb" or len(arguments(node)) < 2
