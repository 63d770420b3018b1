"""``POST /outcomes``: what became of customers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from riskloop.data.contract import did_you_mean
from riskloop.keep.ledger import Ledger
from riskloop.keep.outcomes import Outcome
from riskloop.serve.answers import FieldError, Receipt
from riskloop.serve.body import JSON, decode_json, read_body
from riskloop.serve.config import ServeConfig
from riskloop.serve.envelope import Errors, check_id, id_text
from riskloop.serve.predictions import json_response, too_many
from riskloop.serve.problems import MOST_ERRORS, invalid

_KEYS = ("id", "outcome", "observed_at", "prediction_id")


class Outcomes:
    """The endpoint of outcomes: all that a request holds are recorded, or none."""

    def __init__(self, config: ServeConfig, ledger: Ledger, *, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._ledger = ledger
        self._clock = clock

    async def record(self, request: Request) -> Response:
        """Record one outcome or a list of them; sending the same again changes nothing."""
        _, data = await read_body(request, (JSON,), self._config.max_body_bytes)
        document = decode_json(data)
        documents = document if isinstance(document, list) else [document]
        if len(documents) > self._config.max_batch_rows:
            raise too_many(self._config.max_batch_rows)
        outcomes = read_outcomes(documents, self._clock())
        receipt = await asyncio.to_thread(self._ledger.record_outcomes, outcomes)
        return json_response(
            Receipt(
                receipt.accepted,
                receipt.duplicates,
                receipt.corrections,
                receipt.unknown_customers,
                receipt.too_early,
            )
        )


def read_outcomes(documents: list[Any], received_at: datetime) -> list[Outcome]:
    """Outcomes from JSON values.

    Raises
    ------
    RequestRefused
        422 with all that is wrong.
    """
    read = [_read(document, received_at) for document in documents]
    errors = [
        FieldError(f"[{position}].{error.field}" if len(read) > 1 else error.field, error.code, error.message)
        for position, result in enumerate(read)
        if isinstance(result, list)
        for error in result
    ]
    if errors or not read:
        raise invalid(errors[:MOST_ERRORS] or [FieldError("", "empty", "expected at least one outcome")])
    return [outcome for outcome in read if isinstance(outcome, Outcome)]


def _read(document: Any, received_at: datetime) -> Outcome | Errors:
    if not isinstance(document, dict):
        return [FieldError("", "not-an-object", 'expected {"id": ..., "outcome": true, "observed_at": ...}')]
    errors = [
        FieldError(key, "unexpected", f"no such field{did_you_mean(key, _KEYS)}")
        for key in document
        if key not in _KEYS
    ]
    errors += [FieldError(key, "absent", "this field must be given") for key in _KEYS[:3] if document.get(key) is None]
    outcome, observed_at = document.get("outcome"), _instant(document.get("observed_at"))
    if outcome not in (None, True, False):
        errors.append(FieldError("outcome", "not-an-outcome", "expected true or false (or 1 or 0)"))
    if document.get("observed_at") is not None and observed_at is None:
        errors.append(
            FieldError("observed_at", "not-a-time", "expected a time with its zone, such as 2026-11-21T08:30:00Z")
        )
    errors += check_id(document.get("id"))
    errors += [FieldError("prediction_id", e.code, e.message) for e in check_id(document.get("prediction_id"))]
    if errors or observed_at is None:
        return errors
    named = id_text(document.get("prediction_id"))
    return Outcome(str(document["id"]), bool(outcome), observed_at, received_at, prediction_id=named)


def _instant(value: Any) -> datetime | None:
    """An aware time in UTC; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None
