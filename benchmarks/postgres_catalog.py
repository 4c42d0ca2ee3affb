"""Writes farm/sql/types/postgres.txt: what a real Postgres knows of types, casts, operators and functions.

    python benchmarks/postgres_catalog.py URL > farm/sql/types/postgres.txt

Source: the catalogs pg_type, pg_cast, pg_operator, pg_proc and pg_aggregate of a fresh PostgreSQL. Only
the types that a report meets are kept, and only the functions that farm/sql/functions/postgres.txt allows.
"""

import sys

import psycopg

from farm.sql.dialect import POSTGRES
from farm.sql.words import words

PSEUDO = words(
    "any anyarray anycompatible anycompatiblearray anycompatiblemultirange anycompatiblenonarray "
    "anycompatiblerange anyelement anyenum anymultirange anynonarray anyrange record"
)
KINDS = ("b", "r", "m")
LEFT_OUT = words(
    "aclitem cid gtsvector pg_brin_bloom_summary pg_brin_minmax_multi_summary pg_dependencies "
    "pg_mcv_list pg_ndistinct pg_node_tree pg_snapshot refcursor regcollation regdictionary "
    "regnamespace regoper regoperator regproc regprocedure regrole txid_snapshot int2vector"
)

TYPES = """
SELECT typname, typcategory, typispreferred FROM pg_type
WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = ANY(%s) AND NOT typname = ANY(%s)
  AND NOT (typcategory = 'A' AND typname LIKE '\\_%%')
ORDER BY typname
"""
CASTS = """
SELECT s.typname, t.typname, castcontext FROM pg_cast
JOIN pg_type s ON s.oid = castsource JOIN pg_type t ON t.oid = casttarget ORDER BY 1, 2
"""
OPERATORS = """
SELECT oprname, coalesce(l.typname, '-'), r.typname, o.typname FROM pg_operator
LEFT JOIN pg_type l ON l.oid = oprleft JOIN pg_type r ON r.oid = oprright JOIN pg_type o ON o.oid = oprresult
ORDER BY 1, 2, 3
"""
FUNCTIONS = """
SELECT proname, CASE WHEN aggkind IN ('o', 'h') THEN aggkind ELSE prokind END, pronargdefaults,
       provariadic <> 0, proretset, r.typname,
       ARRAY(SELECT t.typname FROM unnest(proargtypes) WITH ORDINALITY AS a (type, at)
             JOIN pg_type t ON t.oid = a.type ORDER BY at)::text[]
FROM pg_proc JOIN pg_type r ON r.oid = prorettype LEFT JOIN pg_aggregate ON aggfnoid = pg_proc.oid
WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY(%s) ORDER BY proname, 7
"""


def main() -> int:
    with psycopg.connect(sys.argv[1]) as connection:
        version = connection.execute("SHOW server_version").fetchone()
        types = connection.execute(TYPES, (list(KINDS), list(LEFT_OUT))).fetchall()
        known = {name for name, _, _ in types} | PSEUDO
        known |= {f"_{name}" for name in known}
        source = f"the catalogs of PostgreSQL {version and version[0]}"
        print(f"# Written by benchmarks/postgres_catalog.py from {source}.")
        for name, category, preferred in types:
            print("type", name, category, *(["*"] if preferred else []))
        for source, target, context in connection.execute(CASTS):
            if {source, target} <= known:
                print("cast", source, target, context)
        for name, left, right, result in connection.execute(OPERATORS):
            if {right, result} <= known and left in known | {"-"}:
                print("op", name, left, right, result)
        allowed = sorted(POSTGRES.functions)
        for name, kind, defaults, variadic, is_set, result, arguments in connection.execute(
            FUNCTIONS, (allowed,)
        ):
            if not {*arguments, result} <= known:
                print("fn", name, "?")  # known, but takes or gives what is not described here
                continue
            words = [*arguments[:-1], ("..." if variadic else "") + arguments[-1]] if arguments else []
            print("fn", name, kind, defaults, *words, "->", ("*" if is_set else "") + result)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
