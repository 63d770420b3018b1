"""Estimates of performance, to be held against what came true."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "estimates",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("period", sa.String(8), nullable=False),
        sa.Column("start", sa.String(27), nullable=False),
        sa.Column("end", sa.String(27), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("metric", sa.String(32), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("value", sa.Double, nullable=False),
        sa.Column("low", sa.Double, nullable=False),
        sa.Column("high", sa.Double, nullable=False),
        sa.Column("made_at", sa.String(27), nullable=False),
        sa.Column("basis", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_estimates"),
        sa.UniqueConstraint(
            "version", "period", "start", "method", "metric", name="uq_estimates_version_period_start_method_metric"
        ),
    )


def downgrade() -> None:
    op.drop_table("estimates")
