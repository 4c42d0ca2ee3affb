"""The canonical key of a query: equal for queries that differ in spelling alone.

1. Names become what they mean: tables and columns of the schema, numbers for what has an alias.
2. Operands whose order says nothing (AND, OR, =, +, *, IN, GROUP BY, inner joins) are sorted.
3. The rest is kept as it was parsed, literals to the letter.

Where the meaning of a name is not certain, the words of the text are the key: too few queries are then taken
for the same, never too many.
"""

from hashlib import sha256

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.canonical.form import canonical_form
from farm.sql.canonical.text import NamesMatter, Unclear
from farm.sql.subject import Subject
from farm.sql.verdict import Severity
from farm.sql.words import words

VERSION = 1
DIGITS = 32

# their value differs from one call to the next, so that naming one twice is not the same as calling it twice
_VOLATILE = words(
    "clock_timestamp gen_random_uuid nextval rand random randomblob random_bytes setseed statement_timestamp "
    "sysdate timeofday uuid uuid_generate_v4 uuidv4 uuidv7"
)
# one word for each type that has several; others are kept as written
_TYPE_WORDS = {
    "BOOL": "BOOLEAN",
    "DEC": "DECIMAL",
    "INT": "INTEGER",
    "INT2": "SMALLINT",
    "INT4": "INTEGER",
    "INT8": "BIGINT",
    "NUMERIC": "DECIMAL",
}


def canonical_key(subject: Subject) -> str:
    """Version and digest (SHA-256, 32 hex digits) of what an accepted query asks of its schema."""
    form = _form(subject)
    digest = sha256(f"{subject.rules.name}:{form}".encode("utf-8", "surrogatepass")).hexdigest()
    return f"{VERSION}:{digest[:DIGITS]}"


def _form(subject: Subject) -> str:
    errors = (finding.severity is Severity.ERROR for finding in subject.resolution.findings)
    if any(errors) or _is_volatile(subject):
        return _as_written(subject)
    try:
        return f"{_types(subject)}{_named(subject)}"
    except (Unclear, RecursionError):
        return _as_written(subject)


def _is_volatile(subject: Subject) -> bool:
    following = zip(subject.tokens, subject.tokens[1:], strict=False)
    return any(
        after.token_type is TokenType.L_PAREN and token.text.lower() in _VOLATILE
        for token, after in following
    )


def _named(subject: Subject) -> str:
    try:
        return canonical_form(subject)
    except NamesMatter:
        return canonical_form(subject, keep_names=True)


def _types(subject: Subject) -> str:
    """The types that the query names, which the parser takes some of for the same (REAL and FLOAT)."""
    named = {node.this.name for node in subject.find_all(exp.DataType) if hasattr(node.this, "name")}
    if not named:
        return ""
    written: dict[str, set[str]] = {}
    for token in subject.tokens:
        if (kind := token.token_type.name) in named:
            word = " ".join(token.text.upper().split())
            written.setdefault(kind, set()).add(_TYPE_WORDS.get(word, word))
    if any(len(texts) > 1 for texts in written.values()):
        raise Unclear
    return repr(sorted((kind, *texts) for kind, texts in written.items()))


def _as_written(subject: Subject) -> str:
    """The words of the text, without white space, comments and the case of keywords."""
    return "text:" + repr([_word(token, subject.sql) for token in subject.tokens])


def _word(token: Token, sql: str) -> tuple[str, str]:
    is_keyword = token.token_type is not TokenType.VAR and sql[token.start : token.end + 1] == token.text
    return token.token_type.name, token.text.upper() if is_keyword else token.text
