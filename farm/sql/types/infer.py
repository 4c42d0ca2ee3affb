"""The type of every expression of a query, as Postgres would find it, and what does not fit together.

Each node is typed once, those further down first; a type that is not known is None and fits everywhere, so
that only what is certainly wrong is told.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from sqlglot import exp

from farm.sql.calls import called, is_call, start_of, written
from farm.sql.names.resolution import Resolution
from farm.sql.names.sources import Origin
from farm.sql.place import place
from farm.sql.types import resolve
from farm.sql.types.calls import CallTyping, function
from farm.sql.types.catalog import ENUM, RECORD, UNKNOWN
from farm.sql.types.coercion import can_coerce, common_type
from farm.sql.types.declared import Declared
from farm.sql.types.literals import is_value
from farm.sql.types.names import spoken
from farm.sql.types.operators import BINARY, COMPARISONS, hint, spoken_operator
from farm.sql.types.sets import recursive_query, set_operation
from farm.sql.types.written import written_type
from farm.sql.verdict import Finding

_operator = lru_cache(maxsize=4096)(resolve.operator)

_FIXED: dict[type[exp.Expr], str] = {
    exp.Boolean: "bool",
    exp.Null: UNKNOWN,
    exp.CurrentDate: "date",
    exp.CurrentTime: "timetz",
    exp.CurrentTimestamp: "timestamptz",
    exp.Localtime: "time",
    exp.Localtimestamp: "timestamp",
    exp.Exists: "bool",
    exp.Tuple: RECORD,
    exp.JSONPath: UNKNOWN,
}
_AS_THE_OTHER = frozenset({"anyenum", "anyarray", "anycompatiblearray"})
_NEVER_AN_ARRAY = frozenset({"int4", "int8", "numeric", "float8", "text", "varchar", "date", "bool", "uuid"})
_INT4, _INT8 = 1 << 31, 1 << 63
MOST_FINDINGS = 20


@dataclass(kw_only=True)
class Typing(CallTyping):
    """Types of the expressions of one query by the id of their nodes, and the findings on the way."""

    resolution: Resolution
    sql: str
    declared: Declared = field(default_factory=Declared)
    findings: list[Finding] = field(default_factory=list)
    types: dict[int, str | None] = field(default_factory=dict)

    def type(self, node: exp.Expr | None) -> str | None:
        if node is None:
            return None
        key = id(node)
        if key not in self.types:
            self.types[key] = None  # until it is known: a recursive query asks for its own columns
            if len(self.findings) < MOST_FINDINGS:  # each quotes its expression: a chain would take n² time
                self.types[key] = self._type(node)
        return self.types[key]

    def _type(self, node: exp.Expr) -> str | None:
        kind = type(node)
        if (fixed := _FIXED.get(kind)) is not None:
            return fixed
        if (handler := _HANDLERS.get(kind)) is not None:
            return handler(self, node)
        if (symbol := BINARY.get(kind)) is not None:
            return self.binary(symbol, node, node.this, node.args.get("expression"))
        if called(node) is not None:
            return self._call(node)
        return None

    # what the rest builds on

    def origin(self, origin: Origin) -> str | None:
        """The type of an output column; a string literal in it is text."""
        if origin is None:
            return None
        if isinstance(origin, str):
            return self.declared.type_of(origin)
        if isinstance(origin, tuple):
            return self._common([self.origin(part) for part in origin])
        found = self.type(origin)
        return "text" if found == UNKNOWN else found

    def _common(self, types: Sequence[str | None]) -> str | None:
        known = [type_ for type_ in types if type_ is not None]
        return common_type(known) if len(known) == len(types) else None

    def convert(self, node: exp.Expr, target: str | None) -> None:
        """Report a string literal that is no value of the type which its surroundings give it."""
        inner = node.unnest()
        if not isinstance(inner, exp.Literal) or not inner.is_string or target is None:
            return
        fits = self.declared.has_label if target.startswith(ENUM) else is_value
        if not fits(inner.name, target):
            self.report(
                "invalid_literal",
                f"'{inner.name[:40]}' is not a value of type {spoken(target)}",
                node,
                hint=f"write a {spoken(target)}, or compare with a column of another type",
            )

    def boolean(self, node: exp.Expr | None, where: str) -> None:
        """Report what stands where a condition must."""
        found = self.type(node)
        if node is None or found is None:
            return
        if found == UNKNOWN:
            self.convert(node, "bool")
        elif found != "bool":
            self.report(
                "not_boolean",
                f"{where} needs a condition, and {written(node, 'postgres')} is {spoken(found)}",
                node,
                hint="compare it with something; a Postgres condition is true or false",
            )

    def report(self, code: str, message: str, node: exp.Expr, *, hint: str | None = None) -> None:
        start = start_of(node) or (start_of(node.parent) if node.parent is not None else None)
        self.findings.append(Finding(code=code, message=message, hint=hint, **place(self.sql, start)))

    # expressions

    def _literal(self, node: exp.Expr) -> str:
        if node.args.get("is_string"):
            return UNKNOWN
        text = node.name.lower().replace("_", "")
        if not text.isdigit():
            return "int4" if text.startswith(("0x", "0o", "0b")) else "numeric"
        value = int(text) if len(text) < 25 else _INT8
        return "int4" if value < _INT4 else "int8" if value < _INT8 else "numeric"

    def _column(self, node: exp.Expr) -> str | None:
        reference = self.resolution.references.get(id(node))
        if reference is None:
            return None
        if reference.source is None:
            return self.type(reference.alias)
        if reference.name in reference.scope.merged:
            sources = reference.scope.having(reference.name)
            return self._common([self.origin(source.columns.origin(reference.name)) for source in sources])
        return self.origin(reference.source.columns.origin(reference.name))

    def _inner(self, node: exp.Expr) -> str | None:
        return self.type(node.this)

    def _cast(self, node: exp.Expr) -> str | None:
        target = self.declared.type_of(written_type(node.args["to"]))
        source = self.type(node.this)
        if target is None or source is None:
            return target
        if source == UNKNOWN:
            self.convert(node.this, target)
        elif not can_coerce(source, target, context="e"):
            self.report(
                "cannot_cast",
                f"{spoken(source)} cannot be converted to {spoken(target)}: {written(node, 'postgres')}",
                node,
                hint="convert it in two steps, or compute the value otherwise",
            )
        return target

    def binary(
        self, symbol: str, node: exp.Expr, left: exp.Expr | None, right: exp.Expr | None
    ) -> str | None:
        """An operator between two expressions; rows are compared part by part."""
        if left is None or right is None:
            return None
        if (operand := _of_any(right)) is not None:
            self._any(symbol, node, left, operand.unnest())
            return "bool"
        ours, theirs = self._parts(left), self._parts(right)
        if (len(ours) > 1 or len(theirs) > 1) and symbol in COMPARISONS:
            for (one, one_type), (other, other_type) in zip(ours, theirs, strict=False):
                self._pair(symbol, node, one or left, one_type, other_type, other)
            return "bool"
        return self._pair(symbol, node, left, self.type(left), self.type(right), right)

    def _any(self, symbol: str, node: exp.Expr, left: exp.Expr, right: exp.Expr) -> None:
        """ANY and ALL, of the rows of a query or the elements of an array."""
        ours, theirs = self.type(left), self.type(right)
        is_query = id(right) in self.resolution.outputs
        if is_query and ours == RECORD:
            self.binary(symbol, node, left, right)
            return
        if theirs == UNKNOWN and ours not in {None, UNKNOWN, RECORD} and not is_query:
            self.convert(right, f"_{ours}")
        elif theirs in _NEVER_AN_ARRAY and not is_query:
            what = f"ANY and ALL take an array or a query, not {spoken(theirs or '')}"
            self.report("type_mismatch", what, node, hint="write = ANY (ARRAY[…]), or IN (…)")
        else:
            self._pair(symbol, node, left, ours, self._element(right), None)

    def _parts(self, node: exp.Expr) -> list[tuple[exp.Expr | None, str | None]]:
        """The expressions of a row with their types, or the types alone of a query's columns."""
        inner = node.unnest()
        if isinstance(inner, exp.Tuple) or called(inner) == "row":
            return [(part, self.type(part)) for part in inner.expressions]
        columns = self.resolution.outputs.get(id(inner))
        return [] if columns is None else [(None, self.origin(part)) for part in columns.origins]

    def _element(self, node: exp.Expr) -> str | None:
        """The type of the single values in the operand of ANY, ALL or IN."""
        inner = node.unnest()
        columns = self.resolution.outputs.get(id(inner))
        if columns is not None:
            return self.origin(columns.origins[0]) if len(columns.origins) == 1 else None
        found = self.type(inner)
        return found[1:] if found is not None and found.startswith("_") else None

    def _pair(
        self,
        symbol: str,
        node: exp.Expr,
        left: exp.Expr,
        left_type: str | None,
        right_type: str | None,
        right: exp.Expr | None,
    ) -> str | None:
        found = _operator(symbol, (left_type, right_type))
        if isinstance(found, resolve.Resolved):
            for side, given, target in ((left, left_type, 0), (right, right_type, 1)):
                if side is not None and given == UNKNOWN:
                    wanted = found.arguments[target]
                    other = left_type if target else right_type
                    self.convert(side, other if wanted in _AS_THE_OTHER else wanted)
            return found.result
        if isinstance(found, resolve.Failure):
            one, other = spoken(left_type or ""), spoken(right_type or "")
            other = "text" if other == UNKNOWN else other
            self.report(
                "type_mismatch",
                f"{one} {spoken_operator(symbol)} {other} does not exist: {written(node, 'postgres')}",
                node,
                hint=hint(symbol, one, other),
            )
        return None

    def _between(self, node: exp.Expr) -> str:
        self.binary(">=", node, node.this, node.args["low"])
        self.binary("<=", node, node.this, node.args["high"])
        return "bool"

    def _in(self, node: exp.Expr) -> str:
        query = node.args.get("query")
        if query is not None:
            self.binary("=", node, node.this, query)
            return "bool"
        given = [self.type(node.this), *(self.type(part) for part in node.expressions)]
        is_row = given[0] == RECORD
        shared = self._common(given) if len(node.expressions) > 1 and not is_row else None
        for part in node.expressions:
            if shared is not None and self.type(part) == UNKNOWN:
                self.convert(part, shared)
            elif shared is None:
                before = len(self.findings)
                self.binary("=", node, node.this, part)
                if len(self.findings) > before:
                    break
        return "bool"

    def _connector(self, node: exp.Expr) -> str:
        for part in node.iter_expressions():
            if not isinstance(part, exp.Connector):
                self.boolean(part, node.key.upper())
        return "bool"

    def _is(self, node: exp.Expr) -> str:
        if isinstance(node.args.get("expression"), exp.Boolean):
            self.boolean(node.this, "IS TRUE or IS FALSE")
        return "bool"

    def _negative(self, node: exp.Expr) -> str | None:
        given = self.type(node.this)
        found = _operator("-", (given,))
        if isinstance(found, resolve.Failure) and given not in {None, UNKNOWN}:
            what = f"- {spoken(given or '')} does not exist: {written(node, 'postgres')}"
            self.report("type_mismatch", what, node, hint="negate a number or an interval")
        return found.result if isinstance(found, resolve.Resolved) else None

    def _case(self, node: exp.Expr) -> str | None:
        results = []
        for branch in node.args.get("ifs") or ():
            if node.this is None:
                self.boolean(branch.this, "WHEN")
            else:
                self.binary("=", branch, node.this, branch.this)
            results.append(branch.args["true"])
        if node.args.get("default") is not None:
            results.append(node.args["default"])
        return self.one_type(node, results, "CASE")

    def one_type(self, node: exp.Expr, parts: Sequence[exp.Expr], what: str) -> str | None:
        """The type that several values share; they are reported when there is none."""
        types = [self.type(part) for part in parts]
        shared = self._common(types)
        known = [type_ for type_ in types if type_ not in {None, UNKNOWN}]
        if shared is None and None not in types and known:
            names = " and ".join(dict.fromkeys(spoken(type_) for type_ in known if type_))
            self.report(
                "types_differ", f"{what} gives {names}", node, hint="convert them to one type with CAST"
            )
        for part, type_ in zip(parts, types, strict=True):
            if type_ == UNKNOWN and known:
                self.convert(part, shared)
        return shared

    def _array(self, node: exp.Expr) -> str | None:
        if any(isinstance(part, exp.Query) for part in node.expressions):
            return None
        above = node.parent
        target = self.declared.type_of(written_type(above.to)) if isinstance(above, exp.Cast) else None
        if target is not None and target.startswith("_"):  # each element is converted on its own
            for part in node.expressions:
                if self.type(part) == UNKNOWN:
                    self.convert(part, target[1:])
            return target
        shared = self.one_type(node, node.expressions, "ARRAY")
        return None if shared is None else shared if shared.startswith("_") else f"_{shared}"

    def _bracket(self, node: exp.Expr) -> str | None:
        found = self.type(node.this)
        if any(isinstance(part, exp.Slice) for part in node.expressions):
            return found
        if found in _NEVER_AN_ARRAY:
            what = f"{written(node.this, 'postgres')} is {spoken(found or '')} and has no elements"
            self.report("type_mismatch", what, node, hint="use substr(…) for a part of a text")
        return found[1:] if found is not None and found.startswith("_") else None

    def _scalar(self, node: exp.Expr) -> str | None:
        """A subquery as a value: its only column."""
        columns = self.resolution.outputs.get(id(node))
        if columns is None or len(columns.origins) != 1:
            return None
        return self.origin(columns.origins[0])

    def _condition(self, node: exp.Expr) -> None:
        name = "FILTER" if isinstance(node.parent, exp.Filter) else node.key.upper()
        self.boolean(node.this, name)

    def _join(self, node: exp.Expr) -> None:
        self.boolean(node.args.get("on"), "ON")

    def _at_time_zone(self, node: exp.Expr) -> str | None:
        found = function("timezone", (self.type(node.args["zone"]), self.type(node.this)))
        return found.result if isinstance(found, resolve.Resolved) else None


