"""How a name of one dialect is written in another, so that definition and use stay together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from sqlglot import exp

from farm.sql.dialect import Rules
from farm.sql.schema import Schema

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """Names from a schema's dialect to `rules`: those of the schema spelled as there, others as written."""

    source: Rules
    rules: Rules
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: Schema, rules: Rules) -> Self:
        tables = {
            schema.rules.fold_table(each.name, quoted=True): each.name for each in schema.tables.values()
        }
        columns = {
            folded: name for each in schema.tables.values() for folded, name in (each.columns or {}).items()
        }
        return cls(source=schema.rules, rules=rules, tables=tables, columns=columns)

    def table(self, name: str, *, quoted: bool) -> exp.Identifier:
        """A table, or what stands for one here."""
        folded = self.source.fold_table(name, quoted=quoted)
        known = self.tables.get(folded)
        return self.written(known or (name if self.rules.folds_tables else folded))

    def column(self, name: str, *, quoted: bool) -> exp.Identifier:
        """A column, or a name in the result."""
        folded = self.source.fold(name, quoted=quoted)
        exact = folded if not self.source.folds_quoted else name
        return self.written(self.columns.get(folded, exact))

    def written(self, name: str) -> exp.Identifier:
        """A name, in quotes where it needs them, as these may make it mind capital letters."""
        if not _PLAIN.match(name):
            return exp.Identifier(this=name, quoted=True)
        if name.lower() in self.rules.reserved:
            return exp.Identifier(this=name if self.rules.folds_quoted else name.lower(), quoted=True)
        return exp.Identifier(this=name, quoted=False)


def respell(tree: exp.Expr, spelling: Spelling) -> None:
    """Write every name in the tree for the other dialect."""
    for node in list(tree.find_all(exp.Identifier)):
        quoted = bool(node.args.get("quoted"))
        if isinstance(node.parent, exp.Table) and node.arg_key == "db":
            if node.name.lower() == spelling.source.default_schema:
                node.pop()
            continue
        names_table = isinstance(node.parent, exp.Table) or (
            isinstance(node.parent, exp.TableAlias) and node.arg_key == "this"
        )
        names_table = names_table or (isinstance(node.parent, exp.Column) and node.arg_key == "table")
        spell = spelling.table if names_table else spelling.column
        node.replace(spell(node.name, quoted=quoted))
