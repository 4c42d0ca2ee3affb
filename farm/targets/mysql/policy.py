"""What a query may call and read on one MySQL or MariaDB database, judged from its text and its views'.

A read-only transaction does not suffice: functions may still sleep, lock, and write or read files, and so may
INTO OUTFILE; a row lock holds up writers, a hint or a comment that runs may lift the time-out. So what a
query may contain is a list; what a view does is judged by its definition, in the same way.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from farm.sql.dialect import MYSQL
from farm.sql.words import words
from farm.targets.mysql.session import Connection, rows_of
from farm.targets.mysql.text import Mentions, Modes, mentions

UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
FIRST = words("SELECT WITH VALUES TABLE")
FORBIDDEN = words(
    "INTO OUTFILE DUMPFILE UPDATE DELETE INSERT REPLACE LOCK PROCEDURE CALL LOAD GRANT REVOKE CREATE ALTER "
    "DROP"
)
FOLLOWED = {"FOR": words("UPDATE SHARE"), "VALUE": words("FOR")}
"""Row locks, and the next value of a sequence."""
LOADED = words("INSERT() REPLACE()")
MARKS = {
    "@": "a variable (@) is not allowed in a report",
    "?": "the query has a parameter (?); write the value itself",
    "{": "an ODBC escape ({ … }) is not allowed in a report",
    "$": "a word that begins with a dollar is not allowed in a report",
    "[": "brackets are not allowed in a report",
    "\\": "the query contains a backslash outside of strings",
}
SYNTAX = words(
    "against all and any as between bigint binary by case char character columns cross datetime dec "
    "decimal distinct distinctrow div double else end escape except exists filter float force from group "
    "having ignore in index inner int integer intersect join key lateral left like limit match mod "
    "natural nchar nested not numeric of offset on or order over partition regexp right rlike rollup row "
    "rows select signed smallint some sounds sql_no_cache straight_join table then time timestamp tinyint "
    "union unsigned using values varbinary varchar when where window with xor"
)
"""Words that stand before a parenthesis without being called."""
DESCRIBING = frozenset(
    name.partition(".")[2] for name in MYSQL.catalogs if name.startswith("information_schema.")
)
"""What of information_schema may be read: it describes tables, and nothing else."""

DATABASE = "SELECT DATABASE(), @@SESSION.sql_mode"
ROUTINES = "SELECT LOWER(ROUTINE_NAME) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()"
VIEWS = "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """`database` is the one that may be read, `routines` are its own functions, which may not be called.

    `trapped` says, for views that may not be read (in lower case), why.
    """

    database: str
    modes: Modes
    routines: frozenset[str]
    trapped: Mapping[str, str]

    def refusal(self, sql: str) -> str | None:
        """What speaks against the text itself, before the database sees it."""
        if unreadable := UNREADABLE.search(sql):
            return f"the query contains U+{ord(unreadable[0]):04X}, which is no character of a query"
        named = mentions(sql, self.modes)
        return _misshapen(named) or self.unfit(named) or self._misread(named)

    def unfit(self, named: Mentions) -> str | None:
        """What speaks against the functions that a text calls, or against how it reads."""
        if named.live:
            return "a comment that runs, or a hint (/*! … */, /*+ … */), is not allowed in a report"
        if said := next((said for mark, said in MARKS.items() if mark in named.marks), None):
            return said
        if word := _forbidden(named.keywords):
            return f"{word} is not allowed in a report; it only reads"
        unknown = (named.called - MYSQL.functions - SYNTAX) | (named.called_quoted - MYSQL.functions)
        unknown |= (named.called | named.called_quoted) & self.routines
        if unknown:
            why = "it is not among the functions known to do nothing but compute"
            return f"function {min(unknown)}() is not allowed in a report: {why}"
        return None

    def _misread(self, named: Mentions) -> str | None:
        """What speaks against the tables that a query reads."""
        for schema, table in sorted(named.relations, key=str):
            place = (schema or self.database).lower()
            if place == "information_schema" and table.lower() not in DESCRIBING:
                return f"system table {table} is not allowed in a report"
            if place not in (self.database.lower(), "information_schema"):
                return f"table {schema}.{table} is of another database, not of {self.database}"
            if why := self.trapped.get(table.lower()):
                return why
        return None


def read_policy(connection: Connection) -> Policy:
    """What holds on the database that the connection is on."""
    ((database, sql_mode),) = rows_of(connection, DATABASE)
    plain = Policy(
        database=database,
        modes=Modes.of(sql_mode),
        routines=frozenset(name for (name,) in rows_of(connection, ROUTINES)),
        trapped={},
    )
    views = {name.lower(): definition for name, definition in rows_of(connection, VIEWS)}
    trapped = {name: said for name, text in views.items() if (said := _view_refusal(name, text, plain))}
    return Policy(
        database=plain.database,
        modes=plain.modes,
        routines=plain.routines,
        trapped=_with_those_above(trapped, views, plain),
    )


def _view_refusal(name: str, definition: str | None, policy: Policy) -> str | None:
    if not definition:
        return (
            f"the definition of view {name} cannot be read; grant SHOW VIEW on it to the role of the target"
        )
    said = policy.unfit(mentions(definition, policy.modes))
    return f"view {name} may not be read: {said}" if said else None


def _with_those_above(
    trapped: Mapping[str, str], views: Mapping[str, str | None], policy: Policy
) -> dict[str, str]:
    """The trapped views and all that read them, over however many others."""
    found = dict(trapped)
    reads = {
        name: {table.lower() for _, table in mentions(text or "", policy.modes).relations}
        for name, text in views.items()
    }
    while above := {name for name, tables in reads.items() if name not in found and tables & found.keys()}:
        for name in above:
            found[name] = found[min(reads[name] & found.keys())]
    return found


def _misshapen(named: Mentions) -> str | None:
    """A text that is no single query."""
    statements = " ".join(named.keywords).rstrip("; ").split(";")
    if len(statements) > 1:
        return "more than one statement; only one is allowed"
    if not named.keywords or named.keywords[0].removesuffix("()") not in FIRST:
        return "only a query that reads is allowed"
    return None


def _forbidden(keywords: Iterable[str]) -> str | None:
    before = ""
    for spelled in keywords:
        word = spelled.removesuffix("()")
        if word in FORBIDDEN and spelled not in LOADED:
            return word
        if word in FOLLOWED.get(before, ()):
            return f"{before} {word}"
        before = word
    return None
