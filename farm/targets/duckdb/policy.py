"""What a query may call and read on a DuckDB database, judged from the tree that DuckDB's own parser makes.

A file opened read-only with external access off can neither write nor read other files; functions could still
wait, log, or tell settings. So what a query may contain is a list; views and macros are judged by their
definitions, in the same way.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from farm.sql.dialect import DUCKDB
from farm.sql.words import words
from farm.targets.duckdb.session import Connection

ONLY_READS = "only a query that reads is allowed"
SEVERAL = "more than one statement; only one is allowed"
NODES = words("SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE CTE_NODE")
SOURCES = words(
    "BASE_TABLE SUBQUERY JOIN TABLE_FUNCTION EXPRESSION_LIST EMPTY_FROM EMPTY PIVOT CTE COLUMN_DATA"
)
DESCRIBING = words("duckdb_columns duckdb_tables duckdb_views")
SYSTEM = ("duckdb_", "pragma_", "sqlite_", "pg_")
"""How the names of system views begin; but for the describing ones they tell settings and paths."""
SYSTEM_SCHEMAS = words("pg_catalog")

VIEW = re.compile(
    r"""CREATE .*?VIEW \s+ (?: IF\ NOT\ EXISTS \s+ )? (?: [^\s"(.]+ | "(?:[^"]|"")*" | \. )+
    \s* (?: \( (?: [^()"] | "(?:[^"]|"")*" )* \) )? \s* AS \s (.*)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
MACROS = """
    SELECT function_name, function_type, macro_definition FROM duckdb_functions()
    WHERE NOT internal AND macro_definition IS NOT NULL
"""
OWN = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE NOT internal"
VIEWS = "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal"
TABLES = "SELECT table_name FROM duckdb_tables() WHERE NOT internal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """What a statement names, in lower case: functions, tables with their schemas, and what stands out."""

    functions: frozenset[str]
    tables: frozenset[tuple[str, str]]
    oddity: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """`functions` may be called, among them `macros` of the database's own that do no more; `tables` are its
    own, `trapped` those views among them that may not be read, with the reason."""

    functions: frozenset[str]
    macros: frozenset[str]
    tables: frozenset[str]
    trapped: Mapping[str, str]

    def refusal(self, tree: Tree) -> str | None:
        """What speaks against a query."""
        if tree.oddity is not None:
            return tree.oddity
        if refused := sorted(_called(tree) - self.functions):
            why = "it is not among the functions known to do nothing but compute"
            return f"function {refused[0]}() is not allowed in a report: {why}"
        for schema, table in sorted(tree.tables):
            if schema in SYSTEM_SCHEMAS or (_is_system(table) and table not in self.tables):
                return f"system table {table} is not allowed in a report"
            if table in self.trapped:
                return f"view {table} may not be read: {self.trapped[table]}"
        return None


def read_policy(connection: Connection) -> Policy:
    """What holds on the database of the connection."""
    own = frozenset(name.lower() for (name,) in connection.execute(OWN).fetchall())
    allowed = _with_harmless(connection, DUCKDB.functions - own)
    views = {name.lower(): text for name, text in connection.execute(VIEWS).fetchall()}
    names = {name.lower() for (name,) in connection.execute(TABLES).fetchall()} | views.keys()
    trees = {name: parsed(connection, body_of(text)) for name, text in views.items()}
    trapped: dict[str, str] = {}
    while True:
        policy = Policy(functions=allowed, macros=own, tables=frozenset(names), trapped=trapped)
        more = {name: said for name, tree in trees.items() if (said := policy.refusal(tree))}
        if more.keys() == trapped.keys():
            return policy
        trapped = more


def parsed(connection: Connection, sql: str) -> Tree:
    """What one statement names; `oddity` says so where it is no single query."""
    (text,) = connection.execute("SELECT json_serialize_sql($1)", [sql]).fetchone() or ("{}",)
    try:
        found = json.loads(text)
    except RecursionError:
        return _odd("the query is nested too deeply")
    if found.get("error", True):
        return _odd(ONLY_READS)
    if len(found["statements"]) != 1:
        return _odd(SEVERAL if found["statements"] else ONLY_READS)
    parts = list(_parts(found["statements"]))
    return Tree(
        functions=frozenset(str(part["function_name"]).lower() for part in parts if "function_name" in part),
        tables=frozenset(
            (part["schema_name"].lower(), part["table_name"].lower())
            for part in parts
            if part.get("type") == "BASE_TABLE"
        ),
        oddity=next((said for part in parts if (said := _oddity(part))), None),
    )


def _odd(oddity: str) -> Tree:
    return Tree(functions=frozenset(), tables=frozenset(), oddity=oddity)


def _with_harmless(connection: Connection, allowed: frozenset[str]) -> frozenset[str]:
    """The functions, and those macros of the database that call nothing else, however deep."""
    calls: dict[str, set[str]] = {}
    for name, kind, definition in connection.execute(MACROS).fetchall():
        tree = parsed(connection, definition if kind == "table_macro" else f"SELECT {definition}")
        calls.setdefault(name.lower(), set()).update(_called(tree) | ({"?"} if tree.oddity else set()))
    while True:
        found = allowed | {name for name, called in calls.items() if called <= allowed}
        if found == allowed:
            return found
        allowed = found


def _called(tree: Tree) -> frozenset[str]:
    """Functions with names; operators have none."""
    return frozenset(name for name in tree.functions if any(character.isalnum() for character in name))


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    """All objects of a tree."""
    waiting = [tree]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            yield here
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here


def _oddity(part: Mapping[str, Any]) -> str | None:
    type_ = str(part.get("type", ""))
    if part.get("class") == "PARAMETER":
        return "the query has a parameter; write the value itself"
    if (type_.endswith("_NODE") and type_ not in NODES) or ("sample" in part and not _reads(part, type_)):
        return ONLY_READS
    return None


def _reads(part: Mapping[str, Any], type_: str) -> bool:
    """Whether a part of FROM, or a SELECT itself, which has samples too, is of a known kind."""
    return type_ in NODES or type_ in SOURCES


def _is_system(table: str) -> bool:
    return table.startswith(SYSTEM) and table not in DESCRIBING


def body_of(create_view: str) -> str:
    """The query of a CREATE VIEW that DuckDB wrote."""
    match = VIEW.match(create_view)
    return match[1].strip().rstrip(";") if match else create_view
