"""Profiles of the ledger, by window of time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "profiles",
        sa.Column("version", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("arm", sa.String(64), nullable=False),
        sa.Column("segment", sa.String(200), nullable=False),
        sa.Column("period", sa.String(8), nullable=False),
        sa.Column("start", sa.String(27), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("seen", sa.Integer, nullable=False),
        sa.Column("profile", sa.LargeBinary, nullable=False),
        sa.Column("groups", sa.JSON, nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("version", "arm", "segment", "period", "start", name="pk_profiles"),
    )


def downgrade() -> None:
    op.drop_table("profiles")
