"""What a schema script says of its tables and columns in words.

In COMMENT ON statements and COMMENT clauses, and in remarks beside or above what they speak of.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from sqlglot.tokenizer_core import Token, TokenType

from farm.sql.ddl import Reader, search_path_of, statements, tokenized
from farm.sql.dialect import Rules

_OF_A_DUMP = re.compile(
    r"^\s*(--|Name: .*; Type: |Data for Name: |Dump(ed|ing)? |PostgreSQL database dump|M(ySQL|ariaDB) dump"
    r"|Host: |Server version|Table structure for|Current Database:|Temporary view structure|Final view)"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Remarks:
    """Texts by folded (schema, table) and (schema, table, column)."""

    tables: Mapping[tuple[str, str], str] = field(default_factory=dict)
    columns: Mapping[tuple[str, str, str], str] = field(default_factory=dict)


def written_in(ddl: str, rules: Rules) -> Remarks:
    """All comments of a script; COMMENT ON and COMMENT go before remarks. Raises BadInput like `read_ddl`."""
    text, tokens = tokenized(ddl, rules)
    tables: dict[tuple[str, str], str] = {}
    columns: dict[tuple[str, str, str], str] = {}
    search_path: str | None = None
    beside = _beside(tokens)
    for statement in statements(tokens):
        search_path = search_path_of(statement) or search_path
        reader = _RemarkReader(statement, text, rules, beside)
        if reader._word() == "COMMENT":
            reader.comment_on(search_path, tables, columns)
        elif reader._word() == "CREATE":
            reader.created(search_path, tables, columns)
    return Remarks(tables=tables, columns=columns)


def _beside(tokens: list[Token]) -> dict[int, list[str]]:
    """The remarks by where the token starts that they belong to: one behind a comma is about what it ends."""
    said = {token.start: list(token.comments) for token in tokens if token.comments}
    for before, comma in pairwise(tokens):
        if comma.token_type is TokenType.COMMA and comma.start in said:
            said.setdefault(before.start, []).extend(said.pop(comma.start))
    return said


class _RemarkReader(Reader):
    """Reads the words of one statement."""

    def __init__(
        self, tokens: list[Token], text: str, rules: Rules, beside: Mapping[int, list[str]] | None = None
    ) -> None:
        super().__init__(tokens, text, rules)
        self.beside = beside or {}

    def comment_on(
        self,
        search_path: str | None,
        tables: dict[tuple[str, str], str],
        columns: dict[tuple[str, str, str], str],
    ) -> None:
        """Read `COMMENT ON TABLE|VIEW|COLUMN name IS 'text'`."""
        self._skip("COMMENT")
        self._skip("ON")
        kind = self._word()
        while self._skip("MATERIALIZED", "FOREIGN", "TABLE", "VIEW", "COLUMN"):
            pass
        parts = self._parts()
        text = self.tokens[self.at + 1 : self.at + 2] if self._word() == "IS" else []
        if not parts or not text or text[0].token_type is not TokenType.STRING:
            return
        said = text[0].text
        if kind == "COLUMN" and len(parts) > 1:
            schema = parts[-3] if len(parts) > 2 else search_path
            columns[(*self._place(schema, parts[-2]), self._folded(parts[-1]))] = said
        elif kind in {"TABLE", "VIEW", "MATERIALIZED", "FOREIGN"}:
            tables[self._place(parts[-2] if len(parts) > 1 else search_path, parts[-1])] = said

    def created(
        self,
        search_path: str | None,
        tables: dict[tuple[str, str], str],
        columns: dict[tuple[str, str, str], str],
    ) -> None:
        """Read the remarks of a CREATE TABLE or CREATE VIEW."""
        relation = self.relation(search_path)
        if relation is None:
            return
        place = self._place(relation.schema, relation.name)
        opening = next(
            (i for i, token in enumerate(self.tokens) if token.token_type is TokenType.L_PAREN), None
        )
        head = self.tokens if opening is None else self.tokens[: opening + 1]
        if said := self._remarks(head):
            tables.setdefault(place, said)
        if opening is None or relation.is_view:
            return
        self.at = opening
        for item in self._items():
            column = self._column(item)
            if column is not None and (about := _clause(item) or self._remarks(item)):
                columns.setdefault((*place, self._folded(column[0])), about)
        if said := _clause(self.tokens[self.at :]):
            tables[place] = said

    def _remarks(self, tokens: Iterable[Token]) -> str:
        said = (" ".join(text.split()) for token in tokens for text in self.beside.get(token.start, ()))
        return " ".join(text for text in said if text and not _OF_A_DUMP.match(text))

    def _place(self, schema: str | None, name: str) -> tuple[str, str]:
        return (schema or self.rules.default_schema).lower(), self._folded(name)

    def _folded(self, name: str) -> str:
        return self.rules.fold(name, quoted=True)


def _clause(tokens: list[Token]) -> str:
    """The text of MySQL's `COMMENT 'text'` or `COMMENT = 'text'`."""
    for at, token in enumerate(tokens):
        if token.token_type is TokenType.IDENTIFIER or token.text.upper() != "COMMENT":
            continue
        following = [each for each in tokens[at + 1 : at + 3] if each.token_type is not TokenType.EQ]
        if following and following[0].token_type is TokenType.STRING:
            return following[0].text
    return ""
