"""The rows of linked tables, by customer: what linked features are computed from when a customer is asked for by id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "linked_rows",
        sa.Column("load", sa.Integer, sa.ForeignKey("customer_loads.load"), primary_key=True, autoincrement=False),
        sa.Column("entity_id", sa.Text, primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("rows", sa.Text, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("linked_rows")
