"""The first tables, and the triggers that keep the promotion log append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.String(27)

_APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER promotions_no_update BEFORE UPDATE ON promotions "
        "BEGIN SELECT RAISE(ABORT, 'promotions is append-only'); END",
        "CREATE TRIGGER promotions_no_delete BEFORE DELETE ON promotions "
        "BEGIN SELECT RAISE(ABORT, 'promotions is append-only'); END",
        # REPLACE deletes without firing the delete trigger (unless recursive_triggers is on).
        "CREATE TRIGGER promotions_no_replace BEFORE INSERT ON promotions "
        "WHEN EXISTS (SELECT 1 FROM promotions WHERE seq = NEW.seq) "
        "BEGIN SELECT RAISE(ABORT, 'promotions is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION promotions_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'promotions is append-only' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER promotions_no_change BEFORE UPDATE OR DELETE ON promotions "
        "FOR EACH ROW EXECUTE FUNCTION promotions_append_only()",
        "CREATE TRIGGER promotions_no_truncate BEFORE TRUNCATE ON promotions "
        "FOR EACH STATEMENT EXECUTE FUNCTION promotions_append_only()",
    ),
}
# SQLite keeps what is not a number as NULL, which the column refuses.
_NUMBERS = {
    "sqlite": (),
    "postgresql": ("ALTER TABLE predictions ADD CONSTRAINT ck_predictions_number CHECK (probability <> 'NaN')",),
}


def upgrade() -> None:
    _releases()
    _ledger()
    _customers()
    dialect = op.get_context().dialect.name
    for statement in (*_APPEND_ONLY[dialect], *_NUMBERS[dialect]):
        op.execute(statement)


def downgrade() -> None:
    for table in ("customers", "customer_loads", "outcomes", "predictions", "promotions", "versions"):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION promotions_append_only()")


def _releases() -> None:
    op.create_table(
        "versions",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("bundle", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("gate", sa.JSON, nullable=False),
        sa.Column("data_fingerprint", sa.Text, nullable=False),
        sa.Column("summary", sa.JSON, nullable=False),
    )
    op.create_table(
        "promotions",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("previous_version", sa.Integer),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("approver", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )


def _ledger() -> None:
    op.create_table(
        "predictions",
        sa.Column("seq", _SERIAL, primary_key=True),
        sa.Column("prediction_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("entity_id", sa.Text),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("arm", sa.Text, nullable=False),
        sa.Column("probability", sa.Double, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("threshold", sa.Double),
        sa.Column("risk_band", sa.Text),
        sa.Column("expected_cost", sa.Double),
        sa.Column("features", sa.Text, nullable=False),
        sa.Column("reasons", sa.Text),
        sa.Column("latency_ms", sa.Double),
        sa.Column("idempotency_key", sa.Text),
        sa.UniqueConstraint("prediction_id"),
    )
    op.create_index(None, "predictions", ["at"])
    op.create_index(None, "predictions", ["entity_id", "at"])
    keyed = sa.text("idempotency_key IS NOT NULL")
    op.create_index(
        "uq_predictions_idempotency_key",
        "predictions",
        ["idempotency_key"],
        unique=True,
        sqlite_where=keyed,
        postgresql_where=keyed,
    )
    op.create_table(
        "outcomes",
        sa.Column("seq", _SERIAL, primary_key=True),
        sa.Column("outcome_id", sa.Text, nullable=False),
        sa.Column("entity_id", sa.Text, nullable=False),
        sa.Column("prediction_id", sa.Text),
        sa.Column("outcome", sa.Boolean, nullable=False),
        sa.Column("observed_at", _INSTANT, nullable=False),
        sa.Column("received_at", _INSTANT, nullable=False),
        sa.UniqueConstraint("outcome_id"),
    )
    op.create_index(None, "outcomes", ["prediction_id"])
    op.create_index(None, "outcomes", ["entity_id", "observed_at"])


def _customers() -> None:
    op.create_table(
        "customer_loads",
        sa.Column("load", sa.Integer, primary_key=True),
        sa.Column("as_of", _INSTANT, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
    )
    op.create_table(
        "customers",
        sa.Column("load", sa.Integer, sa.ForeignKey("customer_loads.load"), primary_key=True, autoincrement=False),
        sa.Column("entity_id", sa.Text, primary_key=True),
        sa.Column("features", sa.Text, nullable=False),
    )
