"""What the service answers: the types are encoded as JSON and published as the schemas of the API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Share = Annotated[float, Meta(ge=0, le=1)]


class ModelRef(Struct, frozen=True):
    """The model that answered: `digest` is the sha256 of its bundle's manifest."""

    name: str
    version: int
    alias: str
    digest: str


class Reason(Struct, frozen=True):
    """What speaks for the decision that customers would rather not have: how much a feature, with those that belong to
    the same business reason, adds to the log-odds beside customers who got the other one."""

    feature: str
    value: str | float | None
    contribution: float
    text: str


class Answer(Struct, frozen=True):
    """A prediction, in the ledger before it was sent. `expected_cost` is that of the decision, in currency; `interval`
    holds the probability, and is wide where few customers were like this one (Venn-Abers); `reasons` are there where
    they were asked for, the weightiest first."""

    prediction_id: str
    id: str | None
    model: ModelRef
    arm: str
    probability: Share
    interval: tuple[Share, Share] | None
    decision: str
    threshold: float
    risk_band: Literal["low", "medium", "high"]
    expected_cost: float
    reasons: list[Reason]
    latency_ms: float
    timestamp: str


class FieldError(Struct, frozen=True):
    """One thing that is wrong with a request."""

    field: str
    code: str
    message: str


class RefusedRow(Struct, frozen=True):
    """A row of a batch that was not scored; `row` counts from 0."""

    row: int
    id: str | None
    errors: list[FieldError]


class BatchAnswer(Struct, frozen=True):
    """One item per row, in the order of the rows: an answer, or what is wrong with the row."""

    scored: int
    refused: int
    answers: list[Any]


class Problem(Struct, frozen=True, omit_defaults=True):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    next_step: str | None = None
    errors: list[FieldError] = []  # msgspec copies it


class Health(Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Refusal(Struct, frozen=True):
    """Why the version that should lead does not: its bundle was refused, the champion before it still answers."""

    message: str
    where: str | None


class Ready(Struct, frozen=True):
    """A champion is loaded and the ledger takes predictions."""

    model: ModelRef
    refused: Refusal | None
    status: Literal["ready"] = "ready"


class Receipt(Struct, frozen=True):
    """What became of the outcomes sent: accepted + duplicates + corrections is their number. Those that were so before
    their customer was first scored are `too_early` to judge a prediction; they are kept all the same."""

    accepted: int
    duplicates: int
    corrections: int
    unknown_customers: int
    too_early: int


class Erased(Struct, frozen=True):
    """How many rows about a customer were deleted."""

    rows: int


class ContractSummary(Struct, frozen=True):
    """What the model asks of a customer."""

    features: list[str]
    columns: dict[str, dict[str, Any]]


class ModelAnswer(Struct, frozen=True):
    """The champion."""

    model: ModelRef
    created_at: str
    policy: dict[str, Any]
    metrics: dict[str, Any]
    card: dict[str, Any]
    contract: ContractSummary
    data_fingerprint: str


class VersionAnswer(Struct, frozen=True):
    """One version; `status` is what the gate said."""

    version: int
    name: str
    digest: str
    status: str
    alias: str | None
    created_at: str
    metrics: dict[str, Any]


class VersionsAnswer(Struct, frozen=True):
    """All versions, the oldest first."""

    models: list[VersionAnswer]


class ReleaseAnswer(Struct, frozen=True):
    """The event that the promotion log recorded. A `requested` promotion waits for a second person."""

    seq: int
    kind: str
    version: int
    previous_version: int | None
    digest: str
    actor: str
    reason: str
    at: str
    hash: str


class AlertAnswer(Struct, frozen=True):
    """Something that is, or was, beyond a rule's threshold; `low` and `high` are the ends of the value's interval."""

    id: int
    state: Literal["open", "acknowledged", "resolved"]
    severity: Literal["info", "warning", "critical"]
    rule: str
    subject: str
    measure: str
    comparison: str
    threshold: float
    value: float | None
    low: float | None
    high: float | None
    since: str
    last_found: str
    acknowledged_by: str | None
    resolved_at: str | None
    context: dict[str, Any]


class AlertsAnswer(Struct, frozen=True):
    """The open alerts, the gravest first, then the last resolved ones."""

    alerts: list[AlertAnswer]


class DecisionCount(Struct, frozen=True):
    """How many predictions of a version ended in a decision."""

    version: int
    arm: str
    decision: str
    predictions: int
    mean_probability: float


class MonitoringAnswer(Struct, frozen=True):
    """What the ledger holds so far."""

    predictions: int
    outcomes: int
    positive_outcomes: int
    first_prediction: str | None
    last_prediction: str | None
    decisions: list[DecisionCount]
