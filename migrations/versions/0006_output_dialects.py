"""Output dialects"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("dialect", sa.Text()))
    op.add_column("queries", sa.Column("original_sql", sa.Text()))
    op.add_column("queries", sa.Column("original_dialect", sa.Text()))


def downgrade() -> None:
    # Not as a batch, which makes the table anew in SQLite: rows of query_tables refer to it.
    op.drop_column("queries", "original_dialect")
    op.drop_column("queries", "original_sql")
    op.drop_column("tasks", "dialect")
