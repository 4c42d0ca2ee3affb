"""What the checks must know of each SQL dialect."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from farm.errors import BadInput
from farm.sql.functions.sqlite_library import callable_names
from farm.sql.words import words

ANY_NUMBER = 10_000


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How one dialect reads names.

    `folds_quoted`: quoted names ignore case too. `folds_tables`: so do those of tables.
    `aliases_everywhere`: WHERE, GROUP BY and HAVING see the aliases of the SELECT list, and what else
    only SQLite does; `alias_clauses`: these clauses see them. `whole_rows`: a table's name is a value.
    `implied_lateral`: a query in FROM sees the sources before it. `grouping`: a column beside aggregates
    must be in GROUP BY (strict), or the primary key of its table (keys), or need not (free).
    `strings_in_double_quotes`: one that names nothing is a string. `hidden_columns` exist on every table;
    `bare_words` are values written without parentheses; `catalogs` are system tables that may be read,
    with their schema where need be, `"schema.*"` standing for all of one but `secrets`; `reserved` words
    name nothing unless quoted.
    """

    name: str
    default_schema: str
    folds_quoted: bool
    aliases_everywhere: bool
    grouping: Literal["free", "keys", "strict"]
    strings_in_double_quotes: bool
    hidden_columns: frozenset[str]
    bare_words: frozenset[str]
    catalogs: frozenset[str]
    secrets: frozenset[str]
    reserved: frozenset[str]
    alias_clauses: frozenset[str] = frozenset()
    folds_tables: bool = True
    whole_rows: bool = False
    implied_lateral: bool = False

    def fold_table(self, name: str, *, quoted: bool) -> str:
        """The same for the name or alias of a table."""
        return self.fold(name, quoted=quoted) if self.folds_tables else name

    def fold(self, name: str, *, quoted: bool) -> str:
        """The spelling under which `name` is looked up."""
        return name if quoted and not self.folds_quoted else name.lower()

    @property
    def checks_used_ctes_only(self) -> bool:
        """Whether a WITH query that nothing refers to is not looked into."""
        return self.name in {"sqlite", "duckdb"}

    @property
    def distinct_orders_by_results(self) -> bool:
        """Whether SELECT DISTINCT is ordered by its own columns only."""
        return self.name == "postgres"

    @property
    def functions(self) -> frozenset[str]:
        """Names (lower case) of the functions that a report may call."""
        return _functions(self.name)

    @property
    def aggregates(self) -> frozenset[str]:
        """Names (lower case) of the functions that make one value of many rows."""
        return _of_kind(self.name, "aggregate")

    @property
    def argument_counts(self) -> Mapping[str, tuple[int, int]]:
        """The least and the greatest number of arguments, for the functions where that is told here."""
        return _argument_counts(self.name)

    @property
    def windows(self) -> frozenset[str]:
        """Names (lower case) of the functions that need OVER."""
        return _of_kind(self.name, "window")


SQLITE = Rules(
    name="sqlite",
    default_schema="main",
    folds_quoted=True,
    aliases_everywhere=True,
    grouping="free",
    strings_in_double_quotes=True,
    hidden_columns=frozenset({"rowid", "oid", "_rowid_"}),
    bare_words=frozenset({"current_date", "current_time", "current_timestamp", "true", "false"}),
    catalogs=frozenset({"sqlite_master", "sqlite_schema"}),
    secrets=frozenset(),
    reserved=words(
        "add all alter and as autoincrement between case check collate commit constraint create default "
        "deferrable delete distinct drop else escape except exists foreign from group having in index insert "
        "intersect into is isnull join limit not nothing notnull null on or order primary references "
        "returning select set table then to transaction union unique update using values when where"
    ),
)

POSTGRES = Rules(
    name="postgres",
    default_schema="public",
    folds_quoted=False,
    aliases_everywhere=False,
    whole_rows=True,
    grouping="keys",
    strings_in_double_quotes=False,
    hidden_columns=frozenset({"ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"}),
    bare_words=words(
        "current_catalog current_date current_role current_schema current_time current_timestamp "
        "current_user localtime localtimestamp session_user system_user user"
    ),
    catalogs=words(
        "information_schema.* pg_attribute pg_class pg_constraint pg_description pg_enum pg_index "
        "pg_indexes pg_matviews pg_namespace pg_sequences pg_tables pg_type pg_views"
    ),
    secrets=words(
        "_pg_foreign_data_wrappers _pg_foreign_servers _pg_foreign_table_columns _pg_foreign_tables "
        "_pg_user_mappings foreign_data_wrapper_options foreign_server_options foreign_table_options "
        "user_mapping_options"
    ),
    reserved=words(
        "all analyse analyze and any array as asc asymmetric both case cast check collate column constraint "
        "create default deferrable desc distinct do else end except fetch for foreign from grant group "
        "having in initially intersect into lateral leading limit not null offset on only or order placing "
        "primary references returning select some symmetric table then to trailing union unique user using "
        "variadic when where window with"
    ),
)

