"""A Postgres schema as readable DDL, from its catalogue: what a reader may select from, without defaults.

Names are qualified where the search path does not find them, which by default means outside of `public`.
Partitions, extensions' own tables and what the user may not read are left out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from farm.targets.postgres.session import Connection

SCHEMA_FILTER = """
    n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
    AND has_schema_privilege(n.oid, 'USAGE')
"""
RELATIONS = f"""
    SELECT c.oid, n.nspname, c.relname, pg_table_is_visible(c.oid), c.relkind::text,
           quote_ident(n.nspname), quote_ident(c.relname), obj_description(c.oid, 'pg_class'),
           CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid, true) END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition AND {SCHEMA_FILTER}
      AND has_any_column_privilege(c.oid, 'SELECT')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.oid
"""  # noqa: S608 - a constant
COLUMNS = """
    SELECT attrelid, quote_ident(attname), format_type(atttypid, atttypmod), attnotnull,
           col_description(attrelid, attnum)
    FROM pg_attribute
    WHERE attrelid = ANY(%s) AND attnum > 0 AND NOT attisdropped
      AND has_column_privilege(attrelid, attnum, 'SELECT')
    ORDER BY attrelid, attnum
"""
CONSTRAINTS = """
    SELECT conrelid, contype::text, pg_get_constraintdef(k.oid, true), confrelid
    FROM pg_constraint k
    WHERE conrelid = ANY(%s) AND contype IN ('p', 'u', 'c', 'f') AND conparentid = 0
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
                      AND d.refclassid = 'pg_proc'::regclass)
    UNION ALL
    SELECT i.indrelid, 'u', 'UNIQUE (' || string_agg(quote_ident(a.attname), ', ' ORDER BY p.place) || ')', 0
    FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::int[]) WITH ORDINALITY AS p(attnum, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = p.attnum
    WHERE i.indrelid = ANY(%s) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
      AND p.place <= i.indnkeyatts
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
    GROUP BY i.indexrelid, i.indrelid
    ORDER BY 1, 2 DESC, 3
"""
TYPES = f"""
    SELECT CASE WHEN pg_type_is_visible(t.oid) THEN '' ELSE quote_ident(n.nspname) || '.' END
             || quote_ident(t.typname),
           CASE WHEN pg_type_is_visible(t.oid) THEN NULL ELSE quote_ident(n.nspname) END,
           (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder)
            FROM pg_enum WHERE enumtypid = t.oid),
           CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
           (SELECT string_agg(' ' || pg_get_constraintdef(oid, true), '')
            FROM pg_constraint WHERE contypid = t.oid AND contype = 'c')
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd') AND {SCHEMA_FILTER}
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
    ORDER BY t.oid
"""  # noqa: S608 - a constant


@dataclass(kw_only=True)
class Relation:
    """One table or view on its way into DDL. `schema` is None where the name alone finds it."""

    oid: int
    schema: str | None
    name: str
    kind: str
    comment: str | None
    definition: str | None
    columns: list[tuple[str, str, str | None]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    references: list[tuple[int, str]] = field(default_factory=list)


def read_ddl(connection: Connection) -> str:
    """CREATE SCHEMA, types, tables (referenced ones first where they can be), left-over keys, views."""
    relations = _relations(connection)
    types = connection.execute(TYPES.encode()).fetchall()
    tables = [relation for relation in relations.values() if relation.definition is None]
    views = [relation for relation in relations.values() if relation.definition is not None]
    schemas = {r.schema for r in relations.values() if r.schema} | {row[1] for row in types if row[1]}
    parts = [
        *(f"CREATE SCHEMA IF NOT EXISTS {schema};\n" for schema in sorted(schemas)),
        *(_create_type(row) for row in types),
        *_create_tables(_referenced_first(tables), relations),
        *(_create_view(view) for view in views),
    ]
    return "\n".join(parts)


def _relations(connection: Connection) -> dict[int, Relation]:
    relations = {
        row[0]: Relation(
            oid=row[0],
            schema=None if row[3] else row[5],
            name=row[6] if row[3] else f"{row[5]}.{row[6]}",
            kind=row[4],
            comment=row[7],
            definition=row[8],
        )
        for row in connection.execute(RELATIONS.encode())
    }
    oids = list(relations)
    for oid, name, kind, required, comment in connection.execute(COLUMNS.encode(), [oids]):
        relations[oid].columns.append((name, f"{kind} NOT NULL" if required else kind, comment))
    for oid, kind, definition, referenced in connection.execute(CONSTRAINTS.encode(), [oids, oids]):
        text = definition.removesuffix(" NOT VALID")
        if kind != "f":
            relations[oid].keys.append(text)
        elif referenced in relations:
            relations[oid].references.append((referenced, text))
    return relations


def _referenced_first(tables: Iterable[Relation]) -> list[Relation]:
    waiting = {table.oid: table for table in tables}
    ordered: list[Relation] = []

    def place(table: Relation) -> None:
        del waiting[table.oid]
        for referenced, _ in table.references:
            if referenced in waiting:
                place(waiting[referenced])
        ordered.append(table)

    while waiting:
        place(next(iter(waiting.values())))
    return ordered


def _create_tables(tables: list[Relation], relations: dict[int, Relation]) -> Iterator[str]:
    """Each CREATE TABLE with its foreign keys; those of a cycle are added at the end."""
    made: set[int] = set()
    late: dict[str, list[str]] = defaultdict(list)
    for table in tables:
        made.add(table.oid)
        keys = sorted(table.keys, key=lambda key: not key.startswith("PRIMARY KEY"))
        for referenced, text in table.references:
            (keys if referenced in made else late[table.name]).append(text)
        yield _create_table(table, keys)
    for name, texts in late.items():
        yield "".join(f"ALTER TABLE {name} ADD {text};\n" for text in texts)


def _create_table(table: Relation, keys: list[str]) -> str:
    lines = [(f"    {name} {kind}", comment) for name, kind, comment in table.columns]
    lines += [(f"    {key}", None) for key in keys]
    body = "\n".join(
        f"{text}{',' if number < len(lines) else ''}{_remark('  ', comment)}"
        for number, (text, comment) in enumerate(lines, 1)
    )
    return f"{_heading(table.comment)}CREATE TABLE {table.name} (\n{body}\n);\n"


def _create_view(view: Relation) -> str:
    kind = "MATERIALIZED VIEW" if view.kind == "m" else "VIEW"
    definition = (view.definition or "").strip().rstrip(";")
    return f"{_heading(view.comment)}CREATE {kind} {view.name} AS\n{definition};\n"


def _create_type(row: tuple[Any, ...]) -> str:
    name, _, labels, base, constraints = row
    if base is not None:
        return f"CREATE DOMAIN {name} AS {base}{constraints or ''};\n"
    return f"CREATE TYPE {name} AS ENUM ({labels or ''});\n"


def _heading(comment: str | None) -> str:
    return f"{_remark('', comment)}\n" if comment else ""


def _remark(before: str, comment: str | None) -> str:
    return f"{before}-- {' '.join(comment.split())}" if comment else ""
