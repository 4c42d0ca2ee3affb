"""Canonical keys"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("queries", sa.Column("canonical_key", sa.Text()))
    op.create_index("ix_queries_canonical_key", "queries", ["target", "canonical_key", "id"])


def downgrade() -> None:
    op.drop_index("ix_queries_canonical_key", table_name="queries")
    with op.batch_alter_table("queries") as queries:
        queries.drop_column("canonical_key")
