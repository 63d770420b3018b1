"""The scoring endpoints: what is answered is in the ledger before it leaves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from time import perf_counter
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from riskloop.data.contract import Contract
from riskloop.data.linked.online import linked_features
from riskloop.decide.reason_texts import LANGUAGES
from riskloop.errors import Conflict, NotFound
from riskloop.keep.customers import Customers
from riskloop.keep.ledger import Prediction
from riskloop.problem import Customer
from riskloop.serve.answers import Answer, BatchAnswer, FieldError, ModelRef, RefusedRow
from riskloop.serve.body import CSV, JSON, decode_json, read_body
from riskloop.serve.champion import Champion
from riskloop.serve.config import ServeConfig
from riskloop.serve.direct import JsonBytes
from riskloop.serve.envelope import Errors, check_id, read_csv, read_envelope
from riskloop.serve.journal import Journal
from riskloop.serve.metrics import Metrics
from riskloop.serve.problems import RequestRefused, invalid, request_id
from riskloop.serve.rollout import Arms, Decided, Live, Shadow, decide, decide_one
from riskloop.serve.scoring import Scored, answer_of, replay, score

MOST_ERRORS = 100
"""A batch of which no row could be scored names so many errors."""

_encode = msgspec.json.Encoder().encode
_WEIGHT = re.compile(r"[01](\.\d{0,3})?")
_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
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


class Predictions:
    """``/predict``, ``/predict/batch`` and ``/customers/{id}/prediction``.

    Parameters
    ----------
    clock : callable
        The time now; aware.
    new_id : callable
        A new prediction id.
    """

    def __init__(
        self,
        config: ServeConfig,
        champion: Champion,
        journal: Journal,
        customers: Customers,
        metrics: Metrics,
        shadow: Shadow,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._config = config
        self._champion = champion
        self._journal = journal
        self._customers = customers
        self._metrics = metrics
        self._shadow = shadow
        self._clock = clock
        self._new_id = new_id

    async def one(self, request: Request) -> Response:
        """``POST /predict``: one customer."""
        started = perf_counter()
        key = _idempotency_key(request)
        _, data = await read_body(request, (JSON,), self._config.max_body_bytes)
        call = Call(self._champion.require(), started, request_id(request), language_of(request), key)
        customer = read_envelope(decode_json(data), call.contract)
        if isinstance(customer, list):
            raise invalid(customer)
        return json_response(await self._answer(call, customer, typed=True))

    async def batch(self, request: Request) -> Response:
        """``POST /predict/batch``: a JSON list of envelopes, or CSV."""
        started = perf_counter()
        if "idempotency-key" in request.headers:
            raise _bad_key("A batch takes no Idempotency-Key.", "send it with single requests")
        media_type, data = await read_body(request, (JSON, CSV), self._config.max_body_bytes)
        call = Call(self._champion.require(), started, request_id(request), language_of(request))
        answers, kept, customers = await asyncio.to_thread(self._score_batch, call, data, media_type)
        await self._journal.keep_all(kept)
        self._metrics.predictions(kept)
        self._look_on(call, customers, typed=media_type == JSON)
        return json_response(BatchAnswer(len(kept), len(answers) - len(kept), answers))

    async def all_or_none(self, request: Request, customers: Sequence[Customer]) -> list[Prediction]:
        """Decide about many for whom there is one answer: kept together, or refused for one that breaks the contract.

        Raises
        ------
        RequestRefused
            422 with what is wrong.
        """
        call = Call(self._champion.require(), perf_counter(), request_id(request), language_of(request))
        decided = await asyncio.to_thread(decide, call.arms, customers, typed=False)
        wrong = [
            FieldError(f"[{row}].{error.field}", error.code, error.message)
            for row, one in enumerate(decided)
            if isinstance(one.scored, list)
            for error in one.scored
        ]
        if wrong:
            raise invalid(wrong[:MOST_ERRORS], what="batch")
        kept = [self._prediction(call, one.live, one.scored, []) for one in decided if isinstance(one.scored, Scored)]
        await self._journal.keep_all(kept)
        self._metrics.predictions(kept)
        self._look_on(call, customers, typed=False)
        return kept

    async def answer(self, request: Request, customer: Customer, language: str) -> Answer:
        """Decide about a customer whose values are text, as in a form or a file, and keep it.

        Raises
        ------
        RequestRefused
            422 with everything that is wrong, 503 without a champion.
        """
        call = Call(self._champion.require(), perf_counter(), request_id(request), language)
        return await self._answer(call, customer, typed=False)

    async def file(self, request: Request, data: bytes, language: str, *, keep: bool) -> tuple[ModelRef, BatchAnswer]:
        """Decide about the customers of a CSV file; nothing is kept unless told.

        Raises
        ------
        RequestRefused
            400 for what is no CSV, 413 for too many rows, 422 where no row could be scored, 503 without a champion.
        """
        call = Call(self._champion.require(), perf_counter(), request_id(request), language)
        answers, kept, customers = await asyncio.to_thread(self._score_batch, call, data, CSV)
        if keep:
            await self._journal.keep_all(kept)
            self._metrics.predictions(kept)
            self._look_on(call, customers, typed=False)
        return call.arms.champion.ref, BatchAnswer(len(kept), len(answers) - len(kept), answers)

    async def on_file(self, identity: str, at: datetime | None = None) -> dict[str, Any] | None:
        """What is known of a customer, with the linked features of now or of another moment; None of a stranger."""
        arms = self._champion.require()
        found = None if check_id(identity) else await asyncio.to_thread(self._customers.on_file, identity)
        if found is None:
            return None
        return found.features | linked_features(arms.of(identity).bundle.linked, found.linked, at or self._clock())

    async def stored(self, request: Request) -> Response:
        """``GET /customers/{id}/prediction``: a customer on file, with the linked features of now or of ``?at=``; with
        ``?explain=true`` and reasons."""
        call = Call(self._champion.require(), perf_counter(), request_id(request), language_of(request))
        identity = request.path_params["customer_id"]
        at = moment_of(request, self._clock)
        features = await self.on_file(identity, at)
        if features is None:
            raise NotFound(
                "There is no such customer on file.",
                next_step="send the customer's features to POST /predict, or load a customer table that holds this id",
            )
        customer = Customer(identity, features, explain=explain_of(request))
        return json_response(await self._answer(call, customer, typed=False))

    async def _answer(self, call: Call, customer: Customer, *, typed: bool) -> Answer:
        if call.key and (earlier := await self._journal.answered(call.key)):
            return replay(earlier, customer, call.language)
        decided = await self._decide(call, customer, typed=typed)
        if isinstance(decided.scored, list):
            raise invalid(decided.scored)
        prediction = self._prediction(call, decided.live, decided.scored, decided.reasons)
        try:
            await self._journal.keep(prediction)
        except Conflict:
            earlier = await self._journal.answered(call.key) if call.key else None
            if earlier is None:
                raise
            return replay(earlier, customer, call.language)
        self._metrics.predictions([prediction])
        self._look_on(call, [customer], typed=typed)
        return answer_of(prediction, call.language)

    async def _decide(self, call: Call, customer: Customer, *, typed: bool) -> Decided:
        if customer.explain and not call.arms.of(customer.id).reasoner.quick:  # its tables may have to be built first
            return await asyncio.to_thread(_decided, call.arms, customer, typed=typed)
        return _decided(call.arms, customer, typed=typed)

    def _look_on(self, call: Call, customers: Sequence[Customer], *, typed: bool) -> None:
        """Let a shadow say what it would have decided, once the answer is certain."""
        live = call.arms.shadow
        if live is None:
            return

        def look() -> list[Prediction]:
            unasked = [replace(customer, explain=False) for customer in customers]
            scored = score(live.bundle, unasked, typed=typed)
            told = [self._prediction(call, live, one, []) for one in scored if isinstance(one, Scored)]
            return [replace(one, arm="shadow", idempotency_key=None, latency_ms=None) for one in told]

        self._shadow.offer(look)

    def _score_batch(
        self, call: Call, data: bytes, media_type: str
    ) -> tuple[list[Answer | RefusedRow], list[Prediction], list[Customer]]:
        rows = self._rows(call, data, media_type)
        customers = [row for row in rows if isinstance(row, Customer)]
        decided = iter(decide(call.arms, customers, typed=media_type == JSON))
        answers: list[Answer | RefusedRow] = []
        kept: list[Prediction] = []
        for position, row in enumerate(rows):
            if not isinstance(row, Customer):
                answers.append(RefusedRow(position, None, row))
                continue
            live, result, reasons = next(decided)
            if isinstance(result, list):
                answers.append(RefusedRow(position, row.id, result))
            else:
                kept.append(self._prediction(call, live, result, reasons))
                answers.append(answer_of(kept[-1], call.language))
        if not kept:
            raise invalid(_every_error(answers), what="batch")
        return answers, kept, customers

    def _rows(self, call: Call, data: bytes, media_type: str) -> list[Customer | Errors]:
        bundle, most = call.arms.champion.bundle, self._config.max_batch_rows
        if media_type == CSV:
            rows = list(islice(read_csv(data, bundle), most + 1))
        else:
            rows = [read_envelope(item, bundle.contract) for item in _list(decode_json(data), most)]
        if len(rows) > most:
            raise too_many(most)
        if not rows:
            raise invalid([FieldError("", "empty", "a batch holds at least one customer")], what="batch")
        return rows

    def _prediction(self, call: Call, live: Live, scored: Scored, reasons: Sequence[Any]) -> Prediction:
        decision = scored.decision
        return Prediction(
            prediction_id=self._new_id(),
            at=self._clock(),
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
            request_id=call.request_id,
            threshold=decision.threshold,
            risk_band=decision.risk_band,
            expected_cost=decision.expected_cost,
            reasons=reasons,
            latency_ms=round((perf_counter() - call.started) * 1000, 3),
            idempotency_key=call.key,
        )


def _decided(arms: Arms, customer: Customer, *, typed: bool) -> Decided:
    return decide_one(arms, customer) if typed else decide(arms, [customer], typed=False)[0]


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


def json_response(document: msgspec.Struct, status: int = 200) -> Response:
    """A document as JSON."""
    return JsonBytes(_encode(document), status)


def too_many(most: int) -> RequestRefused:
    """The refusal of a list that is too long."""
    return RequestRefused(413, "too-many", f"A request holds at most {most:,} rows.", next_step="send smaller parts")


def _list(document: Any, most: int) -> Sequence[Any]:
    if not isinstance(document, list):
        raise invalid([FieldError("", "not-a-list", "expected a list of envelopes")], what="batch")
    if len(document) > most:
        raise too_many(most)
    return document


def _every_error(answers: Iterable[Answer | RefusedRow]) -> list[FieldError]:
    refused = (answer for answer in answers if isinstance(answer, RefusedRow))
    every = (
        FieldError(f"[{row.row}].{error.field}", error.code, error.message) for row in refused for error in row.errors
    )
    return list(islice(every, MOST_ERRORS))


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise _bad_key("The Idempotency-Key is malformed.", "send 1 to 255 printable ASCII characters without spaces")
    return key


def _bad_key(message: str, next_step: str) -> RequestRefused:
    return RequestRefused(400, "idempotency-key", message, next_step=next_step)
