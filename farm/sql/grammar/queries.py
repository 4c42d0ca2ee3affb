"""The forms of queries over one set of joined tables: plain, one row of aggregates, groups."""

from collections.abc import Iterator

from farm.sql.grammar.dates import FORMS, around
from farm.sql.grammar.rules import Expr, Ref, alt, opt, rep, seq
from farm.sql.grammar.scope import CMP, COMMA, NUM, Scope, W
from farm.sql.grammar.shape import Kind

AS, LIMIT, DIR = Ref("as"), Ref("limit"), Ref("dir")
# Above this, groups by name come in one form only: their number is that of all columns of all sets.
FEW_TABLES = 2


def add_queries(scope: Scope) -> Expr:
    """Put the rules of all forms, and return what follows SELECT."""
    scope.put("fw", seq(scope.ref("from"), scope.ref("where")))
    forms = [_plain(scope), seq(scope.ref("al"), scope.ref("fw"))]
    if scope.has("c"):
        _add_ends(scope)
        forms += [_distinct(scope), scope.put("by", alt(*_grouped(scope))), _grouped_by_position(scope)]
    return scope.put("q", alt(*forms))


def _plain(scope: Scope) -> Expr:
    values: list[Expr] = [scope.ref("any")]
    if scope.has("dp"):
        values.append(scope.ref("dp"))
    if scope.has("n"):
        values.append(seq(scope.ref("n"), alt(" * ", " + ", " - ", " / "), scope.ref("n")))
    item = scope.put("item", seq(alt(*values), AS))
    items = alt("*", seq(item, rep(seq(COMMA, item), 0, 7)))
    return seq(items, scope.ref("fw"), _sorted(scope), LIMIT)


def _sorted(scope: Scope) -> Expr:
    if not scope.has("c"):
        return seq()
    by = seq(scope.ref("c"), DIR)
    by_name = seq(by, rep(seq(", ", by), 0, 2))
    # What stands first may be of a type without an order.
    return opt(W, "ORDER BY ", by_name if scope.has("x") else alt(by_name, seq("1", DIR)))


def _distinct(scope: Scope) -> Expr:
    value = alt(scope.ref("c"), scope.ref("dp")) if scope.has("dp") else scope.ref("c")
    item = scope.put("di", seq(value, AS))
    order = opt(W, "ORDER BY 1", DIR)
    return seq("DISTINCT ", item, rep(seq(COMMA, item), 0, 4), scope.ref("fw"), order, LIMIT)


def _add_ends(scope: Scope) -> None:
    """What is shared by all groups: `l` the aggregates behind the group, `g` up to GROUP BY, `h` HAVING, `e`
    all that may follow the group."""
    having = seq(scope.ref("na"), CMP, NUM)
    scope.put("l", seq(COMMA, scope.ref("al")))
    scope.put("g", seq(scope.ref("fw"), W, "GROUP BY "))
    scope.put("h", opt(W, "HAVING ", having, rep(seq(" AND ", having), 0, 1)))
    way = seq(alt(scope.ref("na"), "1"), DIR)
    scope.put("e", seq(scope.ref("h"), opt(W, "ORDER BY ", way, opt(", ", way)), LIMIT))


def _grouped(scope: Scope) -> Iterator[Expr]:
    """Groups by one column or part of a date, or by a table's key and another of its columns, all by name."""
    for table, column in scope.members():
        by = scope.column(table.name, column.name)
        if column.kind is not Kind.OTHER:
            yield _group(scope, by)
        if column.kind is Kind.DATE:
            for number, form in enumerate(FORMS[scope.shape.dialect].parts):
                part = Ref(f"{by.name}-{number}")
                scope.rules[part.name] = around(form, by)
                yield _group(scope, part)
    for table in scope.shape.tables:
        keys = [column for column in table.columns if column.is_key]
        if table.name not in scope.tables.tables or len(keys) != 1 or keys[0].kind is Kind.OTHER:
            continue
        key = scope.column(table.name, keys[0].name)
        for column in table.columns:
            if column.kind is not Kind.OTHER and not column.is_key:
                yield _group_by_key(scope, key, scope.column(table.name, column.name))


def _group(scope: Scope, by: Ref) -> Expr:
    if len(scope.tables.tables) > FEW_TABLES:
        return seq(by, AS, opt(scope.ref("l")), scope.ref("g"), by, scope.ref("e"))
    chosen = alt(seq(by, AS, opt(scope.ref("l"))), seq(scope.ref("al"), COMMA, by, AS))
    sorted_by = seq(scope.ref("h"), W, "ORDER BY ", by, DIR, LIMIT)
    return seq(chosen, scope.ref("g"), by, alt(scope.ref("e"), sorted_by))


def _group_by_key(scope: Scope, key: Ref, other: Ref) -> Expr:
    return seq(opt(key, COMMA), other, AS, scope.ref("l"), scope.ref("g"), key, ", ", other, scope.ref("e"))


def _grouped_by_position(scope: Scope) -> Expr:
    value = alt(scope.ref("c"), scope.ref("dp")) if scope.has("dp") else scope.ref("c")
    shown = scope.put("gi", seq(value, AS))
    more = seq(COMMA, shown)
    places = ("1", "1, 2", "1, 2, 3")
    forms = (
        seq(shown, *[more] * number, scope.ref("l"), scope.ref("g"), by) for number, by in enumerate(places)
    )
    return seq(alt(*forms), scope.ref("e"))
