"""The columns of a function in FROM, as Postgres and SQLite name them."""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from farm.sql.calls import called
from farm.sql.names.lookup import Lookup
from farm.sql.names.sources import Columns, Origin, Reference
from farm.sql.shape import identifier
from farm.sql.types.written import written_type
from farm.sql.words import words

# pg_proc.dat: without an OUT parameter the only column is called after the alias, or else the function
_NAMED_BY_ALIAS = words(
    "generate_series generate_subscripts json_object_keys jsonb_object_keys regexp_split_to_table "
    "string_to_table"
)
_OUT: dict[str, dict[str, str]] = {
    "json_array_elements": {"value": "json"},
    "jsonb_array_elements": {"value": "jsonb"},
    "json_array_elements_text": {"value": "text"},
    "jsonb_array_elements_text": {"value": "text"},
    "json_each": {"key": "text", "value": "json"},
    "jsonb_each": {"key": "text", "value": "jsonb"},
    "json_each_text": {"key": "text", "value": "text"},
    "jsonb_each_text": {"key": "text", "value": "text"},
}
_OF_SQLITE = ("key", "value", "type", "atom", "id", "parent", "fullkey", "path", "json", "root")


def of_function(node: exp.Expr, lookup: Lookup, references: Mapping[int, Reference]) -> Columns:
    """What a call or UNNEST in FROM gives, before the names in its alias; unknown unless that is certain."""
    alias, call = node.args.get("alias"), node.this if isinstance(node, exp.Table | exp.Lateral) else node
    given = (alias.args.get("columns") or ()) if alias is not None else ()
    if given and all(isinstance(column, exp.ColumnDef) for column in given):
        return _of_list(given, lookup)
    name = called(call) if isinstance(call, exp.Expr) else None
    if lookup.schema.rules.name == "sqlite" and name in {"json_each", "json_tree"}:
        return Columns.of({column: column for column in _OF_SQLITE}, [None] * len(_OF_SQLITE))
    if lookup.schema.rules.name != "postgres" or call is None:
        return Columns.unknown()
    own = lookup.fold(alias.this) if alias is not None and alias.this is not None else name or "unnest"
    number = node.args.get("ordinality") or call.args.get("offset")
    if isinstance(call, exp.Unnest) and len(call.expressions) == 1:
        surely = _has_scalars(call.expressions[0], lookup, references)
        return _columns({own: call}, number, lookup, complete=surely)
    if name in _NAMED_BY_ALIAS:
        return _columns({own: call}, number, lookup)
    return _columns(_OUT[name], number, lookup) if name in _OUT else Columns.unknown()


def _of_list(given: Sequence[exp.Expr], lookup: Lookup) -> Columns:
    """`AS t(a int, b text)`."""
    kinds = [column.args.get("kind") for column in given]
    origins: list[Origin] = [None if kind is None else written_type(kind) for kind in kinds]
    return Columns.of({lookup.fold(identifier(column)): column.name for column in given}, origins)


def _columns(
    columns: Mapping[str, exp.Expr | str], number: object, lookup: Lookup, *, complete: bool = True
) -> Columns:
    """`number`: of WITH ORDINALITY, its name if that is given."""
    origins: list[Origin] = list(columns.values())
    labels = list(columns)
    if number:
        labels.append(lookup.fold(number) if isinstance(number, exp.Identifier) else "ordinality")
        origins.append("bigint")
    names = {label: label for label in labels}
    count = len(labels) if complete else None
    return Columns(names=names, count=count, complete=complete, labels=labels, origins=origins)


def _has_scalars(array: exp.Expr, lookup: Lookup, references: Mapping[int, Reference]) -> bool:
    """Whether an array is surely not of rows, of which UNNEST makes several columns."""
    if isinstance(array, exp.Column):
        reference = references.get(id(array))
        source = reference.source if reference is not None else None
        origin = (
            source.columns.origin(reference.name) if source is not None and reference is not None else None
        )
        return isinstance(origin, str) and lookup.schema.declared.type_of(origin) is not None
    return isinstance(array, exp.Array | exp.Literal) or called(array) == "string_to_array"