MYSQL = Rules(
    name="mysql",
    default_schema="",
    folds_quoted=True,
    folds_tables=False,
    aliases_everywhere=False,
    alias_clauses=frozenset({"group", "having", "order"}),
    grouping="keys",
    strings_in_double_quotes=False,
    hidden_columns=frozenset(),
    bare_words=words(
        "current_date current_time current_timestamp current_user localtime localtimestamp utc_date utc_time "
        "utc_timestamp true false"
    ),
    catalogs=words(
        "dual information_schema.character_sets information_schema.check_constraints "
        "information_schema.collations information_schema.columns information_schema.key_column_usage "
        "information_schema.partitions information_schema.referential_constraints "
        "information_schema.schemata information_schema.statistics information_schema.table_constraints "
        "information_schema.tables information_schema.views"
    ),
    secrets=frozenset(),
    reserved=words(
        "accessible add all alter analyze and as asc asensitive before between bigint binary blob both by "
        "call cascade case change char character check collate column condition constraint continue convert "
        "create cross cursor databases day_hour day_microsecond day_minute day_second dec decimal declare "
        "default delayed delete desc describe deterministic distinct distinctrow div double drop each else "
        "elseif enclosed escaped except exists exit explain fetch float float4 float8 for force foreign "
        "from fulltext grant group having high_priority hour_microsecond hour_minute hour_second if ignore "
        "in index infile inner inout insensitive insert int int1 int2 int3 int4 int8 integer intersect "
        "interval into is iterate join key keys kill leading leave left like limit linear lines load lock "
        "long longblob longtext loop low_priority match maxvalue mediumblob mediumint mediumtext middleint "
        "minute_microsecond minute_second mod modifies natural not no_write_to_binlog numeric offset on "
        "optimize optionally or order out outer outfile over partition precision primary procedure purge "
        "range read reads read_write real recursive references regexp release rename repeat replace require "
        "resignal restrict return revoke right rlike rows row_number schemas second_microsecond select "
        "sensitive separator set show signal smallint spatial specific sql sqlexception sqlstate sqlwarning "
        "sql_big_result sql_calc_found_rows sql_small_result ssl starting straight_join table terminated "
        "then tinyblob tinyint tinytext to trailing trigger undo union unique unlock unsigned update usage "
        "use using values varbinary varchar varcharacter varying when where while with write xor year_month "
        "zerofill"
    ),
)

DUCKDB = Rules(
    name="duckdb",
    default_schema="main",
    folds_quoted=True,
    aliases_everywhere=False,
    alias_clauses=frozenset({"select", "where", "group", "having", "order", "qualify"}),
    whole_rows=True,
    implied_lateral=True,
    grouping="strict",
    strings_in_double_quotes=False,
    hidden_columns=frozenset({"rowid"}),
    bare_words=words(
        "current_catalog current_date current_role current_schema current_time current_timestamp "
        "current_user localtime localtimestamp session_user user true false"
    ),
    catalogs=words("information_schema.* duckdb_columns duckdb_tables duckdb_views"),
    secrets=frozenset(),
    reserved=words(
        "all analyse analyze and any array as asc asymmetric both case cast check collate column constraint "
        "create default deferrable desc distinct do else end except fetch for foreign from group having in "
        "initially intersect into lateral leading limit not null offset on only or order placing primary "
        "qualify references returning select some symmetric table then to trailing union unique using "
        "variadic when where window with"
    ),
)

DIALECTS = {rules.name: rules for rules in (SQLITE, POSTGRES, MYSQL, DUCKDB)}


def rules_of(dialect: str) -> Rules:
    """The rules of a dialect; raises BadInput for one that the checks do not know."""
    try:
        return DIALECTS[dialect]
    except KeyError:
        known = ", ".join(sorted(DIALECTS))
        raise BadInput(f"dialect {dialect!r} is not known; use one of: {known}") from None


@cache
def _argument_counts(dialect: str) -> Mapping[str, tuple[int, int]]:
    lines = (line.split() for line in _lines("arguments.txt"))
    return {
        line[1]: (int(line[2]), ANY_NUMBER if line[-1] == "*" else int(line[-1]))
        for line in lines
        if line[:1] == [dialect]
    }


@cache
def _functions(dialect: str) -> frozenset[str]:
    names = frozenset(name for line in _lines(f"{dialect}.txt") for name in line.split())
    at_hand = callable_names() if dialect == "sqlite" else None
    return names if at_hand is None else names & at_hand


@cache
def _of_kind(dialect: str, kind: str) -> frozenset[str]:
    lines = (line.split() for line in _lines("kinds.txt"))
    return frozenset(name for line in lines if line[:2] == [dialect, kind] for name in line[2:])


def _lines(file: str) -> Iterator[str]:
    """The lines of a list of functions, without comments."""
    text = files("farm.sql.functions").joinpath(file).read_text(encoding="utf-8")
    return (line.partition("#")[0] for line in text.splitlines())
