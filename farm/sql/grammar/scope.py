"""The rules of one set of joined tables, in one manner of naming them: columns, conditions, aggregates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from farm.sql.grammar.dates import FORMS, around, year
from farm.sql.grammar.joins import FromSet, Key
from farm.sql.grammar.rules import Expr, Ref, alt, opt, rep, seq
from farm.sql.grammar.shape import Column, Kind, Shape, TableShape

LISTED = {Kind.NUMBER: "n", Kind.TEXT: "t", Kind.DATE: "d", Kind.FLAG: "f", Kind.OTHER: "x"}
W, COMMA, CMP, NUM, INT, STR, DATE = (
    Ref(name) for name in ("w", "comma", "cmp", "num", "int", "str", "date")
)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """`prefix` begins the names of its rules; `aliased`: tables go by short names."""

    prefix: str
    shape: Shape
    tables: FromSet
    keys: Sequence[Key]
    aliased: bool
    rules: dict[str, Expr] = field(default_factory=dict)

    def ref(self, name: str) -> Ref:
        return Ref(f"{self.prefix}-{name}")

    def has(self, name: str) -> bool:
        return f"{self.prefix}-{name}" in self.rules

    def put(self, name: str, rule: Expr) -> Ref:
        self.rules[f"{self.prefix}-{name}"] = rule
        return self.ref(name)

    def members(self) -> Iterator[tuple[TableShape, Column]]:
        """The columns of the joined tables."""
        return ((table, column) for table, column in self.shape.columns() if table.name in self.tables.tables)

    def column(self, table: str, column: str) -> Ref:
        """The rule of one column, by its names."""
        at, home = next((n, t) for n, t in enumerate(self.shape.tables) if t.name == table)
        return self.shared(f"{at}-c{[each.name for each in home.columns].index(column)}")

    def shared(self, name: str) -> Ref:
        """A rule of all sets in this manner of naming, but that a table alone has its own."""
        own = f"{self.prefix}-" if len(self.tables.tables) == 1 else "a" if self.aliased else "f"
        return Ref(f"{own}{name}")

    def qualifier(self, table: TableShape) -> str:
        return table.alias if self.aliased else table.written


def add_columns(scope: Scope) -> None:
    """Each column, qualified or, where no other table has its name, bare; and lists of those of a kind."""
    tables = [(n, t) for n, t in enumerate(scope.shape.tables) if t.name in scope.tables.tables]
    near = scope.shape.columns() if len(tables) > 1 else scope.members()
    names = [column.name.lower() for _, column in near]
    by_kind: dict[Kind, list[Expr]] = {}
    for at, table in tables:
        own: dict[Kind, list[Expr]] = {}
        for number, column in enumerate(table.columns):
            spelled = [f"{scope.qualifier(table)}.{column.written}"]
            if names.count(column.name.lower()) == 1:
                spelled.append(column.written)
            rule = scope.shared(f"{at}-c{number}")
            scope.rules[rule.name] = alt(*spelled)
            own.setdefault(column.kind, []).append(rule)
        for kind, columns in own.items():
            rule = scope.shared(f"{at}-{LISTED[kind]}")
            scope.rules[rule.name] = alt(*columns)
            by_kind.setdefault(kind, []).append(rule)
    for kind, lists in by_kind.items():
        scope.put(LISTED[kind], alt(*lists))
    groupable = [scope.ref(LISTED[kind]) for kind in by_kind if kind is not Kind.OTHER]
    scope.put("any", alt(*(scope.ref(LISTED[kind]) for kind in by_kind)))
    if groupable:
        scope.put("c", alt(*groupable))
    if scope.has("d"):
        scope.put("dp", alt(*(around(form, scope.ref("d")) for form in FORMS[scope.shape.dialect].parts)))


def add_from(scope: Scope) -> None:
    """FROM with its joins, in every order, along the keys."""
    by_name = {table.name: table for table in scope.shape.tables}
    parts: dict[str, Expr] = {}
    for name in scope.tables.tables:
        table = by_name[name]
        parts[name] = (
            seq(table.written, opt(" AS"), f" {table.alias}") if scope.aliased else seq(table.written)
        )
    ways = []
    for first, steps in scope.tables.orders:
        way: list[Expr | str] = [parts[first]]
        for step in steps:
            left, right = (
                f"{scope.qualifier(by_name[table])}.{_written(by_name[table], column)}"
                for table, column in (step.left, step.right)
            )
            both = alt(f"{left} = {right}", f"{right} = {left}")
            way += [W, Ref("join"), parts[step.table], W, "ON ", both]
        ways.append(seq(*way))
    scope.put("from", seq(W, "FROM", W, alt(*ways)))


def add_conditions(scope: Scope, inner: dict[str, str]) -> None:
    """WHERE, by the kinds of columns; `inner` has the rules of conditions for subqueries, by table."""
    plain = [*_comparisons(scope), seq(scope.ref("any"), " IS ", opt("NOT "), "NULL")]
    scope.put("p0", alt(*plain))
    scope.put("w0", seq(W, "WHERE ", scope.ref("p0"), rep(seq(W, "AND ", scope.ref("p0")), 0, 2)))
    scope.put("p1", alt(scope.ref("p0"), *_subqueries(scope, inner)))
    either = seq("(", scope.ref("p1"), rep(seq(" OR ", scope.ref("p1")), 1, 3), ")")
    scope.put("p", alt(scope.ref("p1"), either))
    more = rep(seq(W, alt("AND ", "OR "), scope.ref("p")), 0, 4)
    scope.put("where", opt(W, "WHERE", W, scope.ref("p"), more))


def _comparisons(scope: Scope) -> Iterator[Expr]:
    forms = FORMS[scope.shape.dialect]
    if scope.has("n"):
        n = scope.ref("n")
        yield seq(n, CMP, alt(NUM, n))
        yield seq(n, " BETWEEN ", NUM, " AND ", NUM)
        yield seq(n, opt(" NOT"), " IN (", NUM, rep(seq(", ", NUM), 0, 9), ")")
    if scope.has("t"):
        t = scope.ref("t")
        likes = (" LIKE ", " ILIKE ") if scope.shape.dialect in ("postgres", "duckdb") else (" LIKE ",)
        folded = alt(t, seq(alt("LOWER(", "UPPER("), t, ")"))
        yield seq(folded, alt(CMP, seq(opt(" NOT"), alt(*likes))), STR)
        yield seq(t, opt(" NOT"), " IN (", STR, rep(seq(", ", STR), 0, 9), ")")
    if scope.has("d"):
        d = scope.ref("d")
        yield seq(d, CMP, alt(DATE, d))
        yield seq(d, " BETWEEN ", DATE, " AND ", DATE)
        for form, as_text in forms.years:
            yield seq(around(form, d), CMP, year(as_text=as_text))
    if scope.has("f"):
        yield alt(seq(opt("NOT "), scope.ref("f")), seq(scope.ref("f"), " = ", alt("TRUE", "FALSE")))


def _subqueries(scope: Scope, inner: dict[str, str]) -> Iterator[Expr]:
    """Rows with and without partners along the keys, and comparisons with an aggregate of the same column."""
    by_name = {table.name: table for table in scope.shape.tables}
    ends = {
        end
        for key in scope.keys
        for end in (
            (key.table, key.column, key.parent, key.parent_column),
            (key.parent, key.parent_column, key.table, key.column),
        )
        if end[0] in scope.tables.tables
    }
    for table, column, other, other_column in sorted(ends):
        outside = by_name[other]
        where = opt(Ref(inner[other])) if other in inner else seq()
        selected = seq("SELECT ", _written(outside, other_column), " FROM ", outside.written, where, ")")
        rule = Ref(f"k{_number(scope, other, other_column)}")
        scope.rules[rule.name] = selected
        yield seq(scope.column(table, column), opt(" NOT"), " IN (", rule)
    joined = {end[:2] for end in ends}
    for home, each in scope.members():
        if each.kind is Kind.NUMBER and not each.is_key and (home.name, each.name) not in joined:
            of = f"({each.written}) FROM {home.written})"
            rule = Ref(f"m{_number(scope, home.name, each.name)}")
            scope.rules[rule.name] = alt(*(f"(SELECT {name}{of}" for name in ("AVG", "MAX", "MIN")))
            yield seq(scope.column(home.name, each.name), CMP, rule)


def _number(scope: Scope, table: str, column: str) -> int:
    """The place of a column among all of the shape."""
    return next(n for n, (t, c) in enumerate(scope.shape.columns()) if (t.name, c.name) == (table, column))


def add_aggregates(scope: Scope) -> None:
    """Aggregates: `na` those that give a number, `a` all."""
    inside: list[Expr] = [seq("COUNT(*)")]
    if scope.has("c"):
        inside.append(seq("COUNT(", opt("DISTINCT "), scope.ref("c"), ")"))
    if scope.has("n"):
        n = scope.ref("n")
        product = seq(n, alt(" * ", " - ", " + "), n)
        inside.append(seq(alt("SUM(", "AVG(", "MIN(", "MAX("), alt(n, product), ")"))
    then = alt("1", scope.ref("n")) if scope.has("n") else seq("1")
    inside.append(seq("SUM(CASE WHEN ", scope.ref("p0"), " THEN ", then, " ELSE 0 END)"))
    inside.append(seq("COUNT(CASE WHEN ", scope.ref("p0"), " THEN 1 END)"))
    na = scope.put("na", alt(*inside))
    ratio = seq(opt("100.0 * "), na, alt(" / ", " - ", " + ", " * 100.0 / "), na)
    before, after = ("ROUND((", ")::numeric, ") if scope.shape.dialect == "postgres" else ("ROUND(", ", ")
    rounded = seq(before, alt(na, ratio), after, INT, ")")
    ends = [scope.ref(kind) for kind in ("t", "d") if scope.has(kind)]
    extremes = [seq(alt("MIN(", "MAX("), alt(*ends), ")")] if ends else []
    scope.put("a", seq(alt(na, ratio, rounded, *extremes), Ref("as")))
    scope.put("al", seq(scope.ref("a"), rep(seq(COMMA, scope.ref("a")), 0, 4)))


def _written(table: TableShape, column: str) -> str:
    return next(each.written for each in table.columns if each.name == column)
