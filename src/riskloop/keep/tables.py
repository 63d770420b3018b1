"""The tables of the store. Every change here comes with a revision in ``migrations/versions``."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from riskloop.keep.instant import Instant

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite makes only a column of type INTEGER the row's own number.
BigSerial = BigInteger().with_variant(Integer(), "sqlite")


def _required(name: str, kind: Any, **more: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **more)


versions = Table(
    "versions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    _required("name", Text),
    _required("digest", Text),
    _required("bundle", Text),
    Column("run_id", Text),
    _required("created_at", Instant),
    _required("status", String(16)),
    _required("metrics", JSON),
    _required("gate", JSON),
    _required("data_fingerprint", Text),
    _required("summary", JSON),
)

promotions = Table(
    "promotions",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    _required("at", Instant),
    _required("kind", String(16)),
    _required("version", Integer),
    _required("digest", Text),
    Column("previous_version", Integer),
    _required("actor", Text),
    Column("approver", Text),
    _required("reason", Text),
    _required("details", JSON),
    _required("prev_hash", String(64)),
    _required("hash", String(64)),
)

predictions = Table(
    "predictions",
    metadata,
    Column("seq", BigSerial, primary_key=True),
    _required("prediction_id", Text, unique=True),
    Column("request_id", Text),
    Column("entity_id", Text),
    _required("at", Instant, index=True),
    _required("name", Text),
    _required("version", Integer),
    _required("digest", Text),
    _required("arm", Text),
    _required("probability", Double),
    Column("probability_low", Double),
    Column("probability_high", Double),
    _required("decision", Text),
    Column("threshold", Double),
    Column("risk_band", Text),
    Column("expected_cost", Double),
    _required("features", Text),
    Column("reasons", Text),
    Column("latency_ms", Double),
    Column("idempotency_key", Text),
    Index(None, "entity_id", "at"),
)
Index(
    "uq_predictions_idempotency_key",
    predictions.c.idempotency_key,
    unique=True,
    sqlite_where=predictions.c.idempotency_key.is_not(None),
)  # partial on PostgreSQL too, by the migration: naming it here would import that dialect at every start (0.3 s)

outcomes = Table(
    "outcomes",
    metadata,
    Column("seq", BigSerial, primary_key=True),
    _required("outcome_id", Text, unique=True),
    _required("entity_id", Text),
    Column("prediction_id", Text, index=True),
    _required("outcome", Boolean),
    _required("observed_at", Instant),
    _required("received_at", Instant),
    Index(None, "entity_id", "observed_at"),
)

customer_loads = Table(
    "customer_loads",
    metadata,
    Column("load", Integer, primary_key=True),
    _required("as_of", Instant),
    _required("complete", Boolean),
)

customers = Table(
    "customers",
    metadata,
    Column("load", Integer, ForeignKey("customer_loads.load"), primary_key=True, autoincrement=False),
    Column("entity_id", Text, primary_key=True),
    _required("features", Text),
)

linked_rows = Table(
    "linked_rows",
    metadata,
    Column("load", Integer, ForeignKey("customer_loads.load"), primary_key=True, autoincrement=False),
    Column("entity_id", Text, primary_key=True),
    Column("name", String(64), primary_key=True),
    _required("rows", Text),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String(16), primary_key=True),
    _required("name", Text),
    _required("role", String(16)),
    _required("hash", String(64), unique=True),
    _required("created_at", Instant),
    Column("revoked_at", Instant),
)

calls = Table(
    "calls",
    metadata,
    Column("seq", BigSerial, primary_key=True),
    _required("at", Instant, index=True),
    _required("actor", Text),
    Column("key_id", String(16)),
    _required("method", String(8)),
    _required("path", Text),
    _required("status", Integer),
    Column("request_id", Text),
    Column("address", Text),
)

batches = Table(
    "batches",
    metadata,
    Column("name", Text, primary_key=True),
    Column("digest", String(64), primary_key=True),
    _required("size", BigInteger),
    _required("verdict", String(16)),
    Column("version", Integer),
    _required("told", Text),
    _required("at", Instant),
)

alerts = Table(
    "alerts",
    metadata,
    Column("alert_id", Integer, primary_key=True),
    _required("rule", Text),
    _required("subject", Text),
    _required("measure", Text),
    _required("comparison", String(16)),
    _required("threshold", Double),
    _required("severity", String(16)),
    _required("streak", Integer),
    _required("since", Instant),
    _required("last_at", Instant),
    Column("opened_at", Instant),
    Column("notified_at", Instant),
    Column("acknowledged_at", Instant),
    Column("acknowledged_by", Text),
    Column("resolved_at", Instant),
    Column("value", Double),
    Column("low", Double),
    Column("high", Double),
    _required("context", JSON),
)
Index(
    "uq_alerts_unresolved",
    alerts.c.rule,
    alerts.c.subject,
    unique=True,
    sqlite_where=alerts.c.resolved_at.is_(None),
)  # partial on PostgreSQL too, by the migration

alert_events = Table(
    "alert_events",
    metadata,
    Column("seq", BigSerial, primary_key=True),
    _required("at", Instant),
    Column("alert_id", Integer, index=True),
    _required("rule", Text),
    _required("subject", Text),
    _required("kind", String(16)),
    _required("actor", Text),
    Column("note", Text),
)

alert_deliveries = Table(
    "alert_deliveries",
    metadata,
    Column("seq", BigSerial, primary_key=True),
    _required("alert_id", Integer, index=True),
    _required("kind", String(16)),
    _required("channel", Text),
    _required("made_at", Instant),
    _required("attempts", Integer),
    Column("claimed_at", Instant),
    Column("delivered_at", Instant),
    Column("given_up_at", Instant),
    Column("error", Text),
)

alert_silences = Table(
    "alert_silences",
    metadata,
    Column("seq", BigSerial, primary_key=True),
    _required("rule", Text),
    _required("made_at", Instant),
    _required("until", Instant),
    _required("actor", Text),
    _required("reason", Text),
)

alert_samples = Table(
    "alert_samples",
    metadata,
    Column("seq", BigSerial, primary_key=True),
    _required("at", Instant),
    _required("source", Text),
    _required("counts", JSON),
)

measures = Table(
    "measures",
    metadata,
    Column("measure", String(32), primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("value", Double),
    Column("low", Double),
    Column("high", Double),
    _required("at", Instant),
)

estimates = Table(
    "estimates",
    metadata,
    Column("seq", BigSerial, primary_key=True),
    _required("version", Integer),
    _required("period", String(8)),
    _required("start", Instant),
    _required("end", Instant),
    _required("method", String(16)),
    _required("metric", String(32)),
    _required("rows", Integer),
    _required("value", Double),
    _required("low", Double),
    _required("high", Double),
    _required("made_at", Instant),
    _required("basis", JSON),
    UniqueConstraint("version", "period", "start", "method", "metric"),
)

retrainings = Table(
    "retrainings",
    metadata,
    Column("seq", BigSerial, primary_key=True),
    _required("started_at", Instant),
    Column("finished_at", Instant),
    _required("actor", Text),
    Column("champion", Integer),
    _required("reasons", JSON),
    _required("data", JSON),
    Column("version", Integer),
    _required("gate", JSON),
    Column("difference", JSON(none_as_null=True)),
    _required("result", String(16)),
    _required("told", Text),
)

locks = Table(
    "locks",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", Text),
    _required("token", Integer),
    _required("until", Double),
)

profiles = Table(
    "profiles",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("arm", String(64), primary_key=True),
    Column("segment", String(200), primary_key=True),
    Column("period", String(8), primary_key=True),
    Column("start", Instant, primary_key=True),
    _required("rows", Integer),
    _required("seen", Integer),
    _required("profile", LargeBinary),
    _required("groups", JSON),
    _required("made_at", Instant),
)
