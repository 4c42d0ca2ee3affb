"""What a query may call and read on one Postgres database, judged from its text and from its plan.

The text tells what the query itself names. What it reaches through something else (a view, an operator, a
cast, a domain, an aggregate, `row.function`) is told by the catalogue and by the plan of EXPLAIN VERBOSE.
Read-only transactions and time-outs hold beside this; they alone would let a function sleep, lock, notify or
read files.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from psycopg import errors

from farm.sql.dialect import POSTGRES
from farm.targets.postgres.session import Connection, reading
from farm.targets.postgres.text import Mentions, mentions

VIEWS_LIMIT_SECONDS = 3.0
NO_CALLS = frozenset({"bernoulli", "bit", "char", "like", "system", "varbit"})
"""Harmless functions whose names before a parenthesis are syntax (`LIKE ('a' || b)`, `CHAR(3)`)."""

FUNCTIONS = """
    SELECT p.proname, p.pronamespace = 'pg_catalog'::regnamespace,
           bool_or(p.provolatile = 'v' OR EXISTS (
               SELECT FROM pg_aggregate a JOIN pg_proc f
               ON f.oid IN (a.aggtransfn, a.aggfinalfn, a.aggmtransfn, a.aggmfinalfn)
               WHERE a.aggfnoid = p.oid AND f.provolatile = 'v')),
           bool_or(p.prokind <> 'a' AND l.lanname IN ('c', 'internal')),
           bool_or(NOT o.rolsuper AND o.oid <> d.datdba),
           bool_or(p.pronargs - p.pronargdefaults <= 1 AND p.pronargs > 0 AND t.typtype IN ('c', 'd', 'p'))
    FROM pg_proc p
    JOIN pg_language l ON l.oid = p.prolang
    JOIN pg_roles o ON o.oid = p.proowner
    JOIN pg_database d ON d.datname = current_database()
    LEFT JOIN pg_type t ON t.oid = p.proargtypes[0]
    GROUP BY 1, 2
"""
OPERATORS = """
    SELECT u.oprname FROM pg_operator u
    JOIN pg_proc p ON p.oid = u.oprcode
    JOIN pg_roles o ON o.oid = u.oprowner
    JOIN pg_database d ON d.datname = current_database()
    WHERE p.provolatile = 'v' AND (NOT o.rolsuper AND o.oid <> d.datdba OR NOT EXISTS (
        SELECT FROM pg_operator c
        WHERE c.oprname = u.oprname AND c.oprnamespace = 'pg_catalog'::regnamespace))
"""
TYPES = """
    SELECT t.typname FROM pg_cast c
    JOIN pg_proc p ON p.oid = c.castfunc
    JOIN pg_type t ON t.oid = c.casttarget
    WHERE p.provolatile = 'v'
    UNION SELECT t.typname FROM pg_type t JOIN pg_proc p ON p.oid IN (t.typinput, t.typoutput)
    WHERE p.provolatile = 'v'
"""
DOMAINS = """
    SELECT t.typname, pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN pg_type t ON t.oid = c.contypid
"""
VIEWS = """
    SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'v' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""
