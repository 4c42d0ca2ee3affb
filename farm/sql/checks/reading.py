"""The statement only reads: positive lists of node types and of functions, not lists of bad ones."""

from collections.abc import Iterator
from functools import cache

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.nearest import nearest
from farm.sql.subject import Subject
from farm.sql.verdict import Finding
from farm.sql.words import words

_STRUCTURE: tuple[type[exp.Expr], ...] = (
    *(exp.Select, exp.SetOperation, exp.Subquery, exp.Values, exp.With, exp.CTE, exp.RecursiveWithSearch),
    *(exp.From, exp.Join, exp.Lateral, exp.Table, exp.TableAlias, exp.TableSample, exp.Unnest, exp.Tuple),
    *(
        exp.Where,
        exp.Qualify,
        exp.Group,
        exp.Cube,
        exp.Rollup,
        exp.GroupingSets,
        exp.Having,
        exp.Order,
        exp.Ordered,
    ),
    *(
        exp.Limit,
        exp.LimitOptions,
        exp.Offset,
        exp.Fetch,
        exp.Distinct,
        exp.Alias,
        exp.Aliases,
        exp.Identifier,
    ),
    *(
        exp.Star,
        exp.Var,
        exp.DataType,
        exp.DataTypeParam,
        exp.PseudoType,
        exp.ObjectIdentifier,
        exp.ColumnDef,
    ),
    *(
        exp.Interval,
        exp.IntervalSpan,
        exp.IntervalOp,
        exp.AtTimeZone,
        exp.Filter,
        exp.WithinGroup,
        exp.WindowSpec,
    ),
    *(exp.IgnoreNulls, exp.RespectNulls, exp.Lambda, exp.Slice, exp.Variadic, exp.Heredoc, exp.National),
    *(
        exp.JSON,
        exp.JSONKeyValue,
        exp.JSONPath,
        exp.JSONPathPart,
        exp.JSONColumnDef,
        exp.JSONSchema,
        exp.JSONValue,
    ),
    *(exp.OnCondition, exp.FormatJson, exp.HavingMax, exp.WithOperator, exp.Opclass, exp.ForIn, exp.TimeUnit),
    *(exp.IndexTableHint, exp.Introducer),
)
_READS = (*_STRUCTURE, exp.Func, exp.Condition)
_SIDE_EFFECTS = (exp.DML, exp.DDL, exp.Command, exp.Into, exp.Lock, exp.SessionParameter)
_ROOTS = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)

_ACTIONS: dict[type[exp.Expr], str] = {
    exp.Into: "SELECT INTO, which creates a table",
    exp.Lock: "a row lock (FOR UPDATE or FOR SHARE)",
}


def only_reads(subject: Subject) -> Iterator[Finding]:
    """The root is a query and every node below it is known to read."""
    root = subject.tree
    if not isinstance(root, _ROOTS):
        yield _not_read_only(subject, root)
        return
    strange = frozenset(kind for kind in subject.kinds if not _reads(kind))  # type: ignore[arg-type]  # hashes
    if strange:
        yield _not_read_only(subject, next(node for node in subject.nodes if type(node) in strange))


@cache
def _reads(kind: type[exp.Expr]) -> bool:
    return issubclass(kind, _READS) and (kind in _STRUCTURE or not issubclass(kind, _SIDE_EFFECTS))


def _not_read_only(subject: Subject, node: exp.Expr) -> Finding:
    word = str(node.this) if isinstance(node, exp.Command) else node.key.upper()
    what = _ACTIONS.get(type(node), word)
    return Finding(
        code="not_read_only",
        message=f"the query contains {what}; a report only reads",
        hint="write one SELECT statement",
    )