def _of_any(node: exp.Expr) -> exp.Expr | None:
    """What stands in ANY, SOME or ALL; some of them the parser takes for calls."""
    is_one = isinstance(node, exp.Any | exp.All) or called(node) in {"any", "some", "all"}
    return next(node.iter_expressions(), None) if is_one else None


def says(kind: type[exp.Expr]) -> bool:
    """Whether nodes of this type have one, or findings; the others need not be looked at."""
    return kind in _HANDLERS or kind in BINARY or is_call(kind)


_HANDLERS: dict[type, Callable[[Typing, exp.Expr], str | None]] = {
    exp.Literal: Typing._literal,
    exp.Column: Typing._column,
    exp.Paren: Typing._inner,
    exp.Alias: Typing._inner,
    exp.Window: Typing._inner,
    exp.Filter: Typing._inner,
    exp.Collate: Typing._inner,
    exp.Escape: Typing._inner,
    exp.IgnoreNulls: Typing._inner,
    exp.RespectNulls: Typing._inner,
    exp.Cast: Typing._cast,
    exp.Between: Typing._between,
    exp.In: Typing._in,
    exp.And: Typing._connector,
    exp.Or: Typing._connector,
    exp.Not: Typing._connector,
    exp.Is: Typing._is,
    exp.Neg: Typing._negative,
    exp.Case: Typing._case,
    exp.Array: Typing._array,
    exp.Union: set_operation,
    exp.Except: set_operation,
    exp.Intersect: set_operation,
    exp.Bracket: Typing._bracket,
    exp.Subquery: Typing._scalar,
    exp.Where: Typing._condition,
    exp.Having: Typing._condition,
    exp.Join: Typing._join,
    exp.AtTimeZone: Typing._at_time_zone,
    exp.Extract: Typing._extract,
    exp.Interval: Typing._interval,
    exp.StrPosition: Typing._position,
    exp.WithinGroup: Typing._within_group,
    exp.Unnest: Typing._unnest,
    exp.CTE: recursive_query,
}
