"""Reads one statement of a schema script: the relation it defines, its columns, its primary key."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot.tokenizer_core import Token, TokenType

from farm.errors import BadInput
from farm.sql.dialect import Rules
from farm.sql.words import words

_NO_COLUMN = words("CONSTRAINT PRIMARY FOREIGN UNIQUE CHECK LIKE")
_NO_COLUMN_IN_MYSQL = words("KEY INDEX FULLTEXT SPATIAL")
_COLUMN_UNLESS = {"EXCLUDE": words("USING ("), "PERIOD": words("FOR")}
_AFTER_TYPE = words(
    "CONSTRAINT PRIMARY NOT NULL UNIQUE CHECK DEFAULT COLLATE REFERENCES GENERATED AS ON COMMENT "
    "AUTOINCREMENT AUTO_INCREMENT STORAGE COMPRESSION"
)
_OPENING, _CLOSING = TokenType.L_PAREN, TokenType.R_PAREN
_NAMES_QUOTED = TokenType.IDENTIFIER


@dataclass(frozen=True, kw_only=True)
class Relation:
    """One CREATE TABLE or CREATE VIEW. `columns` are (name, type) pairs as stored, after case folding;
    `body` is the defining query of a view or of CREATE TABLE AS; `parents` are tables whose columns it has
    too; `primary_key` are the names of its columns, none where there is no such key."""

    schema: str | None
    name: str
    columns: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    parents: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = ()
    is_view: bool = False
    is_virtual: bool = False
    without_rowid: bool = False


def _first_word(token: Token) -> str:
    """Some keywords come as one token of two words: PRIMARY KEY, FOREIGN KEY."""
    return token.text.partition(" ")[0].upper()


def _ends_type(token: Token) -> bool:
    return token.token_type is not _NAMES_QUOTED and _first_word(token) in _AFTER_TYPE


def _is_primary_key(item: list[Token], at: int) -> bool:
    token = item[at]
    if token.token_type is _NAMES_QUOTED or _first_word(token) != "PRIMARY":
        return False
    following = item[at + 1].text.upper() if at + 1 < len(item) else ""
    return token.text.upper().endswith("KEY") or following == "KEY"


class Reader:
    """Reads one statement's tokens from left to right."""

    def __init__(self, tokens: list[Token], text: str, rules: Rules) -> None:
        self.tokens, self.text, self.rules, self.at = tokens, text, rules, 0

    def relation(self, search_path: str | None) -> Relation | None:
        if not self._skip("CREATE"):
            return None
        while self._skip(
            "OR", "REPLACE", "TEMP", "TEMPORARY", "GLOBAL", "LOCAL", "UNLOGGED", "FOREIGN", "RECURSIVE"
        ):
            pass
        self._skip_view_options()
        is_virtual, is_materialized = self._skip("VIRTUAL"), self._skip("MATERIALIZED")
        is_view = self._skip("VIEW") or (is_materialized and self._skip("VIEW"))
        if not is_view and not self._skip("TABLE"):
            return None
        while self._skip("IF", "NOT", "EXISTS"):
            pass
        schema, name = self._qualified_name()
        if is_virtual:
            return Relation(schema=schema, name=name, is_virtual=True)
        return self._table_or_view(schema or search_path, name, is_view=is_view)

    def _table_or_view(self, schema: str | None, name: str, *, is_view: bool) -> Relation:
        columns: list[tuple[str, str]] = []
        parents: list[str] = []
        primary_key: tuple[str, ...] = ()
        if self._word() == "PARTITION":
            self.at += 2
            parents.append(self._qualified_name()[1])
        if not is_view and self._skip("LIKE"):  # MySQL's, without parentheses
            parents.append(self._qualified_name()[1])
        for item in self._items():
            column = self._column(item)
            primary_key = self._primary_key(item, column) or primary_key
            if column is not None:
                columns.append(column)
            elif item and item[0].text.upper() == "LIKE" and len(item) > 1:
                parents.append(self._fold(item[-1] if len(item) < 5 else item[1]))
        parents += self._inherited()
        return Relation(
            schema=schema,
            name=name,
            columns=tuple(columns),
            body=self._body(),
            parents=tuple(parents),
            primary_key=primary_key,
            is_view=is_view,
            without_rowid=any(token.text.upper() == "WITHOUT" for token in self.tokens[self.at :]),
        )

    def _items(self) -> Iterator[list[Token]]:
        """The comma-separated items of the parenthesised list that starts here; leaves `at` behind it."""
        if self.at >= len(self.tokens) or self.tokens[self.at].token_type is not _OPENING:
            return
        opening = self.tokens[self.at]
        self.at += 1
        depth, item = 1, list[Token]()
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            depth += (token.token_type is _OPENING) - (token.token_type is _CLOSING)
            if depth == 0:
                yield item
                return
            if depth == 1 and token.token_type is TokenType.COMMA:
                yield item
                item = []
            else:
                item.append(token)
        raise BadInput(
            f"the DDL cannot be read: the parenthesis opened in line {opening.line} is never closed"
        )

    def _column(self, item: list[Token]) -> tuple[str, str] | None:
        if not item:
            return None
        first = item[0]
        if first.token_type is not _NAMES_QUOTED and self._is_constraint(item):
            return None
        end = next((i for i in range(1, len(item)) if _ends_type(item[i])), len(item))
        type_ = self.text[item[1].start : item[end - 1].end + 1] if end > 1 else ""
        return self._fold(first), " ".join(type_.split())

    def _is_constraint(self, item: list[Token]) -> bool:
        """Whether an item of a table is none of its columns."""
        if len(item) < 2:
            return False
        word, following = _first_word(item[0]), item[1].text.upper()
        if word in _COLUMN_UNLESS:
            return following in _COLUMN_UNLESS[word]
        return word in _NO_COLUMN or (word in _NO_COLUMN_IN_MYSQL and self.rules.name == "mysql")

    def _primary_key(self, item: list[Token], column: tuple[str, str] | None) -> tuple[str, ...]:
        """The columns of the primary key that an item of a table declares."""
        key = next((i for i, token in enumerate(item) if _is_primary_key(item, i)), None)
        if key is None:
            return ()
        if column is not None:
            return (column[0],)
        inner = Reader(item[key:], self.text, self.rules)
        while inner.at < len(inner.tokens) and inner.tokens[inner.at].token_type is not _OPENING:
            inner.at += 1
        return tuple(self._fold(part[0]) for part in inner._items() if part)

    def added_key(self, search_path: str | None) -> dict[tuple[str | None, str], tuple[str, ...]]:
        """The table and the columns of `ALTER TABLE … ADD … PRIMARY KEY (…)`."""
        if not (self._skip("ALTER") and self._skip("TABLE")):
            return {}
        while self._skip("ONLY", "IF", "EXISTS"):
            pass
        schema, name = self._qualified_name()
        key = self._primary_key(self.tokens[self.at :], None)
        return {(schema or search_path, name): key} if key else {}

    def enum(self) -> dict[str, frozenset[str]]:
        """The name and the labels of `CREATE TYPE … AS ENUM (…)`."""
        if not (self._skip("CREATE") and self._skip("TYPE")):
            return {}
        name = self._qualified_name()[1]
        if not (self._skip("AS") and self._skip("ENUM")):
            return {}
        return {name: frozenset(item[0].text for item in self._items() if item)}

    def created_type(self) -> set[str]:
        """The name of `CREATE TYPE …`, whatever it is made of."""
        return {self._qualified_name()[1].lower()} if self._skip("CREATE") and self._skip("TYPE") else set()

    def domain(self) -> dict[str, str]:
        """The name of `CREATE DOMAIN … AS …` and the type that it is made of."""
        if not (self._skip("CREATE") and self._skip("DOMAIN")):
            return {}
        name = self._qualified_name()[1]
        self._skip("AS")
        end = next((i for i in range(self.at + 1, len(self.tokens)) if _ends_type(self.tokens[i])), None)
        last = self.tokens[-1 if end is None else end - 1]
        return (
            {name: self.text[self.tokens[self.at].start : last.end + 1]} if self.at < len(self.tokens) else {}
        )

    def _skip_view_options(self) -> None:
        """MySQL's ALGORITHM = …, DEFINER = …, SQL SECURITY … in front of VIEW."""
        for ahead in range(self.at, min(self.at + 14, len(self.tokens))):
            word = self.tokens[ahead].text.upper()
            if self.tokens[ahead].token_type is _OPENING or word in {"TABLE", "AS"}:
                return
            if word == "VIEW" and self._word() in {"ALGORITHM", "DEFINER", "SQL"}:
                self.at = ahead
                return

    def _inherited(self) -> list[str]:
        if self._word() != "INHERITS":
            return []
        self.at += 1
        return [self._fold(item[-1]) for item in self._items() if item]

    def _body(self) -> str | None:
        """The query after AS, without what may follow it: WITH NO DATA, WITH CHECK OPTION."""
        start = next(self._starts_of_body(), None)
        if start is None:
            return None
        tail = [token.text.upper() for token in self.tokens[-4:]]
        end = len(self.tokens)
        if tail[-1] in {"DATA", "OPTION"} and "WITH" in tail:
            end -= len(tail) - tail.index("WITH")
        return self.text[self.tokens[start].start : self.tokens[end - 1].end + 1]

    def _starts_of_body(self) -> Iterator[int]:
        for at in range(self.at, len(self.tokens) - 1):
            word = self.tokens[at].text.upper()
            if word == "AS":
                yield at + 1
            elif word == "SELECT" and self.rules.name == "mysql":  # which needs no AS
                yield at

    def _qualified_name(self) -> tuple[str | None, str]:
        parts = self._parts()
        if not parts:
            line = self.tokens[-1].line
            raise BadInput(f"the DDL cannot be read: the CREATE statement in line {line} has no name")
        return (parts[-2] if len(parts) > 1 else None), parts[-1]

    def _parts(self) -> list[str]:
        """The parts of a name with dots between them."""
        parts: list[str] = []
        while self.at < len(self.tokens):
            parts.append(self._fold(self.tokens[self.at]))
            self.at += 1
            if self.at >= len(self.tokens) or self.tokens[self.at].token_type is not TokenType.DOT:
                break
            self.at += 1
        return parts

    def _fold(self, token: Token) -> str:
        """The name as the engine stores it: folded in Postgres unless quoted, as written in SQLite."""
        quoted = token.token_type is _NAMES_QUOTED or self.rules.folds_quoted
        return token.text if quoted else self.rules.fold(token.text, quoted=False)

    def _word(self) -> str:
        return self.tokens[self.at].text.upper() if self.at < len(self.tokens) else ""

    def _skip(self, *words: str) -> bool:
        """Step over the next token when it is one of `words`."""
        here = self._word() in words
        self.at += here
        return here
