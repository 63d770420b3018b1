"""A call: one request for predictions, and what its headers and its query ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from starlette.requests import Request

from riskloop.data.contract import Contract
from riskloop.decide.reason_texts import LANGUAGES
from riskloop.keep.ledger import Prediction
from riskloop.serve.answers import FieldError
from riskloop.serve.problems import RequestRefused, invalid
from riskloop.serve.rollout import Arms, Live
from riskloop.serve.scoring import Scored

_WEIGHT = re.compile(r"[01](\.\d{0,3})?")
_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(slots=True)
class Call:
    """One request: who answers it from start to end, when it began, its names and its language."""

    arms: Arms
    started: float
    request_id: str
    language: str
    key: str | None = None

    @property
    def contract(self) -> Contract:
        """What callers go by: the champion's."""
        return self.arms.champion.bundle.contract

    def prediction(
        self, live: Live, scored: Scored, reasons: Sequence[Any], *, identity: str, at: datetime
    ) -> Prediction:
        """What is kept of a customer who was scored for this call."""
        decision = scored.decision
        return Prediction(
            prediction_id=identity,
            at=at,
            name=live.record.name,
            version=live.record.version,
            digest=live.bundle.digest,
            probability=scored.probability,
            probability_low=scored.interval[0],
            probability_high=scored.interval[1],
            decision=decision.decision,
            features=scored.features,
            arm=live.alias,
            entity_id=scored.customer.id,
            request_id=self.request_id,
            threshold=decision.threshold,
            risk_band=decision.risk_band,
            expected_cost=decision.expected_cost,
            reasons=reasons,
            latency_ms=round((perf_counter() - self.started) * 1000, 3),
            idempotency_key=self.key,
        )


def moment_of(request: Request, clock: Callable[[], datetime]) -> datetime:
    """The moment that ``?at=`` names, a date or a time, in UTC unless it says otherwise; now without it.

    Raises
    ------
    RequestRefused
        422 for what is no time.
    """
    text = request.query_params.get("at")
    if text is None:
        return clock()
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        message = "expected a date or time such as 2026-01-31 or 2026-01-31T12:00:00Z"
        raise invalid([FieldError("at", "not-a-time", message)]) from error


def explain_of(request: Request) -> bool:
    """What ``?explain=`` says; false without it.

    Raises
    ------
    RequestRefused
        422 for what is neither true nor false.
    """
    text = request.query_params.get("explain", "false")
    if text not in ("true", "false"):
        raise invalid([FieldError("explain", "not-a-boolean", "expected true or false")])
    return text == "true"


def language_of(request: Request) -> str:
    """The language that ``Accept-Language`` puts first of those that reasons are written in; English without it."""
    asked = request.headers.get("accept-language")
    if not asked:
        return LANGUAGES[0]
    wanted: list[tuple[float, str]] = []
    for part in asked[:200].split(","):
        tag, _, weight = part.strip().partition(";q=")
        language = tag.strip().lower().partition("-")[0]
        if language in LANGUAGES:
            wanted.append((float(weight) if _WEIGHT.fullmatch(weight) else 1.0, language))
    return max(wanted, key=lambda one: one[0])[1] if wanted else LANGUAGES[0]


def wants_csv(request: Request) -> bool:
    """Whether ``Accept`` names CSV."""
    return "text/csv" in request.headers.get("accept", "").lower()


def idempotency_key(request: Request) -> str | None:
    """The request's ``Idempotency-Key``.

    Raises
    ------
    RequestRefused
        400 for one that is malformed.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise bad_key("The Idempotency-Key is malformed.", "send 1 to 255 printable ASCII characters without spaces")
    return key


def bad_key(message: str, next_step: str) -> RequestRefused:
    """The refusal of an ``Idempotency-Key``."""
    return RequestRefused(400, "idempotency-key", message, next_step=next_step)