def allowed_functions(subject: Subject) -> Iterator[Finding]:
    """Every name that is called is on the dialect's list; read from the words, as the parser renames some."""
    functions, columns_follow = subject.rules.functions, _column_lists(subject)
    tokens = subject.tokens
    for at in (opening - 1 for opening in subject.tokens_of(TokenType.L_PAREN) if opening):
        token = tokens[at]
        if not _may_be_called(token) or token.start in columns_follow:
            continue
        if token.text.lower() in functions or _is_syntax(tokens, at):
            continue
        yield Finding(
            code="function_not_allowed",
            message=f"{token.text} is not among the {subject.rules.name} functions that a report may call",
            nearest=nearest(token.text, functions),
            hint="use the database's own functions for reading and computing",
            **subject.place(token.start),
        )


def _may_be_called(token: Token) -> bool:
    return token.token_type is TokenType.IDENTIFIER or token.text[:1].isalpha() or token.text[:1] == "_"


def _is_syntax(tokens: list[Token], at: int) -> bool:
    """A keyword or type name in front of the parenthesis; a quoted or schema-qualified name never is one."""
    token = tokens[at]
    if token.token_type is TokenType.IDENTIFIER or (at and tokens[at - 1].token_type is TokenType.DOT):
        return False
    word = token.text.upper().rpartition(" ")[2]
    if word == "GLOB" and (not at or tokens[at - 1].text.upper() in _BEFORE_CALL):
        return False  # DuckDB's table function, which lists files, and not the operator
    if word in _ONLY_BEHIND:
        before = tokens[at - 1] if at else token
        return before.text.upper() in _ONLY_BEHIND[word] or before.token_type.name in _ONLY_BEHIND[word]
    return word in _BEFORE_PARENTHESIS


def _column_lists(subject: Subject) -> set[int]:
    """Where names stand whose parenthesis lists columns: `WITH t(a, b) AS`, `AS t(a, b)`."""
    aliases = subject.find_all(exp.TableAlias)
    named = (alias.this for alias in aliases if alias.this is not None and alias.args.get("columns"))
    return {name.meta["start"] for name in named if "start" in name.meta}


_KEYWORDS = words(
    "ALL AND ANTI ANY ARRAY AS ASC BETWEEN BY CASE CROSS CUBE DESC DISTINCT DIV ELSE END ESCAPE EXCEPT "
    "EXCLUDE EXISTS FILTER FOR FROM FULL GLOB GROUP GROUPING HAVING ILIKE IN INNER INTERSECT IS JOIN LATERAL "
    "LIKE LIMIT MATCH MATERIALIZED NATURAL NOT OFFSET ON ONLY OR ORDER ORDINALITY OUTER OVER PARTITION "
    "RECURSIVE REGEXP RLIKE ROLLUP ROW ROWS SELECT SETS SIMILAR SOME SYMMETRIC THEN TO UNION USING VALUES "
    "WHEN WHERE WINDOW WITH WITHIN XOR"
)
TYPES_WITH_LENGTH = words(
    "BIT CHAR CHARACTER DEC DECIMAL DOUBLE FLOAT INT INTEGER BIGINT SMALLINT INTERVAL NCHAR NUMERIC "
    "NVARCHAR REAL TEXT TIME TIMESTAMP TIMESTAMPTZ TIMETZ VARBIT VARCHAR VARYING BPCHAR"
)
_BEFORE_CALL = words("FROM JOIN , ( LATERAL SELECT")
_SAMPLING = words("BERNOULLI SYSTEM")
_ONLY_BEHIND = {  # words that could name a function too
    "DATETIME": words("AS"),  # CAST(… AS DATETIME(3))
    "COLUMNS": words("STRING"),  # JSON_TABLE(…, '$' COLUMNS (…))
    "INDEX": words("USE FORCE IGNORE"),
    "RENAME": words("*"),
    "REPEATABLE": words(")"),
    "RESERVOIR": words("TABLESAMPLE TABLE_SAMPLE"),
}
_BEFORE_PARENTHESIS = _KEYWORDS | TYPES_WITH_LENGTH | _SAMPLING
