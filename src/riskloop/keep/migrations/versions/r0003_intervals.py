"""The interval of every probability, as it was answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ENDS = ("probability_low", "probability_high")


def upgrade() -> None:
    for end in _ENDS:
        op.add_column("predictions", sa.Column(end, sa.Double))


def downgrade() -> None:
    for end in _ENDS:
        op.drop_column("predictions", end)
