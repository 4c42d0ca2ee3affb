"""Lineage"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("queries", sa.Column("lineage", sa.JSON()))
    op.create_table(
        "query_tables",
        sa.Column("query_id", BIG_ID, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["query_id"], ["queries.id"], name=op.f("fk_query_tables_query_id_queries")),
        sa.PrimaryKeyConstraint("query_id", "table_name", name=op.f("pk_query_tables")),
    )
    op.create_index("ix_query_tables_table_name", "query_tables", ["table_name", "query_id"])
    op.create_table(
        "query_columns",
        sa.Column("query_id", BIG_ID, nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["query_id"], ["queries.id"], name=op.f("fk_query_columns_query_id_queries")),
        sa.PrimaryKeyConstraint("query_id", "table_name", "column_name", name=op.f("pk_query_columns")),
    )
    op.create_index(
        "ix_query_columns_column_name", "query_columns", ["column_name", "table_name", "query_id"]
    )


def downgrade() -> None:
    op.drop_index("ix_query_columns_column_name", table_name="query_columns")
    op.drop_table("query_columns")
    op.drop_index("ix_query_tables_table_name", table_name="query_tables")
    op.drop_table("query_tables")
    with op.batch_alter_table("queries") as queries:
        queries.drop_column("lineage")
