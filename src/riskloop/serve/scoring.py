"""The hot path: customers become probabilities, decisions and answers. No HTTP, no database."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskloop.bundle.bundle import Bundle
from riskloop.costs import Costs
from riskloop.data.contract import Breach, Column, Columns, Contract, Decoded, category_text
from riskloop.data.dates import text_of
from riskloop.decide.policy import Decision
from riskloop.decide.prices import priceless
from riskloop.errors import RiskloopError
from riskloop.explain.reasoner import Reasoner
from riskloop.keep.instant import utc_text
from riskloop.keep.ledger import Prediction
from riskloop.problem import Customer
from riskloop.scorer.interval import VennAbers
from riskloop.serve.answers import Answer, FieldError, ModelRef, Reason
from riskloop.serve.envelope import Errors
from riskloop.serve.problems import RequestRefused
from riskloop.serve.received import Reader, Received


class Scored(NamedTuple):
    """A customer with the probability and its interval, the decision, and what was read: as plain JSON values (or as
    a record that is encoded like them), and, where it was read one by one, as what these are decoded to."""

    customer: Customer | Received
    probability: float
    interval: tuple[float, float]
    decision: Decision
    features: Mapping[str, Any]
    values: Sequence[float] | None = None


Outcome = Scored | Errors | RiskloopError
"""What becomes of a customer."""


def score(bundle: Bundle, customers: Sequence[Customer], *, typed: bool) -> list[Scored | Errors]:
    """Score customers; those who break the contract come back as everything that is wrong with them.

    Raises
    ------
    RiskloopError
        If the model has no answer to a customer who keeps the contract: a fault of the bundle.
    """
    rows = [customer.features for customer in customers]
    decoded = bundle.contract.decode_rows(rows, typed=typed)
    probabilities = bundle.scorer.probability(decoded.columns)
    costs = bundle.policy.costs.of(decoded.columns)
    broken, unpriced = decoded.broken(), np.broadcast_to(priceless(costs), len(rows))
    if not np.isfinite(probabilities[~broken]).all():
        raise _no_answer()
    used, intervals = bundle.contract.read, _intervals(bundle.scorer.interval, probabilities)
    seen: Sequence[dict[str, Any]] = [] if typed else _decoded(used, customers, decoded)
    return [
        _errors(bundle, customer, decoded, typed)
        if broken[row]
        else _unpriced(bundle)
        if unpriced[row]
        else Scored(
            customer,
            float(probabilities[row]),
            intervals[row],
            bundle.policy.decide(probabilities[row], costs, row),
            {column.name: customer.features[column.name] for column in used} if typed else seen[row],
        )
        for row, customer in enumerate(customers)
    ]


def score_json(bundle: Bundle, customers: Sequence[Customer]) -> list[Outcome]:
    """What :func:`score` says of each of some customers whose values are JSON, to the last bit and in a fraction of
    the time where nothing is wrong. A customer to whom the model has no answer gets the error and harms no other."""
    contract = bundle.contract
    decoded = [contract.decode_row(customer.features) for customer in customers]
    return _scored(bundle, customers, decoded, partial(_read_of, contract), _itself)


def score_received(bundle: Bundle, reader: Reader, received: Sequence[Received]) -> list[Outcome]:
    """What :func:`score_json` says of customers whom the bundle's reader has read."""
    return _scored(bundle, received, reader.values(received), _features, Received.customer)


def _scored(
    bundle: Bundle,
    customers: Sequence[Any],
    decoded: Sequence[Sequence[float] | None],
    features: Callable[[Any], Any],
    usual: Callable[[Any], Customer],
) -> list[Outcome]:
    """Decided from what was decoded; whoever could not be is scored the usual way, which says why."""
    costs, policy, interval = bundle.policy.costs, bundle.policy, bundle.scorer.interval
    if not isinstance(costs, Costs):
        return [_alone(bundle, usual(customer)) for customer in customers]
    probabilities = iter(bundle.scorer.together(kept) if (kept := [one for one in decoded if one is not None]) else ())
    found: list[Outcome] = []
    for customer, values in zip(customers, decoded, strict=True):
        if values is None:
            found.append(_alone(bundle, usual(customer)))
            continue
        probability = next(probabilities)
        if not math.isfinite(probability):
            found.append(_no_answer())
            continue
        decision = policy.decide(probability, costs)
        found.append(Scored(customer, probability, interval.of(probability), decision, features(customer), values))
    return found


def _itself(customer: Customer) -> Customer:
    return customer


_features = attrgetter("features")


def _alone(bundle: Bundle, customer: Customer) -> Outcome:
    try:
        return score(bundle, [customer], typed=True)[0]
    except RiskloopError as error:
        return error


