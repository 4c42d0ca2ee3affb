"""From a schema to its grammar, within bounds that servers can bear."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from farm.sql.grammar.joins import FromSet, Key, from_sets, keys_of
from farm.sql.grammar.queries import add_queries
from farm.sql.grammar.rules import ROOT, Chars, Expr, Grammar, Ref, alt, opt, rep, seq
from farm.sql.grammar.scope import Scope, add_aggregates, add_columns, add_conditions, add_from
from farm.sql.grammar.shape import Shape, shape_of
from farm.sql.schema import Schema
from farm.sql.words import words

NO_ALIASES: Mapping[str, str] = MappingProxyType({})
MOST_TABLES = 12
MOST_CHARS = 120_000
# How many sets of tables, and whether also with aliases.
TRIED = tuple((most, aliased) for most in (60, 24, 12, 0) for aliased in (True, False))

_LABELS = sorted(
    words(
        "total count_all number amount average revenue quantity year month quarter name title city country "
        "status share percentage ratio minimum maximum difference category"
    )
)


def grammar_of(
    schema: Schema,
    keys: Sequence[Key] = (),
    *,
    tables: Collection[str] | None = None,
    aliases: Mapping[str, str] = NO_ALIASES,
) -> Grammar | None:
    """The grammar of the queries over `tables` (None: all of them), joined along `keys`.

    `aliases`, by the tables' names in small letters, are taken where they can be: those that a model has
    used before. Other tables get their initials.

    None where there are more than 12 tables, or where not each alone fits into 120,000 characters: choose
    those that the question is about. Where not all joins fit, those of the most tables are left out.
    """
    if tables is None and len(schema.tables) > MOST_TABLES:
        return None
    shape = shape_of(schema, tables, aliases)
    if not shape.tables or len(shape.tables) > MOST_TABLES:
        return None
    joined = keys_of(shape, keys)
    for most, aliased in TRIED:
        sets = from_sets(shape, joined, most)
        grammar = Grammar(_rules(shape, joined, sets, aliased=aliased), _names(shape))
        if len(grammar.gbnf()) <= MOST_CHARS:
            return grammar
    return None


def _names(shape: Shape) -> tuple[str, ...]:
    return tuple(table.name for table in shape.tables)


def _rules(shape: Shape, keys: Sequence[Key], sets: Sequence[FromSet], *, aliased: bool) -> dict[str, Expr]:
    scopes = [
        Scope(prefix=f"s{number}{'a' if short else ''}", shape=shape, tables=each, keys=keys, aliased=short)
        for number, each in enumerate(sets)
        for short in ((False, True) if aliased else (False,))
    ]
    inner = {
        scope.tables.tables[0]: f"{scope.prefix}-w0"
        for scope in scopes
        if len(scope.tables.tables) == 1 and not scope.aliased
    }
    rules = _common()
    queries = []
    for scope in scopes:
        add_columns(scope)
        add_from(scope)
        add_conditions(scope, inner)
        add_aggregates(scope)
        queries.append(add_queries(scope))
        rules |= scope.rules
    return {ROOT: seq("SELECT", Ref("w"), alt(*queries))} | rules


def _common() -> dict[str, Expr]:
    space = seq(Chars(r"[ \n]", 1, 1), Chars("[ ]", 0, 4))
    digits = Chars("[0-9]", 1, 9)
    label = alt(*_LABELS, seq(Chars("[a-z]", 1, 16), "_", Chars("[a-z0-9_]", 1, 24)))
    day = seq(
        alt("19", "20"),
        Chars("[0-9]", 2, 2),
        "-",
        alt(seq("0", Chars("[1-9]", 1, 1)), seq("1", Chars("[0-2]", 1, 1))),
        "-",
        alt(seq("0", Chars("[1-9]", 1, 1)), seq("1", Chars("[0-9]", 1, 1)), seq("2", Chars("[0-8]", 1, 1))),
    )
    text = rep(alt(Chars(r"[^'\\\x00-\x1f]", 1, 1), "''"), 0, 80)
    return {
        "w": space,
        "comma": seq(",", Ref("w")),
        "cmp": alt(*(f" {sign} " for sign in ("=", ">", "<", ">=", "<=", "<>", "!="))),
        "num": seq(opt("-"), digits, opt(".", Chars("[0-9]", 1, 4))),
        "int": Chars("[0-9]", 1, 1),
        "str": seq("'", text, "'"),
        "date": seq("'", day, "'"),
        "as": opt(" AS ", label),
        "join": alt("JOIN ", "INNER JOIN ", "LEFT JOIN "),
        "dir": opt(alt(" DESC", " ASC")),
        "limit": opt(Ref("w"), "LIMIT ", Chars("[1-9]", 1, 1), Chars("[0-9]", 0, 3)),
    }
