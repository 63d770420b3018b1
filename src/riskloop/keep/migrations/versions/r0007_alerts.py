"""Alerts: what is open, what happened, what was sent, what is silenced; and past counts of services."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INSTANT = sa.String(27)


def _serial() -> sa.Column[int]:
    return sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.Integer, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("measure", sa.Text, nullable=False),
        sa.Column("comparison", sa.String(16), nullable=False),
        sa.Column("threshold", sa.Double, nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("streak", sa.Integer, nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.Column("opened_at", _INSTANT),
        sa.Column("notified_at", _INSTANT),
        sa.Column("acknowledged_at", _INSTANT),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("resolved_at", _INSTANT),
        sa.Column("value", sa.Double),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("context", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("alert_id", name="pk_alerts"),
    )
    unresolved = sa.text("resolved_at IS NULL")
    op.create_index(
        "uq_alerts_unresolved",
        "alerts",
        ["rule", "subject"],
        unique=True,
        sqlite_where=unresolved,
        postgresql_where=unresolved,
    )
    _histories()
    op.create_table(
        "alert_silences",
        _serial(),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("until", _INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_alert_silences"),
    )
    op.create_table(
        "alert_samples",
        _serial(),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_alert_samples"),
    )


def _histories() -> None:
    op.create_table(
        "alert_events",
        _serial(),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("alert_id", sa.Integer),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("seq", name="pk_alert_events"),
    )
    op.create_index("ix_alert_events_alert_id", "alert_events", ["alert_id"])
    op.create_table(
        "alert_deliveries",
        _serial(),
        sa.Column("alert_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("claimed_at", _INSTANT),
        sa.Column("delivered_at", _INSTANT),
        sa.Column("given_up_at", _INSTANT),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("seq", name="pk_alert_deliveries"),
    )
    op.create_index("ix_alert_deliveries_alert_id", "alert_deliveries", ["alert_id"])


def downgrade() -> None:
    for table in ("alert_samples", "alert_silences", "alert_deliveries", "alert_events", "alerts"):
        op.drop_table(table)