def reasons_for(reasoner: Reasoner, scored: Sequence[Any]) -> list[list[dict[str, Any]]]:
    """For each customer who was scored the reasons as the ledger keeps them."""
    found = reasoner.reasons(_columns(reasoner.contract, scored))
    return [[reason.to_dict() for reason in reasons] for reasons in found]


def _columns(contract: Contract, scored: Sequence[Scored]) -> Columns:
    """What was read of customers, decoded once more where it was not kept."""
    values = [one.values for one in scored if one.values is not None]
    if len(values) == len(scored):
        return contract.columns_of(values)
    return contract.decode_rows([one.features for one in scored]).columns


def _no_answer() -> RiskloopError:
    return RiskloopError("The model has no answer to this customer.", next_step="roll back, and report this bundle")


def _read_of(contract: Contract, customer: Customer) -> dict[str, Any]:
    """What was read of a customer who keeps the contract; often that is all that was sent."""
    names, sent = contract.read_names, customer.features
    return sent if len(sent) == len(names) else {name: sent[name] for name in names}


def _intervals(interval: VennAbers, probability: NDArray[np.float64]) -> list[tuple[float, float]]:
    if len(probability) == 1:  # ten times as fast as by arrays
        return [interval.of(float(probability[0]))]
    low, high = interval.of_many(probability)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _unpriced(bundle: Bundle) -> Errors:
    message = "this customer's decision cannot be priced: a cost has no value"
    return [FieldError(name, "unpriced", message) for name in bundle.policy.costs.names]


def _errors(bundle: Bundle, customer: Customer, decoded: Decoded, typed: bool) -> Errors:
    # A breach quotes the first row that it concerns: of several rows each is asked on its own.
    alone = decoded if decoded.rows == 1 else bundle.contract.decode_rows([customer.features], typed=typed)
    return [_error(breach) for breach in alone.breaches]


def _error(breach: Breach) -> FieldError:
    return FieldError(breach.column, breach.code, breach.message)


def _decoded(columns: Sequence[Column], customers: Sequence[Customer], decoded: Decoded) -> list[dict[str, Any]]:
    """Of every row the JSON values that decode to what its texts did: a replay need not know that they were texts."""
    told = [_plain(column, decoded.columns[column.name].tolist(), customers) for column in columns]
    names = [column.name for column in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*told, strict=True)]


def _plain(column: Column, values: Sequence[float], customers: Sequence[Customer]) -> list[float | str | None]:
    """A category outside the levels keeps its text."""
    if column.type == "number":
        return [None if math.isnan(value) else value for value in values]
    if column.type == "date":
        return [None if math.isnan(value) else text_of(value) for value in values]
    name, levels, told = column.name, column.levels, dict(enumerate(column.levels))
    return [
        told.get(int(value)) if value < len(levels) else category_text(customer.features[name])
        for value, customer in zip(values, customers, strict=True)
    ]


def answer_of(prediction: Prediction, language: str = "en") -> Answer:
    """The answer that a prediction gives, now and whenever it is asked again; the words of reasons in a language."""
    return Answer(
        prediction_id=prediction.prediction_id,
        id=prediction.entity_id,
        model=ModelRef(prediction.name, prediction.version, prediction.arm, prediction.digest),
        arm=prediction.arm,
        probability=prediction.probability,
        interval=_interval(prediction),
        decision=prediction.decision,
        threshold=prediction.threshold,  # type: ignore[arg-type]  # every prediction of this service has one
        risk_band=prediction.risk_band,  # type: ignore[arg-type]
        expected_cost=prediction.expected_cost,  # type: ignore[arg-type]
        reasons=[_reason(reason, language) for reason in prediction.reasons or ()],
        latency_ms=prediction.latency_ms,  # type: ignore[arg-type]
        timestamp=utc_text(prediction.at),
    )


def _reason(kept: dict[str, Any], language: str) -> Reason:
    return Reason(kept["feature"], kept["value"], kept["contribution"], kept["texts"][language])


def _interval(prediction: Prediction) -> tuple[float, float] | None:
    """None for what was answered before there were intervals."""
    low, high = prediction.probability_low, prediction.probability_high
    return None if low is None or high is None else (low, high)


def replay(stored: Prediction, customer: Customer, language: str) -> Answer:
    """The answer already given to a request with this key.

    Raises
    ------
    RequestRefused
        422 if that request was about something else.
    """
    same = all(customer.features.get(name) == value for name, value in stored.features.items())
    if not same or customer.id != stored.entity_id:
        raise RequestRefused(
            422,
            "idempotency-key-reused",
            "This Idempotency-Key belongs to another request.",
            next_step="make a new key for every customer and moment",
        )
    return answer_of(stored, language)
