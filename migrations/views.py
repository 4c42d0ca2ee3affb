"""Views that people query with tools of their own, made alike on both databases.

Columns stay as they are; further ones go behind them. A migration that changes a table in a batch, which
on SQLite makes it anew, has to drop the views on it first, and to make them again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from alembic import op

READERS = "farm_readers"
"""The role whose members may read the views, where there is one: see deploy/postgres/readers.sql."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A view; `says` and `columns` (what each column means, in order) become comments on Postgres."""

    name: str
    select: str
    says: str
    columns: Mapping[str, str]


def create(view: View) -> None:
    """Make a view, or make it anew with the same columns and perhaps further ones behind them."""
    replace(view.name, view.select)
    comment(view.name, view.says, view.columns)


def comment(name: str, says: str, columns: Mapping[str, str]) -> None:
    """Say on Postgres what a view and its columns are, and let readers read it."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"COMMENT ON VIEW {name} IS {_quoted(says)}")
        for column, meaning in columns.items():
            op.execute(f"COMMENT ON COLUMN {name}.{column} IS {_quoted(meaning)}")
        _let_readers(name)


def replace(name: str, select: str) -> None:
    """Make a view alone. On Postgres it is not dropped: people may have built views of their own on it."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"DROP VIEW IF EXISTS {name}")
        op.execute(f"CREATE VIEW {name} AS {_plain(select)}")
    else:
        op.execute(f"CREATE OR REPLACE VIEW {name} AS {_plain(select)}")


def drop(name: str) -> None:
    op.execute(f"DROP VIEW {name}")


def _let_readers(name: str) -> None:
    """A view made anew belongs to the farm alone; those who could read the others shall read it too.

    A role is one of the whole server: it may have been let in to another farm there, and not to this one.
    """
    there = sa.text(
        "SELECT 1 FROM pg_roles WHERE rolname = :name AND has_table_privilege(rolname, 'batches', 'SELECT')"
    )
    if op.get_bind().execute(there, {"name": READERS}).first() is not None:
        op.execute(f"GRANT SELECT ON {name} TO {READERS}")


def _plain(select: str) -> str:
    """Without colons that SQLAlchemy would take for parameters."""
    return select.replace(":", r"\:")


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "''").replace(":", r"\:") + "'"