VIEW_NAMES = VIEWS.replace("pg_get_viewdef(c.oid)", "NULL")
POLICIES = """
    SELECT c.relname, pg_get_expr(p.polqual, c.oid) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
"""
RELATIONS = """
    SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v')
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Names that a query may not use, by the way they are used.

    `functions` may not be called, `selected` not stand behind a dot either, which calls a function of a row;
    `volatile` may not be called by what the query uses either; `mendable` are those of them that are not
    Postgres' own. `types` call volatile functions when they are cast to, `operators` when they are used.
    `relations` are system tables not meant for reports. What names one of `indirect` is judged by its whole
    plan too: views and tables whose definition or policy does what a query may not do itself, and `types`.
    """

    functions: frozenset[str]
    selected: frozenset[str]
    volatile: frozenset[str]
    mendable: frozenset[str]
    operators: frozenset[str]
    types: frozenset[str]
    relations: frozenset[str]
    indirect: frozenset[str]

    def refusal(self, sql: str) -> str | None:
        """What speaks against the text itself, before Postgres sees it."""
        if "\0" in sql:
            return "the query contains a NUL character"
        if any("\ud800" <= character <= "\udfff" for character in sql):
            return "the query contains half of a surrogate pair, which is no character"
        named = mentions(sql)
        if named is None:
            return "the query spells a name or a string in escapes that cannot be checked; write it plainly"
        if refused := sorted((named.called & self.functions) | (named.selected & self.selected)):
            return f"function {refused[0]}() is not allowed in a report: {self._why(refused[0])}"
        if refused := sorted(named.names & self.relations):
            return f"system table {refused[0]} is not allowed in a report"
        return self._trapped(named)

    def wants_whole_plan(self, sql: str) -> bool:
        """Whether the plan has to be shown with all expressions; constants in it may be large then."""
        named = mentions(sql)
        return named is None or bool(named.names & self.indirect)

    def plan_refusal(self, plan: Any) -> str | None:
        """What speaks against the plan (of EXPLAIN, as JSON): what is used through something else."""
        if "LockRows" in _node_types(plan):
            return "a row lock (FOR UPDATE or FOR SHARE) is not allowed in a report"
        for text in _strings(plan):
            named = mentions(text)
            if named is None:
                continue
            if refused := sorted(named.called & self.volatile):
                return (
                    f"a view or a policy that the query uses calls {refused[0]}(), which is not allowed in a "
                    f"report: {self._why(refused[0])}"
                )
            if said := self._trapped(named):
                return said
        return None

    def touches(self, named: Mentions) -> bool:
        """Whether a definition calls what a query's plan may not."""
        return bool(named.called & self.volatile) or self._trapped(named) is not None

    def _why(self, name: str) -> str:
        if name in self.mendable:
            return "volatile, it may do more than read; its owner can mark it STABLE if it only reads"
        if name in self.volatile:
            return "volatile, it may do more than read"
        return "it is not among the functions known to do nothing but compute"

    def _trapped(self, named: Mentions) -> str | None:
        for operator in sorted(self.operators):
            if any(operator in run for run in named.operators):
                return f"operator {operator} is not allowed in a report: its function is volatile"
        if refused := sorted(named.cast_to & self.types):
            return f"type {refused[0]} is not allowed in a report: converting to it calls a volatile function"
        return None


def read_policy(connection: Connection) -> Policy:
    """The policy for the database behind `connection`, from its catalogue as it is now."""
    functions: set[str] = set()
    selected: set[str] = set()
    volatile: set[str] = set()
    mendable: set[str] = set()
    for name, is_core, is_volatile, is_code, is_foreign, takes_row in connection.execute(FUNCTIONS.encode()):
        known = name in POSTGRES.functions
        if is_core:
            refused = not known and name not in NO_CALLS
        else:
            # what shadows a known function is judged by who made it: owners are trusted with their own names
            refused = is_foreign if known else is_volatile or is_code
        if refused:
            functions.add(name)
        if is_volatile and not known:
            volatile.add(name)
        if is_volatile and not is_core:
            mendable.add(name)
        if takes_row and not is_core and (refused or is_volatile):
            selected.add(name)
    domains = {
        name for name, named in _definitions(connection, DOMAINS) if not named or named.called & volatile
    }
    policy = Policy(
        functions=frozenset(functions),
        selected=frozenset(selected),
        volatile=frozenset(volatile),
        mendable=frozenset(mendable),
        operators=_first(connection, OPERATORS),
        types=_first(connection, TYPES) | domains,
        relations=(_first(connection, RELATIONS) - POSTGRES.catalogs) | POSTGRES.secrets,
        indirect=frozenset(),
    )
    return replace(policy, indirect=_indirect(connection, policy))


def _indirect(connection: Connection, policy: Policy) -> frozenset[str]:
    """Names of what uses something refused, directly or through another of them; all views where that takes
    too long to find out."""
    try:
        with reading(connection, timeout_seconds=VIEWS_LIMIT_SECONDS):
            waiting = [*_definitions(connection, VIEWS), *_definitions(connection, POLICIES)]
    except errors.QueryCanceled:
        waiting = [(name, None) for name in _first(connection, VIEW_NAMES) | _first(connection, POLICIES)]
    found = set(policy.types)
    size = -1
    while len(found) > size:
        size = len(found)
        found |= {
            name for name, named in waiting if not named or policy.touches(named) or named.names & found
        }
    return frozenset(found)


def _definitions(connection: Connection, query: str) -> list[tuple[str, Mentions | None]]:
    """Names, and what their definitions mention."""
    return [(name, mentions(text or "")) for name, text in connection.execute(query.encode())]


def _first(connection: Connection, query: str) -> frozenset[str]:
    return frozenset(row[0] for row in connection.execute(query.encode()))


def _node_types(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "Node Type" in value:
            yield str(value["Node Type"])
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _node_types(part)


def _strings(value: Any) -> Iterator[str]:
    """The texts in a plan, but for those that are labels; keys are Postgres' own words."""
    if isinstance(value, str):
        if not re.fullmatch(r"[\w ]+", value):
            yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strings(part)
