"""The latest value of each measure that alerts are judged by, for dashboards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "measures",
        sa.Column("measure", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("value", sa.Double),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("measure", "subject", name="pk_measures"),
    )


def downgrade() -> None:
    op.drop_table("measures")
