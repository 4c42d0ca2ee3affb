"""Scale and wanted ends"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("queues", sa.Column("workers", sa.Integer()))
    op.add_column("workers", sa.Column("end_wanted", sa.Boolean()))
    op.execute("UPDATE workers SET end_wanted = (end_reason = 'stopped') WHERE ended_at IS NOT NULL")


def downgrade() -> None:
    with op.batch_alter_table("workers") as workers:
        workers.drop_column("end_wanted")
    with op.batch_alter_table("queues") as queues:
        queues.drop_column("workers")
