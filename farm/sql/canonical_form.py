"""What a resolved query says, as text that does not depend on how it was spelled. See farm.sql.canonical."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from hashlib import sha256

from sqlglot import exp

from farm.sql.calls import called, names_a_unit
from farm.sql.canonical_from import From, Item, is_plain, items_of
from farm.sql.dialect import Rules
from farm.sql.grouping import shows_any_row
from farm.sql.place import place
from farm.sql.shape import inside, is_bare_position
from farm.sql.sources import Scope, Source
from farm.sql.subject import Subject
from farm.sql.words import words

LONG_CHARS = 80
"""Texts above this become digests, so that aliases that name aliases cost no more than their text."""
_COMMUTATIVE = (exp.EQ, exp.NEQ, exp.Add, exp.Mul)
_MIRRORED: dict[type[exp.Expr], str] = {exp.GT: "LT", exp.GTE: "LTE", exp.LT: "LT", exp.LTE: "LTE"}
_BY_ROW_ORDER = (exp.Limit, exp.Offset, exp.Fetch, exp.Window, exp.TableSample)
# their result depends on the order of the rows that they are given
_ORDERED_AGGREGATES = words(
    "any_value arbitrary array_agg first first_value group_concat json_agg json_arrayagg json_group_array "
    "json_group_object json_object_agg json_objectagg jsonb_agg jsonb_object_agg last last_value list "
    "listagg string_agg xmlagg"
)
_SELECT_DONE = frozenset({"with_", "expressions", "from_", "joins", "laterals", "where", "group", "order"})

Ctes = Mapping[str, str]


class Unclear(Exception):
    """The query holds something whose meaning is not known well enough."""


class NamesMatter(Exception):
    """The names that the query gives may decide what it means, so they have to be kept."""


def canonical_form(subject: Subject, *, keep_names: bool = False) -> str:
    """The text; raises Unclear, or NamesMatter unless names are kept."""
    return _Form(subject=subject, keep_names=keep_names).query(subject.tree)


@dataclass(kw_only=True)
class _Form:
    subject: Subject
    keep_names: bool
    ctes: Ctes = field(default_factory=dict)
    level: int = 0
    names: dict[int, str] = field(default_factory=dict)
    results: dict[int, tuple[Sequence[str | None], list[str]]] = field(default_factory=dict)
    keys: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        resolution = self.subject.resolution
        self.references = resolution.references
        self.selections = {id(selection.node): selection for selection in resolution.selections}
        self.strings = {
            (finding.line, finding.column)
            for finding in resolution.findings
            if finding.code == "string_in_double_quotes"
        }
        # of two collations SQLite takes the left one
        self.sides_matter = self.rules.name == "sqlite" and (
            self.subject.schema.collates or exp.Collate in self.subject.kinds
        )

    @property
    def rules(self) -> Rules:
        return self.subject.rules

    @cached_property
    def takes_any_row(self) -> bool:
        """Whether the result may depend on the order in which the engine comes to rows."""
        calls = (called(node) for node in self.subject.find_all(exp.Anonymous, exp.GroupConcat))
        return (
            any(issubclass(kind, _BY_ROW_ORDER) for kind in self.subject.kinds)
            or any(node.args.get("on") for node in self.subject.find_all(exp.Distinct))
            or not _ORDERED_AGGREGATES.isdisjoint(calls)
            or shows_any_row(self.subject)
        )

    # queries

    def query(self, node: exp.Expr) -> str:
        """A query with its WITH clause; the names of its CTEs hold within."""
        ctes, level = self.ctes, self.level
        clause = node.args.get("with_")
        before = self._with(clause) if clause is not None else ""
        try:
            return _text("Query", before, self._query(node)) if before else self._query(node)
        finally:
            self.ctes, self.level = ctes, level

    def _with(self, clause: exp.Expr) -> str:
        self.level += 1
        recursive = bool(clause.args.get("recursive"))
        found = [
            (self._fold_table(cte.args["alias"].this), f"cte{self.level}.{at}")
            for at, cte in enumerate(clause.expressions)
        ]
        forward = self.rules.name == "sqlite" or (self.rules.name == "postgres" and recursive)
        if forward:
            self.ctes = {**self.ctes, **dict(found)}
        bodies = []
        for cte, (name, number) in zip(clause.expressions, found, strict=True):
            if recursive:
                self.ctes = {**self.ctes, name: number}
            rest = self._others(cte, {"this", "alias"})
            bodies.append(_text(number, self.query(cte.this), rest, self._kept(cte.args["alias"])))
            self.ctes = {**self.ctes, name: number}
        return _text("With", self._others(clause, {"expressions"}), *bodies)

    def _query(self, node: exp.Expr) -> str:
        if isinstance(node, exp.Select):
            return self._select(node)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node)
        if isinstance(node, exp.Subquery) and not isinstance(inside(node), exp.Table):
            rest = {name for name, value in node.args.items() if value} - {"this", "alias", "with_"}
            return (
                _text("Whole", self.query(node.this), self._result(node)) if rest else self.query(node.this)
            )
        if isinstance(node, exp.Values):
            return self._generic(node, skip={"alias"})
        raise Unclear

    def _set_operation(self, node: exp.SetOperation) -> str:
        if node.args.get("by_name") and not self.keep_names:
            raise NamesMatter
        parts = (self.query(node.this), self.query(node.expression))
        return _text(type(node).__name__, *parts, self._result(node))

    def _result(self, node: exp.Expr) -> str:
        """What is done to the result of a set operation, or of a query in parentheses."""
        columns = self.subject.resolution.outputs.get(id(node))
        labels = columns.labels if columns is not None else ()
        order = node.args.get("order")
        ordered = (
            [self._ordered(item, self._of_result(item, labels)) for item in order.expressions]
            if order
            else []
        )
        return _text(*ordered, self._others(node, {"this", "expression", "order", "with_", "alias"}))

    def _of_result(self, item: exp.Expr, labels: Sequence[str | None]) -> str | None:
        """The column of a result that an item of its ORDER BY names by its position or its name."""
        node = item.this
        if is_bare_position(node):
            return f"result{int(node.name) - 1}"
        plain = isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier)
        name = self._fold(node.this) if plain and not node.args.get("table") else None
        if name is None or list(labels).count(name) != 1:
            return None
        return f"result{list(labels).index(name)}"

    # SELECT

    def _select(self, node: exp.Select) -> str:
        selection = self.selections.get(id(node))
        if selection is None:
            raise Unclear
        scope = selection.scope
        sources, conditions = self._from(node, scope)
        items = [item for projection in node.expressions for item in self._projection(projection, scope)]
        labels = selection.columns.labels if selection.columns.count == len(items) else ()
        self.results[id(scope)] = (labels, items)
        where = node.args.get("where")
        conditions += self._operands(where.this, exp.And) if where is not None else []
        return _text(
            "Select",
            self._labels(node, scope),
            *items,
            sources,
            _text("Where", *_each_once(conditions)),
            self._group(node.args.get("group"), items),
            self._order(node.args.get("order"), items),
            self._others(node, _SELECT_DONE),
        )

    def _labels(self, node: exp.Select, scope: Scope) -> str:
        """The names of the result, where something else in the query may be called the same."""
        if not (self.keep_names or any(self._hides(each, scope) for each in node.expressions)):
            return ""
        return repr(
            [
                self._fold(each.args["alias"]) if isinstance(each, exp.Alias) else ""
                for each in node.expressions
            ]
        )

    def _hides(self, projection: exp.Expr, scope: Scope) -> bool:
        if not isinstance(projection, exp.Alias):
            return False
        having = scope.having(self._fold(projection.args["alias"]))
        reference = self.references.get(id(projection.this))
        same = reference is not None and reference.name == self._fold(projection.args["alias"])
        return bool(having) and not (same and reference is not None and having == [reference.source])

    def _projection(self, node: exp.Expr, scope: Scope) -> Iterator[str]:
        star = node.this if isinstance(node, exp.Column) else node
        if not isinstance(star, exp.Star):
            yield self.key(node)
        elif (chosen := self._starred(node, scope)) is not None:
            for source in chosen:
                yield from (self._of_source(source, at) for at in range(len(source.columns.labels)))
        else:
            yield self._generic(node)

    def _starred(self, node: exp.Expr, scope: Scope) -> list[Source] | None:
        """The sources whose columns a star stands for; None where these are not known."""
        sources = scope.sources
        if isinstance(node, exp.Column):
            sources = scope.named(self._fold_table(node.args["table"]))[:1]
        star = node.this if isinstance(node, exp.Column) else node
        known = is_plain(star) and bool(sources) and all(s.columns.count is not None for s in sources)
        return sources if known and not scope.merged else None

    def _group(self, clause: exp.Expr | None, items: Sequence[str]) -> str:
        if clause is None:
            return ""
        grouped = (self._by_position(item, items) or self.key(item) for item in clause.expressions)
        return _text("Group", *_each_once(grouped), self._others(clause, {"expressions"}))

    def _order(self, clause: exp.Expr | None, items: Sequence[str]) -> str:
        if clause is None:
            return ""
        ordered = (self._ordered(item, self._by_position(item.this, items)) for item in clause.expressions)
        return _text("Order", *ordered, self._others(clause, {"expressions"}))

    def _ordered(self, item: exp.Expr, known: str | None) -> str:
        return _text("Ordered", known or self.key(item.this), self._others(item, {"this"}))

    def _by_position(self, node: exp.Expr, items: Sequence[str]) -> str | None:
        if is_bare_position(node) and 0 < int(node.name) <= len(items):
            return items[int(node.name) - 1]
        return None

    # FROM

    def _from(self, node: exp.Select, scope: Scope) -> tuple[str, list[str]]:
        """The sources, and the conditions of inner joins, which mean the same as those of WHERE."""
        whole = items_of(node)
        if len(whole.items) != len(scope.sources):
            raise Unclear
        depth = sum(1 for _ in scope.outward())
        stars = any(
            self._starred(each, scope) is None
            for each in node.expressions
            if isinstance(each, exp.Star)
            or (isinstance(each, exp.Column) and isinstance(each.this, exp.Star))
        )
        if whole.by_name and not self.keep_names and any(source.table is None for source in scope.sources):
            raise NamesMatter
        if self.keep_names or not whole.any_order or stars or scope.merged or self.takes_any_row:
            self._number(scope.sources, depth)
            return self._in_order(whole, scope), []
        defined = [
            self._definition(item, source) for item, source in zip(whole.items, scope.sources, strict=True)
        ]
        order = sorted(range(len(defined)), key=defined.__getitem__)
        self._number([scope.sources[at] for at in order], depth)
        conditions = [each for on in whole.conditions for each in self._operands(on, exp.And)]
        return _text("From", *(defined[at] for at in order)), conditions

    def _number(self, sources: Sequence[Source], depth: int) -> None:
        self.names.update((id(source), f"{depth}.{at}") for at, source in enumerate(sources))

    def _in_order(self, whole: From, scope: Scope) -> str:
        """All sources with all joins, as they stand."""
        sources = {id(item.node): source for item, source in zip(whole.items, scope.sources, strict=True)}

        def written(item: Item | exp.Join | Sequence[object]) -> str:
            if isinstance(item, Item):
                return self._definition(item, sources[id(item.node)])
            if isinstance(item, exp.Join):
                return self._join(item)
            return _text("Joined", *(written(part) for part in item))  # type: ignore[arg-type]

        return _text("From", *(written(part) for part in whole.parts))

    def _join(self, join: exp.Join) -> str:
        words = (str(join.args.get(name) or "").upper() for name in ("method", "side", "kind"))
        kind = " ".join(word for word in words if word not in ("", "INNER", "OUTER"))
        on, using = join.args.get("on"), join.args.get("using") or ()
        conditions = _each_once(self._operands(on, exp.And)) if on is not None else []
        named = [self._fold(each.this if isinstance(each, exp.Column) else each) for each in using]
        if not (kind or conditions or named):
            kind = "INNER" if join.args.get("kind") else "COMMA"
        rest = self._others(join, {"this", "on", "using", "method", "side", "kind"})
        return _text("Join", kind, repr(named), *conditions, rest)

    def _definition(self, item: Item, source: Source) -> str:
        """What a source is, whatever it is called here."""
        node = item.node
        alias = self._kept(node.args.get("alias"))
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            rest = self._others(node, {"this", "db", "alias", "joins"})
            return _text(self._relation(node, source), rest, alias)
        if isinstance(node, exp.Subquery) and not node.args.get("joins"):
            return _text("Derived", self.query(node), alias)
        if isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            return _text("Lateral", self.query(node.this), self._others(node, {"this", "alias"}), alias)
        return _text(self._generic(node, skip={"alias", "joins"}), alias)

    def _relation(self, node: exp.Table, source: Source) -> str:
        db, name = node.args.get("db"), self._fold_table(node.this)
        if db is None and name in self.ctes:
            return self.ctes[name]
        if source.table is not None:
            return repr((source.table.schema, source.table.name))
        return repr((db.name.lower() if db is not None else None, name))

    def _kept(self, alias: exp.Expr | None) -> str:
        return self._generic(alias) if self.keep_names and alias is not None else ""

    # expressions

    def key(self, node: exp.Expr) -> str:
        """An expression, or a query within one."""
        known = self.keys.get(id(node))
        if known is None:
            known = self._key(node)
            self.keys[id(node)] = known = known if len(known) < LONG_CHARS else _digest(known)
        return known

    def _key(self, node: exp.Expr) -> str:
        if isinstance(node, exp.Paren | exp.Alias):
            return self.key(node.this)
        if isinstance(node, exp.Query):
            return self.query(node)
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.And | exp.Or):
            operands = _each_once(self._operands(node, type(node)))
            return _text(type(node).__name__, *operands) if len(operands) > 1 else operands[0]
        if isinstance(node, exp.In):
            listed = _each_once(map(self.key, node.expressions))
            return _text("In", self.key(node.this), *listed, self._others(node, {"this", "expressions"}))
        if not self.sides_matter and isinstance(node, exp.Binary):
            kind = type(node).__name__
            sides = [self.key(node.this), self.key(node.expression)]
            rest = self._others(node, {"this", "expression"})
            if isinstance(node, _COMMUTATIVE):
                return _text(kind, *sorted(sides), rest)
            if mirrored := _MIRRORED.get(type(node)):
                return _text(mirrored, *(sides if mirrored == kind else reversed(sides)), rest)
        if isinstance(node, exp.JSONPath):
            raise Unclear  # which takes 'a' for a name and 0 for a place
        return self._generic(node)

    def _operands(self, node: exp.Expr, kind: type[exp.Expr]) -> list[str]:
        """The operands of a chain of AND or OR, in any nesting."""
        found, stack = [], [node]
        while stack:
            here = stack.pop()
            if isinstance(here, exp.Paren):
                stack.append(here.this)
            elif isinstance(here, kind):
                stack += (here.expression, here.this)
            else:
                found.append(self.key(here))
        return found

    def _column(self, node: exp.Column) -> str:
        reference = self.references.get(id(node))
        if reference is None:
            return self._unresolved(node)
        if reference.alias is not None:
            return self.key(reference.alias)
        if reference.source is None:
            return self._named_result(reference.scope, reference.name)
        if reference.name in reference.scope.merged:
            depth = sum(1 for _ in reference.scope.outward())
            return _text("Merged", str(depth), repr(reference.name))
        labels = list(reference.source.columns.labels)
        if labels.count(reference.name) != 1:
            raise Unclear
        return self._of_source(reference.source, labels.index(reference.name))

    def _named_result(self, scope: Scope, name: str) -> str:
        labels, items = self.results.get(id(scope), ((), []))
        if list(labels).count(name) != 1:
            raise Unclear
        return items[list(labels).index(name)]

    def _of_source(self, source: Source, at: int) -> str:
        owner = self.names.get(id(source))
        if owner is None:
            raise Unclear
        columns = source.table.columns if source.table is not None else None
        return _text("Column", owner, repr(list(columns)[at]) if columns else str(at))

    def _unresolved(self, node: exp.Column) -> str:
        """What names no column: a string in double quotes, a word such as `current_date`, or who knows."""
        name = node.this
        if names_a_unit(node):
            return repr(("unit", node.name.upper()))
        if isinstance(name, exp.Identifier) and not node.args.get("table"):
            at = place(self.subject.sql, name.meta.get("start"))
            if self.strings and (at.get("line"), at.get("column")) in self.strings:
                return _literal(node.name, is_string=True)
            if not name.args.get("quoted") and node.name.lower() in self.rules.bare_words:
                return repr(("word", node.name.lower()))
        if not self.keep_names:
            raise NamesMatter
        return self._generic(node)

    def _generic(self, node: exp.Expr, skip: Iterable[str] = ()) -> str:
        if isinstance(node, exp.Literal):
            return _literal(node.name, is_string=node.is_string)
        if isinstance(node, exp.Identifier):
            return repr(("name", self._fold(node) if self.rules.folds_tables else node.name))
        if isinstance(node, exp.Var):
            return repr(("word", node.name.upper()))
        if isinstance(node, exp.Anonymous):
            return _text("Call", repr(called(node)), self._others(node, {"this"}))
        return _text(type(node).__name__, self._others(node, skip))

    def _others(self, node: exp.Expr, skip: Iterable[str]) -> str:
        """All arguments of a node but these, by name."""
        present = sorted((name, value) for name, value in node.args.items() if value and name not in skip)
        return _text(*(f"{name}={self._part(value)}" for name, value in present)) if present else ""

    def _part(self, value: object) -> str:
        if isinstance(value, exp.Expr):
            return self.key(value)
        if isinstance(value, list):
            return _text(*(self._part(each) for each in value))
        if isinstance(value, Enum):
            return value.name
        return repr(value.upper() if isinstance(value, str) and value.isidentifier() else value)

    def _fold(self, identifier: exp.Expr) -> str:
        return self.rules.fold(identifier.name, quoted=bool(identifier.args.get("quoted")))

    def _fold_table(self, identifier: exp.Expr) -> str:
        return self.rules.fold_table(identifier.name, quoted=bool(identifier.args.get("quoted")))


def _each_once(keys: Iterable[str]) -> list[str]:
    return sorted(set(keys))


def _text(kind: str = "", *parts: str) -> str:
    return f"{kind}({','.join(parts)})"


def _literal(text: str, *, is_string: bool) -> str:
    return repr(("string" if is_string else "number", text))


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]
