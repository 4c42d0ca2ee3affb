"""What ALTER TABLE makes of the relations that a schema script has defined before."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sqlglot.tokenizer_core import TokenType

from farm.sql.reader import Reader, Relation
from farm.sql.words import words

_NO_COLUMN = words("CONSTRAINT PRIMARY FOREIGN UNIQUE CHECK INDEX KEY FULLTEXT SPATIAL PARTITION PERIOD")

Column = tuple[str, str]


@dataclass(kw_only=True)
class Alterations:
    """The relations of a script so far, in order."""

    default_schema: str
    relations: list[Relation] = field(default_factory=list)

    def find(self, schema: str | None, name: str) -> int | None:
        """Where the relation of this name is, the one defined last first."""
        for at in range(len(self.relations) - 1, -1, -1):
            relation = self.relations[at]
            home = relation.schema or self.default_schema
            if relation.name.lower() == name.lower() and schema in {home, relation.schema, None}:
                return at
        return None


class Alteration(Reader):
    """Reads one statement, whatever it is, and changes the relation that it alters."""

    def apply(self, known: Alterations, search_path: str | None) -> None:
        if not (self._skip("ALTER") and self._word() in {"TABLE", "FOREIGN", "VIEW", "MATERIALIZED"}):
            return
        while self._skip("TABLE", "FOREIGN", "VIEW", "MATERIALIZED", "ONLY", "IF", "EXISTS"):
            pass
        schema, name = self._qualified_name()
        self._skip("*")
        at = known.find(schema or search_path, name)
        if at is not None:
            for action in self._rest():
                known.relations[at] = action._altered(known.relations[at])

    def _rest(self) -> Iterator["Alteration"]:
        """The actions, which commas separate."""
        depth, start = 0, self.at
        for at in range(self.at, len(self.tokens)):
            kind = self.tokens[at].token_type
            depth += (kind is TokenType.L_PAREN) - (kind is TokenType.R_PAREN)
            if kind is TokenType.COMMA and depth == 0:
                yield Alteration(self.tokens[start:at], self.text, self.rules)
                start = at + 1
        yield Alteration(self.tokens[start:], self.text, self.rules)

    def _altered(self, relation: Relation) -> Relation:
        if len(self.tokens) < 2:
            return relation
        if self._skip("ADD"):
            return self._added(relation)
        if self._skip("DROP"):
            return self._dropped(relation)
        if self._skip("RENAME"):
            return self._renamed(relation)
        if self._skip("CHANGE", "MODIFY"):
            return self._changed(relation)
        if self._skip("SET") and self._skip("SCHEMA"):
            return replace(relation, schema=self._name())
        return relation

    def _added(self, relation: Relation) -> Relation:
        if not self._means_column("IF", "NOT", "EXISTS"):
            return relation
        is_list = self.tokens[self.at].token_type is TokenType.L_PAREN
        items = list(self._items()) if is_list else [self.tokens[self.at :]]
        columns = list(relation.columns)
        for item in items:
            column = self._column(item)
            if column is not None and not any(self._same(column[0], name) for name, _ in columns):
                columns.insert(self._place(columns), column)
        return replace(relation, columns=tuple(columns))

    def _place(self, columns: list[Column]) -> int:
        """Where MySQL's FIRST or AFTER puts a column."""
        before, last = self.tokens[-2:]
        if self.rules.name != "mysql":
            return len(columns)
        if last.text.upper() == "FIRST":
            return 0
        names = [name.lower() for name, _ in columns]
        is_after = before.text.upper() == "AFTER" and last.text.lower() in names
        return names.index(last.text.lower()) + 1 if is_after else len(columns)

    def _dropped(self, relation: Relation) -> Relation:
        if not self._means_column("IF", "EXISTS"):
            return relation
        name = self._name()
        is_key = any(self._same(key, name) for key in relation.primary_key)
        return replace(
            relation,
            columns=tuple(column for column in relation.columns if not self._same(column[0], name)),
            primary_key=() if is_key else relation.primary_key,
        )

    def _renamed(self, relation: Relation) -> Relation:
        if self._skip("TO", "AS"):
            return replace(relation, name=self._qualified_name()[1])
        if not self._means_column():
            return relation
        old = self._name()
        return self._with(relation, old, (self._name(), "")) if self._skip("TO") else relation

    def _changed(self, relation: Relation) -> Relation:
        """MySQL's MODIFY, and its CHANGE, which names the column twice."""
        is_change = self.tokens[0].text.upper() == "CHANGE"
        self._skip("COLUMN")
        old = self._fold(self.tokens[self.at])
        self.at += is_change
        column = self._column(self.tokens[self.at :])
        return relation if column is None else self._with(relation, old, column)

    def _means_column(self, *optional: str) -> bool:
        """Steps over COLUMN and what is `optional`; whether a column follows, and no constraint."""
        is_column = self._skip("COLUMN")
        while self._skip(*optional):
            pass
        if self.at >= len(self.tokens):
            return False
        word = self.tokens[self.at].text.partition(" ")[0].upper()
        is_quoted = self.tokens[self.at].token_type is TokenType.IDENTIFIER
        return is_column or is_quoted or word not in _NO_COLUMN

    def _name(self) -> str:
        if self.at >= len(self.tokens):
            return ""
        self.at += 1
        return self._fold(self.tokens[self.at - 1])

    def _same(self, one: str, other: str) -> bool:
        return one == other or (self.rules.folds_quoted and one.lower() == other.lower())

    def _with(self, relation: Relation, old: str, new: Column) -> Relation:
        """The relation with another column in place of `old`; without a type, it keeps the one it has."""
        return replace(
            relation,
            columns=tuple(
                (new[0], new[1] or type_) if self._same(name, old) else (name, type_)
                for name, type_ in relation.columns
            ),
            primary_key=tuple(new[0] if self._same(key, old) else key for key in relation.primary_key),
        )
